"""Findings: what an inspection of new rows proved, gate by gate, as a table for people; never a value of a row."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ml_platform.core.verdict import Outcome, Severity, Verdict
from ml_platform.reports.limits import allowed_by, gate_of
from ml_platform.reports.markdown import table
from ml_platform.reports.outcomes import MARKS, word
from ml_platform.reports.plain_text import one_line

if TYPE_CHECKING:
    from ml_platform.core.measurement import Fact, Measurement
    from ml_platform.policy.resolve import Policy

INSPECTION = "batch_"
MOST_ROWS = 60
# Kinds that are proven by one broken row; a chance of 0 elsewhere is one too small for a number.
HARD_RULES = frozenset({"schema", "misspelling"})
LONGEST_NAMES = 120
SMALLEST_TOLD = 1e-12
HEADS = ("verdict", "gate", "finding", "columns", "rows concerned", "evidence", "smallest detectable", "what to do")


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingRow:
    """One finding, or one gate that found nothing; `rank` orders the table: what stops the path comes first."""

    rank: int
    verdict: str
    gate: str
    kind: str
    columns: str
    effect: float | None
    evidence: str
    smallest: str
    next_step: str

    @property
    def cells(self) -> tuple[str, ...]:
        """Return the row as texts, in the order of the table's heads."""
        effect = "-" if self.effect is None else percent(self.effect)
        return (
            self.verdict, self.gate, self.kind, self.columns, effect, self.evidence, self.smallest, self.next_step,
        )  # fmt: skip


def finding_rows(verdicts: Sequence[Verdict], policy: Policy | None = None) -> tuple[FindingRow, ...]:
    """Return every finding, the gravest first, then the gates that found nothing.

    A finding that `policy`, the one that the verdicts were made under, tolerates is told as tolerated. The smallest
    detectable share of faulty rows is "none" where no share would have been revealed, "-" where nothing needed a test.
    """
    judged = (verdict for verdict in verdicts if verdict.worst and verdict.worst.metric.startswith(INSPECTION))
    rows = (row for verdict in judged for row in _rows(verdict, policy))
    return tuple(sorted(rows, key=lambda row: (row.rank, -(row.effect or 0.0))))


def findings_table(verdicts: Sequence[Verdict], policy: Policy | None = None) -> str:
    """Return the findings as a Markdown table; beyond 60 rows they are counted."""
    rows = finding_rows(verdicts, policy)
    left = len(rows) - MOST_ROWS
    more = [(f"… and {left:,} more", *[""] * (len(HEADS) - 1))] if left > 0 else []
    return table(HEADS, [*(row.cells for row in rows[:MOST_ROWS]), *more])


def percent(share: float) -> str:
    """Write a share for people.

    >>> percent(0.5), percent(0.01234), percent(0.0)
    ('50 %', '1.23 %', '0 %')
    """
    return f"{100 * share:.3g} %"


def _rows(verdict: Verdict, policy: Policy | None) -> Iterator[FindingRow]:
    found = [one for one in verdict.measurements if "kind" in one.facts and one.value is not None]
    if not found and verdict.worst is not None:
        yield _silent(verdict, verdict.worst)
    for one in found:
        yield _found(verdict, one, policy)


def _silent(verdict: Verdict, worst: Measurement) -> FindingRow:
    opens = verdict.outcome.opens
    return FindingRow(
        rank=4 if opens else _rank(verdict),
        verdict=_word(verdict),
        gate=verdict.gate,
        kind="none" if opens else verdict.reason,
        columns="-",
        effect=None,
        evidence="-",
        smallest=_smallest(worst),
        next_step="-" if opens else verdict.next_step,
    )


def _found(verdict: Verdict, one: Measurement, policy: Policy | None) -> FindingRow:
    tolerated = _tolerates(verdict, one, policy)
    return FindingRow(
        rank=3 if tolerated else _rank(verdict),
        verdict="~ tolerated" if tolerated else _word(verdict),
        gate=verdict.gate,
        kind=str(one.facts["kind"]),
        columns=one_line(one.subject, LONGEST_NAMES),
        effect=one.value,
        evidence=_evidence(one),
        smallest=_smallest(one),
        next_step=f"nothing: {verdict.limit}" if tolerated else verdict.next_step,
    )


def _tolerates(verdict: Verdict, one: Measurement, policy: Policy | None) -> bool:
    gate = gate_of(verdict, policy)
    allowed = allowed_by(gate) if gate else None
    high = allowed.high if allowed else None
    return high is not None and one.value is not None and one.value <= high


def _rank(verdict: Verdict) -> int:
    if verdict.outcome.opens:
        return 3
    return 2 if verdict.severity is Severity.WARN else int(verdict.outcome is Outcome.UNDECIDED)


def _word(verdict: Verdict) -> str:
    warns = " (warns)" if verdict.severity is Severity.WARN and not verdict.outcome.opens else ""
    return f"{MARKS[verdict.outcome]} {word(verdict.outcome)}{warns}"


def _evidence(one: Measurement) -> str:
    chance, what = one.facts.get("p_value"), one.facts.get("what") or one.facts.get("how")
    said = "hard rule" if one.facts["kind"] in HARD_RULES else _chance(chance)
    return f"{said}: {what}" if what else said


def _chance(p_value: Fact) -> str:
    if not isinstance(p_value, int | float):
        return "?"
    return f"p = {p_value:.2g}" if p_value >= SMALLEST_TOLD else f"p < {SMALLEST_TOLD:g}"


def _smallest(one: Measurement) -> str:
    if one.facts.get("hypotheses") == 0:
        return "-"
    found = one.facts.get("smallest_detectable")
    return percent(found) if isinstance(found, int | float) else "none"
