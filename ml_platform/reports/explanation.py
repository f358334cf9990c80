"""What is claimed, what was seen and why, each said once."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from ml_platform.core.measurement import number_text
from ml_platform.core.verdict import Outcome
from ml_platform.reports.outcomes import word
from ml_platform.reports.plain_text import one_line

if TYPE_CHECKING:
    from ml_platform.core.measurement import Measurement
    from ml_platform.core.verdict import Verdict

# Units that say nothing which the metric's name doesn't say.
LONGEST_LEVEL = 60
_SILENT_UNITS = frozenset({"share", "fact"})

_MEASURE_FIRST = "See to what kept it from being measured. Where it then fails:"
_NAMES = {"auc": "AUC", "psi": "PSI"}
LONGEST_NAME = 60


def claim(gate: str) -> str:
    """Write a gate's name as the sentence that should be true.

    >>> claim("auc_is_sufficient")
    'AUC is sufficient'
    """
    words = " ".join(_NAMES.get(part, part) for part in gate.split("_"))
    return words[:1].upper() + words[1:]


def seen(measurement: Measurement) -> str:
    """Say a measurement in one line, without the units that its metric's name implies.

    >>> from ml_platform.core.measurement import Measurement
    >>> seen(Measurement(metric="label_share", value=0.5, low=0.4, high=0.6, n=90, unit="share"))
    'label_share = 0.5 [0.4, 0.6] (n = 90)'
    """
    return (replace(measurement, unit="") if measurement.unit in _SILENT_UNITS else measurement).text()


def interval_text(measurement: Measurement) -> str:
    """Return the interval as text, a missing bound as "?"; empty when there is none.

    >>> from ml_platform.core.measurement import Measurement
    >>> interval_text(Measurement(metric="roc_auc", value=0.5, low=0.41237, high=0.6, n=90))
    '[0.4124, 0.6]'
    """
    if measurement.low is None and measurement.high is None:
        return ""
    return f"[{number_text(measurement.low)}, {number_text(measurement.high)}]"


def next_step(verdict: Verdict) -> str:
    """Say what to do about a closed gate; first about what kept it from being measured, if that is what closed it."""
    undefined = verdict.worst is None or verdict.worst.value is None
    if verdict.outcome is Outcome.UNDECIDED and undefined and verdict.measurements:
        return f"{_MEASURE_FIRST} {verdict.next_step}"
    return verdict.next_step


def explanation(verdict: Verdict) -> str:
    """Return what a verdict's reason says beyond its measurement and limit, after the rates of the two groups."""
    if verdict.worst is None:
        return verdict.reason
    return ". ".join(filter(None, (rates_text(verdict.worst), _beyond(verdict, verdict.worst))))


def rates_text(one: Measurement) -> str:
    """Say both groups' own numbers and which is higher; empty for what compares no groups.

    >>> from ml_platform.core.measurement import Measurement
    >>> facts = {"group": 0.61, "reference": 0.7}
    >>> rates_text(Measurement(metric="gap", value=0.09, n=90, subject="crew=a vs crew=b", facts=facts))
    'crew=a 0.61 is lower than crew=b 0.7'
    """
    group, reference = one.facts.get("group"), one.facts.get("reference")
    name, found, other = one.subject.partition(" vs ")
    name, other = one_line(name, LONGEST_NAME), one_line(other, LONGEST_NAME)
    if not found or not isinstance(group, int | float) or not isinstance(reference, int | float):
        return ""
    word = "lower than" if group < reference else "higher than" if group > reference else "the same as"
    name, other = one_line(name, LONGEST_LEVEL), one_line(other, LONGEST_LEVEL)
    return f"{name} {number_text(group)} is {word} {other} {number_text(reference)}"


def _beyond(verdict: Verdict, worst: Measurement) -> str:
    rest = verdict.reason.removeprefix(worst.text())
    if rest == verdict.reason:
        return rest
    rest = rest.removeprefix(f"; needed: {verdict.limit}").strip(" .;")
    if rest.startswith("(") and rest.endswith(")"):
        rest = rest[1:-1]
    return rest.replace("subjects are so", f"subjects {word(verdict.outcome)}")
