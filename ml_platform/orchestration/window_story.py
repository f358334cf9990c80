"""A window's story, for who was woken by it: what happened, what shifted, what lies behind it, where to look next."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any

from ml_platform.core.verdict import Outcome
from ml_platform.orchestration.wiring import asset_key
from ml_platform.reports.explanation import next_step, seen
from ml_platform.stages.alarm_words import alarm_text, alarmed, behind, raised

if TYPE_CHECKING:
    from ml_platform.core.records import MonitoringRecord
    from ml_platform.core.verdict import Verdict

MOST = 3


def window_story(record: MonitoringRecord, verdicts: Sequence[Verdict]) -> dict[str, Any]:
    """Return the metadata that tells a window's story in the order in which it is asked for."""
    alarms = raised(verdicts)
    found: dict[str, Any] = {"in short": f"{record.window}, v{record.version}: {in_short(verdicts)}"}
    found |= _numbered("alarm", (alarm_text(one) for one in alarms))
    found |= _numbered("behind it", behind(verdicts))
    if to_do := _to_do(verdicts):
        found |= {"next step": to_do}
    if alarms:
        found |= {name: asset_key(record.model, name) for name in ("features", "source")}
    return found


def in_short(verdicts: Sequence[Verdict]) -> str:
    """Say what a window's verdicts come to, with the numbers of what is closed."""
    closed = [one for one in verdicts if one.closes]
    failed = [one for one in closed if one.outcome is Outcome.FAILED]
    if failed:
        return f"harm is proven: {'; '.join(map(_with_numbers, failed))}"
    if closed:
        return f"not known whether all is well: {'; '.join(f'{one.gate}: {one.reason}' for one in closed)}"
    alarms = raised(verdicts)
    if alarms:
        return f"no harm is proven, but {len(alarms)} of what is watched has shifted by more than chance"
    warns = [one.gate for one in verdicts if not one.outcome.opens]
    return "no harm and no alarm" + (f"; warnings: {', '.join(warns)}" if warns else "")


def story_lines(record: MonitoringRecord, verdicts: Sequence[Verdict]) -> list[str]:
    """Return what a run's failure adds to its gates: which window and version, and what lies behind it."""
    why = list(islice(behind(verdicts), MOST))
    return [
        f"window {record.window}, served by v{record.version}",
        *(f"behind it: {one}" for one in why),
        f"page: asset {record.model}/monitoring, partition {record.window}",
    ]


def _with_numbers(verdict: Verdict) -> str:
    return f"{verdict.gate}: {seen(verdict.worst) if verdict.worst else verdict.reason}, needed {verdict.limit}"


def _to_do(verdicts: Sequence[Verdict]) -> str:
    """Return what to do: about an alarm first, because retraining on what a broken column says helps nobody."""
    found = alarmed(verdicts) or [one for one in verdicts if one.closes]
    return next_step(found[0]) if found else ""


def _numbered(name: str, texts: Iterable[str]) -> dict[str, str]:
    return {f"{name} {place}": text for place, text in enumerate(islice(texts, MOST), start=1)}
