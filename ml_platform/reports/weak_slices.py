"""Weak slices: the chapter on where a model is worse than elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ml_platform.core.measurement import Fact, Measurement, number_text
from ml_platform.reports.measured_rows import EVALUATION
from ml_platform.reports.probe_section import Cell, ProbeSection

if TYPE_CHECKING:
    from ml_platform.reports.content import Content
    from ml_platform.reports.measured_rows import MeasuredRows

METRIC = "weak_slice_loss"
HEADS = ("slice", "loss over all others'", "interval", "rows", "loss", "promised", "AUC (others)", "p (Holm)")


def weak_slices_section(content: Content, measured: MeasuredRows) -> ProbeSection:
    """Return the chapter; without rows where slices weren't looked for."""
    found = content.all_of(METRIC)
    return ProbeSection(
        name="weak-slices",
        title="Where is it weak?",
        note="Slices of one or two conditions that seemed weak in half of the holdout, measured on the other half. The "
        "intervals hold together at 95 %. Promised is the loss that the model's own probabilities expect: where the "
        "loss is about that, the slice is hard rather than wrong.",
        heads=HEADS,
        rows=tuple(_row(one, measured) for one in found),
        words=_words(found),
    )


def _row(one: Measurement, measured: MeasuredRows) -> tuple[Cell, ...]:
    facts = one.facts
    area, others = facts.get("roc_auc"), facts.get("roc_auc_elsewhere")
    return (
        Cell(text=one.subject or "all rows"),
        Cell(text=_percent(one.value) or f"undefined: {one.reason}", anchor=measured.anchor(EVALUATION, one)),
        Cell(text="" if one.low is None or one.high is None else f"[{_percent(one.low)}, {_percent(one.high)}]"),
        Cell(text=f"{one.n:,}"),
        Cell(text=_number(facts.get("loss"))),
        Cell(text=_number(facts.get("loss_promised"))),
        Cell(text=f"{_number(area)} ({_number(others)})" if area is not None else ""),
        Cell(text=_p(facts.get("p_holm"))),
    )


def _words(found: tuple[Measurement, ...]) -> tuple[str, ...]:
    surely = [one for one in found if one.low is not None and one.low > 0]
    if not any(one.facts.get("slices_tested") for one in found):
        return ()
    told = f"{len(surely)} of {len(found)} slices that seemed weak are surely worse than the rest."
    return (told,)


def _percent(value: float | None) -> str:
    return "" if value is None else f"{100 * value:+.0f} %"


def _p(fact: Fact) -> str:
    return "< 0.0001" if isinstance(fact, float) and fact < 1e-4 else _number(fact)


def _number(fact: Fact) -> str:
    return number_text(fact) if isinstance(fact, int | float) else ""
