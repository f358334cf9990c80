"""The declared expectations of a report, one line each: what was expected, what was seen, and the verdict on it."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ml_platform.core.measurement import number_text
from ml_platform.core.verdict import Outcome
from ml_platform.policy.judge import outcome_of
from ml_platform.reports.explanation import interval_text
from ml_platform.reports.limits import gate_of
from ml_platform.reports.measured_rows import EVALUATION
from ml_platform.reports.outcomes import word

if TYPE_CHECKING:
    from ml_platform.core.measurement import Measurement
    from ml_platform.policy.gates import Gate
    from ml_platform.reports.content import Content
    from ml_platform.reports.measured_rows import MeasuredRows

HEADS = ("Expectation", "Expected", "Seen", "Rows", "Verdict")
# What each kind is called, the metric that is shown, and the one that is judged.
_KINDS = (
    ("edge case", "edge_cases_missed", "edge_cases_missed"),
    ("invariance", "invariance_broken_share", "invariance_broken_excess"),
    ("direction", "direction_broken_share", "direction_broken_excess"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectationRow:
    """One expectation; `anchor` leads to its measurement's row, `tone` is the verdict's style class."""

    name: str
    expected: str
    seen: str
    rows: str
    word: str
    tone: str
    anchor: str

    @property
    def texts(self) -> tuple[str, ...]:
        """Return the row as plain texts under the heads."""
        return (self.name, self.expected, self.seen, self.rows, self.word)


def expectation_rows(content: Content, measured: MeasuredRows) -> tuple[ExpectationRow, ...]:
    """Return a row per expectation in the model file's order; nothing where none was declared."""
    found = {(one.metric, one.subject): one for one in content.measurements}
    return tuple(
        _row(kind, one, found.get((judged, one.subject)), content, measured)
        for kind, shown, judged in _KINDS
        for one in content.all_of(shown)
    )


def _row(
    kind: str, one: Measurement, judged: Measurement | None, content: Content, measured: MeasuredRows
) -> ExpectationRow:
    gate = _gate(judged, content)
    outcome = None if gate is None or judged is None else outcome_of(gate, judged)
    return ExpectationRow(
        name=f"{kind}: {one.subject}",
        expected=str(one.facts.get("expected", "")),
        seen=_seen(one),
        rows="-" if one.metric == "edge_cases_missed" else f"{one.n:,}",
        word="not judged" if outcome is None else word(outcome),
        tone=_tone(gate, outcome),
        anchor=measured.anchor(EVALUATION, one),
    )


def _gate(judged: Measurement | None, content: Content) -> Gate | None:
    """Return the gate that judged a measurement; None where there is none, or it isn't known any more."""
    gates = (gate_of(verdict, content.policy) for verdict in content.verdicts)
    return next((gate for gate in gates if gate and judged and gate.metric == judged.metric), None)


def _tone(gate: Gate | None, outcome: Outcome | None) -> str:
    if gate is None or outcome is None:
        return Outcome.NOT_APPLICABLE.value
    return "warned" if gate.severity == "warn" and not outcome.opens else outcome.value


def _seen(one: Measurement) -> str:
    if one.value is None:
        return one.reason
    if one.metric != "edge_cases_missed":
        percent = dataclasses.replace(
            one,
            value=100 * one.value,
            low=None if one.low is None else 100 * one.low,
            high=None if one.high is None else 100 * one.high,
        )
        return f"otherwise in {number_text(percent.value)} % {interval_text(percent)}".rstrip()
    score, decision, unseen = (one.facts.get(name) for name in ("score", "decision", "never_seen_in_training"))
    said = [
        f"score {number_text(score)}" if isinstance(score, int | float) else "",
        f"decision {decision}" if decision else "",
        f"never seen in training: {unseen}" if unseen else "",
    ]
    return ", ".join(filter(None, said))
