"""Against what is live: the chapters on what a candidate gains over the champion, and where it gets worse."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from ml_platform.core.measurement import Fact, Measurement, number_text
from ml_platform.core.verdict import Outcome
from ml_platform.policy.gates import Gate
from ml_platform.reports.explanation import explanation, interval_text
from ml_platform.reports.measured_rows import EVALUATION
from ml_platform.reports.numbered_levels import numbered_levels
from ml_platform.reports.outcomes import word
from ml_platform.reports.probe_section import Cell, ProbeSection

if TYPE_CHECKING:
    from ml_platform.reports.content import Content
    from ml_platform.reports.measured_rows import MeasuredRows

HEADS = ("", "candidate", "champion", "gain", "95 % interval", "p", "gain that would show", "rows")
SLICE_HEADS = ("slice", "loss against the champion's", "interval", "p (Holm)", "rows")
MOST_SLICES = 10
_AREA, _GAIN, _SLICE = "roc_auc_difference", "gain_over_champion", "slice_loss_against_champion"
_MADE_WITH = frozenset({"champion", "full_champion"})
_NAMES = {
    "log_loss": "log loss",
    "brier": "Brier score",
    "accuracy": "decisions that are right",
    "recall": "true outcomes found",
    "specificity": "false outcomes left alone",
    "expected_cost": "expected cost per row",
    "multiclass_log_loss": "log loss",
    "class_accuracy": "classes decided right",
    "mean_absolute_error": "mean absolute error",
    "mean_squared_error": "mean squared error",
    "pinball_loss": "pinball loss",
}


def live_sections(content: Content, measured: MeasuredRows) -> tuple[ProbeSection, ...]:
    """Return the chapters that have something to show; none where nothing was compared."""
    return tuple(one for one in (_gains(content, measured), _slices(content, measured)) if one.rows)


def _gains(content: Content, measured: MeasuredRows) -> ProbeSection:
    found = [("ranking (AUC)", one) for one in content.all_of(_AREA) if one.value is not None]
    found += [(_NAMES.get(one.subject, one.subject), one) for one in content.all_of(_GAIN)]
    return ProbeSection(
        name="against-live",
        title="Against what is live",
        note="Both score the same rows, none of which the champion was made with, and each decides by its own "
        "threshold. A gain above 0 says that the candidate is better, whichever way the metric points. Each interval "
        "holds for itself; p is that of no difference, of decisions McNemar's. So many rows show the gain of the last "
        "column but one four times out of five: smaller ones may be there and not be seen.",
        heads=HEADS,
        rows=tuple(_row(name, one, measured) for name, one in found),
        words=tuple(_verdicts(content)),
    )


def _row(name: str, one: Measurement, measured: MeasuredRows) -> tuple[Cell, ...]:
    anchor, facts = measured.anchor(EVALUATION, one), one.facts
    gain = f"undefined: {one.reason}" if one.value is None else f"{one.value:+.4g}"
    return (
        Cell(text=name),
        Cell(text=_number(facts.get("candidate"))),
        Cell(text=_number(facts.get("champion"))),
        Cell(text=gain, anchor=anchor),
        Cell(text=interval_text(one)),
        Cell(text=p_text(facts.get("p_value"))),
        Cell(text=_number(facts.get("smallest_detectable"))),
        Cell(text=f"{one.n:,}"),
    )


def _verdicts(content: Content) -> Iterator[str]:
    """Say what the gates on the champion found, and how likely an equally good candidate would have passed them."""
    gates = content.policy.gates if content.policy else {}
    for verdict in content.verdicts:
        gate: Gate | None = gates.get(verdict.gate)
        if gate is None or gate.when not in _MADE_WITH or verdict.outcome is Outcome.NOT_APPLICABLE:
            continue
        if verdict.stage == EVALUATION:
            told = explanation(verdict)
            yield f"{verdict.gate} (needed: {verdict.limit}): {word(verdict.outcome)}{f'. {told}' if told else ''}."


def _slices(content: Content, measured: MeasuredRows) -> ProbeSection:
    every = [one for one in content.all_of(_SLICE) if one.value is not None]
    worst = sorted(every, key=lambda one: (-_least(one), -(one.value or 0.0)))[:MOST_SLICES]
    shown = [one for one in worst if (one.value or 0.0) > 0]
    surely = sum(one.low is not None and one.low > 0 for one in every)
    return ProbeSection(
        name="slices-against-live",
        title="Where did it get worse than what is live?",
        note=f"Of {len(every):,} slices (levels, quarters of numbers, groups, weeks; each of 100 rows or more) those "
        "that surely got worst, at most ten, by the lower bound. All intervals hold together at 95 % (Bonferroni), "
        "and the p-values count every slice (Holm).",
        heads=SLICE_HEADS,
        rows=tuple(_slice(one, measured) for one in shown) or tuple(_nowhere(every)),
        words=tuple(filter(None, (_count(surely, len(every)), numbered_levels(content)))),
    )


def _count(surely: int, every: int) -> str:
    return f"{surely} of {every:,} slices surely got worse." if surely else "No slice surely got worse."


def _nowhere(every: list[Measurement]) -> Iterator[tuple[Cell, ...]]:
    if every:
        yield (Cell(text="none has a larger loss"), *(Cell(text="") for _ in SLICE_HEADS[1:]))


def _slice(one: Measurement, measured: MeasuredRows) -> tuple[Cell, ...]:
    return (
        Cell(text=one.subject),
        Cell(text=f"{100 * (one.value or 0.0):+.1f} %", anchor=measured.anchor(EVALUATION, one)),
        Cell(text=f"[{_percent(one.low)}, {_percent(one.high)}]"),
        Cell(text=p_text(one.facts.get("p_holm"))),
        Cell(text=f"{one.n:,}"),
    )


def _least(one: Measurement) -> float:
    return -1.0 if one.low is None else one.low


def _percent(value: float | None) -> str:
    return "?" if value is None else f"{100 * value:+.1f} %"


def _number(fact: Fact) -> str:
    return number_text(fact) if isinstance(fact, int | float) else ""


def p_text(fact: Fact) -> str:
    """Return a p-value for people.

    >>> p_text(0.0312), p_text(1e-21), p_text(None)
    ('0.031', '< 0.0001', '')
    """
    if not isinstance(fact, int | float):
        return ""
    return "< 0.0001" if fact < 1e-4 else f"{fact:.2g}"
