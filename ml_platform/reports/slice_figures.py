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
from ml_platform.reports.numbered_levels import numbered_levels

if TYPE_CHECKING:
    from ml_platform.core.measurement import Measurement
    from ml_platform.reports.content import Content
    from ml_platform.reports.measured_rows import MeasuredRows

# Metric, what all rows together are called and have, name of the axis, how to read it.
_KINDS = (
    (
        "slice_auc",
        "roc_auc",
        "Area under the ROC curve per slice",
        "Area under the ROC curve within each slice of the holdout.",
    ),
    (
        "slice_loss_change",
        "",
        "Loss per slice over that of all rows, minus 1",
        "How much larger the mean loss is within each slice of the holdout than on all rows; 0 is alike, 1 is twice.",
    ),
)


def slice_figures(content: Content, measured: MeasuredRows) -> tuple[Figure, ...]:
    """Return the forest plot of the slices; nothing when there are none."""
    return tuple(_figure(content, measured, kind, found) for kind in _KINDS if (found := content.all_of(kind[0])))


def _figure(
    content: Content, measured: MeasuredRows, kind: tuple[str, str, str, str], found: Sequence[Measurement]
) -> Figure:
    metric, whole, name, about = kind
    all_rows = content.found(whole) if whole else None
    forest = Forest(
        rows=list(_rows(found, measured)),
        limits=limits_on(metric, EVALUATION, content.policy),
        reference=(all_rows.value if all_rows else None) if whole else 0.0,
        reference_name="all rows",
        name=name,
    )
    pooled = "Small slices are pooled, so that every row is in one slice of each cut."
    return Figure(
        title="Does it hold in every slice?",
        picture=forest_plot(forest),
        caption=f"{about} {pooled} {reading(forest)} {numbered_levels(content)}".strip(),
    )


def _rows(found: Sequence[Measurement], measured: MeasuredRows) -> Iterator[ForestRow]:
    """Yield a heading per cut (`carrier=UA` is of the cut `carrier`) and a row per slice."""
    for cut, slices in groupby(found, key=lambda one: one.subject.partition("=")[0]):
        yield ForestRow(name=cut)
        for one in slices:
            number = one.reason if one.value is None else f"{one.value:.3f}"
            name = one.subject.partition("=")[2]
            yield forest_row(one, measured, note=f"{number}, n = {one.n:,}", name=name)
