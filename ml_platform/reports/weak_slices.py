"""Weak slices: the chapter on where a model is worse than elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ml_platform.core.measurement import Fact, Measurement
from ml_platform.reports.against_live import p_text
from ml_platform.reports.measured_rows import EVALUATION
from ml_platform.reports.numbered_levels import numbered_levels
from ml_platform.reports.probe_section import Cell, ProbeSection

if TYPE_CHECKING:
    from ml_platform.reports.content import Content
from ml_platform.reports.measured_rows import MeasuredRows

HEADS = ("slice", "loss over all others'", "loss over promised", "rows", "AUC (others)", "p (Holm)")


def weak_slices_section(content: Content, measured: MeasuredRows) -> ProbeSection:
    """Return the chapter; without rows where slices weren't looked for."""
    found = (*content.all_of("weak_slice_loss"), *content.all_of("weak_slice_log_loss"))
    surprises = {one.subject: one for one in content.all_of("weak_slice_surprise")}
    return ProbeSection(
        name="weak-slices",
        title="Where is it weak?",
        note="Slices of one or two conditions that seemed weak in half of the holdout, measured on the other half. The "
        "intervals hold together at 95 %. Promised is the loss that the model's own probabilities expect: where the "
        "loss is about that, the slice is hard rather than wrong.",
        heads=HEADS,
        rows=tuple(_row(one, surprises.get(one.subject), measured) for one in found),
        words=(*_words(found), *filter(None, [numbered_levels(content)] if found else [])),
    )


def _row(one: Measurement, surprise: Measurement | None, measured: MeasuredRows) -> tuple[Cell, ...]:
    area, others = one.facts.get("roc_auc"), one.facts.get("roc_auc_elsewhere")
    return (
        Cell(text=one.subject or "all rows"),
        _share(one, measured),
        _share(surprise, measured) if surprise else Cell(text=""),
        Cell(text=f"{one.n:,}"),
        Cell(text=f"{_number(area)} ({_number(others)})" if area is not None else ""),
        Cell(text=p_text(one.facts.get("p_holm"))),
    )


def _share(one: Measurement, measured: MeasuredRows) -> Cell:
    """Return a share and its interval in percent."""
    seen = f"undefined: {one.reason}" if one.value is None else f"{_percent(one.value)} %"
    bounds = "" if one.low is None or one.high is None else f" [{_percent(one.low)}, {_percent(one.high)}]"
    return Cell(text=f"{seen}{bounds}", anchor=measured.anchor(EVALUATION, one))


def _words(found: tuple[Measurement, ...]) -> tuple[str, ...]:
    if not any(one.facts.get("slices_tested") for one in found):
        return ()
    surely = [one for one in found if one.low is not None and one.low > 0]
    return (f"{len(surely)} of {len(found)} slices that seemed weak are surely worse than the rest.",)


def _percent(value: float) -> str:
    return f"{round(100 * value):+d}"


def _number(fact: Fact) -> str:
    return f"{fact:.3f}" if isinstance(fact, int | float) else ""
