"""The figure of the slices: each with its interval, against the gates' limits and the whole holdout."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import TYPE_CHECKING

from ml_platform.reports.figures import Figure
from ml_platform.reports.forest_plot import Forest, ForestRow, forest_plot
from ml_platform.reports.forest_rows import forest_row, reading
from ml_platform.reports.limits import limits_on
from ml_platform.reports.measured_rows import EVALUATION

if TYPE_CHECKING:
    from ml_platform.core.measurement import Measurement
    from ml_platform.reports.content import Content
    from ml_platform.reports.measured_rows import MeasuredRows

METRIC = "slice_auc"


def slice_figures(content: Content, measured: MeasuredRows) -> tuple[Figure, ...]:
    """Return the forest plot of the slices; nothing when there are none."""
    found = content.all_of(METRIC)
    if not found:
        return ()
    whole = content.found("roc_auc")
    forest = Forest(
        rows=list(_rows(found, measured)),
        limits=limits_on(METRIC, EVALUATION, content.policy),
        reference=whole.value if whole else None,
        reference_name="all rows",
        name="Area under the ROC curve per slice",
    )
    caption = (
        "Area under the ROC curve within each slice of the holdout. Small slices are pooled, so that every row is in "
        f"one slice of each cut. {reading(forest)}"
    )
    return (Figure(title="Does it hold in every slice?", picture=forest_plot(forest), caption=caption),)


def _rows(found: Sequence[Measurement], measured: MeasuredRows) -> Iterator[ForestRow]:
    """Yield a heading per cut (`carrier=UA` is of the cut `carrier`) and a row per slice."""
    for cut, slices in groupby(found, key=lambda one: one.subject.partition("=")[0]):
        yield ForestRow(name=cut)
        for one in slices:
            number = one.reason if one.value is None else f"{one.value:.3f}"
            name = one.subject.partition("=")[2]
            yield forest_row(one, measured, note=f"{number}, n = {one.n:,}", name=name)
