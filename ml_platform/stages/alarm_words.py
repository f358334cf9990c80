"""Alarms in words: what shifted, by how much and since when, and what lies behind it, the largest cause first."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from ml_platform.core.measurement import number_text

if TYPE_CHECKING:
    from ml_platform.core.measurement import Fact, Measurement
    from ml_platform.core.verdict import Verdict

PERFORMANCE, TRAFFIC = "performance_alarm", "traffic_alarm"
CAUSE = "cause_"


def is_alarm(one: Measurement) -> bool:
    """Say whether a monitor's evidence reaches what an alarm needs."""
    return one.metric in {PERFORMANCE, TRAFFIC} and one.value is not None and one.value > 1


def raised(verdicts: Iterable[Verdict]) -> list[Measurement]:
    """Return what raised an alarm: performance first, of each family the strongest first."""
    found = [one for verdict in verdicts for one in verdict.measurements if is_alarm(one)]
    return sorted(found, key=lambda one: (one.metric != PERFORMANCE, -(one.value or 0.0)))


def alarmed(verdicts: Iterable[Verdict]) -> list[Verdict]:
    """Return the verdicts that hold an alarm, that of performance first."""
    found = [one for one in verdicts if raised([one])]
    return sorted(found, key=lambda one: raised([one])[0].metric != PERFORMANCE)


def alarm_text(alarm: Measurement) -> str:
    """Say in a sentence what shifted, from what to what, since when.

    >>> from ml_platform.core.measurement import Measurement
    >>> facts = {"most_in": "missing", "usual": 0.01, "now": 0.4, "psi": 1.2, "windows_since_it_began": 2}
    >>> alarm_text(Measurement(metric="traffic_alarm", value=9.0, n=500, subject="income", facts=facts))
    'income has shifted: 40% of the rows are in missing, 1% at release (PSI 1.2), for 2 windows (n = 500)'
    """
    told = alarm.facts
    windows = told.get("windows_since_it_began")
    since = f", for {windows} window{'' if windows == 1 else 's'}" if windows is not None else ""
    rows = f"{since} (n = {alarm.n:,})"
    if "most_in" in told:
        parts = (
            f"{_share(told.get('now'))} of the rows are in {told['most_in']}, {_share(told.get('usual'))} at release"
        )
        return f"{alarm.subject} has shifted: {parts} (PSI {_number(told.get('psi'))}){rows}"
    return f"{alarm.subject}: {_number(told.get('now'))}, {_number(told.get('usual'))} at release{rows}"


def comes_from(alarm: Measurement) -> list[str]:
    """Return what lies behind an alarm, the largest first: the inputs that moved, or where this one comes from."""
    named = [str(value) for name, value in alarm.facts.items() if name.startswith(CAUSE)]
    source, features = (alarm.facts.get(name) for name in ("source_column", "features"))
    own = [f"it comes from {source}" + (f" and goes into {features}" if features else "")] if source else []
    return [*named, *own]


def behind(verdicts: Iterable[Verdict]) -> list[str]:
    """Return what lies behind a window's alarms; without any alarm nothing is known."""
    first = raised(verdicts)[:1]
    return [text for one in first for text in _with_subject(one)]


def alarm_rows(measurements: Sequence[Measurement]) -> Iterator[tuple[str, str, str, str]]:
    """Yield per monitor its name, its part of what an alarm needs, what shifted, and what lies behind it."""
    for one in measurements:
        part = "-" if one.value is None else number_text(one.value)
        yield one.subject, part, one.reason or alarm_text(one), "; ".join(comes_from(one)) or "-"


def _with_subject(alarm: Measurement) -> list[str]:
    causes = comes_from(alarm)
    return causes if alarm.metric == PERFORMANCE else [f"{alarm.subject}: {one}" for one in causes]


def _share(value: Fact) -> str:
    return f"{value * 100:.3g}%" if isinstance(value, int | float) else "?"


def _number(value: Fact) -> str:
    return number_text(value) if isinstance(value, int | float) else "?"
