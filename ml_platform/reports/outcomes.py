"""Outcomes in signs and words: readable without colour, the same in every kind of report."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType

from ml_platform.core.verdict import Outcome, Severity, Verdict
from ml_platform.policy.stages import STAGES

MARKS: Mapping[Outcome, str] = MappingProxyType(
    {
        Outcome.PASSED: "✓",
        Outcome.FAILED: "✗",
        Outcome.UNDECIDED: "?",
        Outcome.WAIVED: "~",
        Outcome.NOT_APPLICABLE: "-",
    }
)
MOST_NAMED = 10


def word(outcome: Outcome) -> str:
    """Return an outcome as people say it.

    >>> word(Outcome.NOT_APPLICABLE)
    'not applicable'
    """
    return outcome.value.replace("_", " ")


def tally(verdicts: Sequence[Verdict]) -> str:
    """Count verdicts in words: all of them, then each outcome that occurs, and how many of it only warn.

    >>> tally([])
    'no gates'
    """
    if not verdicts:
        return "no gates"
    gates = "1 gate" if len(verdicts) == 1 else f"{len(verdicts):,} gates"
    return f"{gates}: {', '.join(_counted(outcome, verdicts) for outcome in _occurring(verdicts))}"


def warning_text(verdicts: Sequence[Verdict]) -> str:
    """Name the gates that aren't open and stop nothing; empty when there is none.

    >>> warning_text([])
    ''
    """
    names = [verdict.gate for verdict in verdicts if not verdict.outcome.opens and not verdict.closes]
    more = f" and {len(names) - MOST_NAMED:,} more" if len(names) > MOST_NAMED else ""
    gates = "1 gate warns" if len(names) == 1 else f"{len(names):,} gates warn"
    return f"{gates}: {', '.join(names[:MOST_NAMED])}{more}" if names else ""


def _occurring(verdicts: Sequence[Verdict]) -> list[Outcome]:
    found = {verdict.outcome for verdict in verdicts}
    return [outcome for outcome in Outcome if outcome in found]


def _counted(outcome: Outcome, verdicts: Sequence[Verdict]) -> str:
    found = [verdict for verdict in verdicts if verdict.outcome is outcome]
    warning = sum(verdict.severity is Severity.WARN for verdict in found)
    only = "" if outcome.opens or not warning else f" ({warning:,} only {'warns' if warning == 1 else 'warn'})"
    return f"{len(found):,} {word(outcome)}{only}"


def by_stage(verdicts: Iterable[Verdict]) -> dict[str, list[Verdict]]:
    """Group verdicts by stage, stages in the order of the flow and unknown ones last, gates as they come."""
    found: dict[str, list[Verdict]] = {}
    for verdict in verdicts:
        found.setdefault(verdict.stage, []).append(verdict)
    known = [stage for stage in STAGES if stage in found]
    return {stage: found[stage] for stage in (*known, *(stage for stage in found if stage not in STAGES))}
