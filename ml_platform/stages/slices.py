"""Slices: how well the model ranks within each category and each week, so that an average hides nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ml_platform.stats.roc_auc import roc_auc_of
from ml_platform.stats.scored import scored

if TYPE_CHECKING:
    from ml_platform.core.measurement import Measurement
    from ml_platform.stages.matrix import Matrix
    from ml_platform.stages.scored_part import ScoredPart

MOST_LEVELS = 30
SMALLEST_SLICE = 200
WEEK = np.timedelta64(7, "D")

Names = NDArray[np.object_]


def measure_slices(holdout: ScoredPart, levels: Mapping[str, Sequence[str]]) -> Iterator[Measurement]:
    """Measure `slice_auc` for every level of every category feature with few levels, and for every week.

    Slices of fewer than 200 rows are pooled into one of the rest, so that every row is in one slice of each cut. Where
    nothing can be cut all rows are the one slice.
    """
    rows = scored(holdout.target, holdout.score, holdout.entity)
    found = [
        roc_auc_of(rows.of(cut == value), metric="slice_auc", subject=f"{name}={value}")
        for name, cut in cuts(holdout, levels)
        for value in sorted(set(cut.tolist()))
    ]
    yield from found or [roc_auc_of(rows, metric="slice_auc", subject="all rows")]


def cuts(holdout: ScoredPart, levels: Mapping[str, Sequence[str]]) -> Iterator[tuple[str, Names]]:
    """Yield each way to cut the rows into slices: its name, and the slice of each row."""
    for name, cut in _attributes(holdout, levels):
        pooled = pool_small(cut)
        if len(set(pooled.tolist())) > 1:
            yield name, pooled


def _attributes(holdout: ScoredPart, levels: Mapping[str, Sequence[str]]) -> Iterator[tuple[str, Names]]:
    matrix = holdout.matrix
    for name in matrix.categorical:
        if len(levels.get(name, ())) <= MOST_LEVELS:
            yield name, _named(matrix.column(name), levels.get(name, ()))
    weeks = weeks_of(matrix)
    if weeks is not None:
        yield "week", weeks


def weeks_of(matrix: Matrix) -> Names | None:
    """Return the first day of each row's week, counted from the first row on; None where rows have no time."""
    if matrix.time is None or not matrix.time.size:
        return None
    weeks = (matrix.time - matrix.time.min()) // WEEK
    starts = (matrix.time.min() + weeks * WEEK).astype("datetime64[D]")
    found: Names = starts.astype(str).astype(object)
    return found


def _named(codes: NDArray[np.float64], levels: Sequence[str]) -> Names:
    names = np.array([*levels, "missing"], dtype=object)
    known = ~np.isnan(codes) & (codes < len(levels))
    found: Names = names[np.where(known, np.nan_to_num(codes), len(levels)).astype(np.intp)]
    return found


def pool_small(cut: Names, smallest: int = SMALLEST_SLICE) -> Names:
    """Return the cut with its small slices pooled; the pool takes in the next smallest until it isn't small itself.

    >>> pool_small(np.array(["a"] * 5 + ["b", "c"], dtype=object), smallest=2).tolist()
    ['a', 'a', 'a', 'a', 'a', 'the 2 smallest', 'the 2 smallest']
    """
    names, counts = np.unique(cut, return_counts=True)
    order = np.argsort(counts, kind="stable")
    reached = np.cumsum(counts[order])
    small = int((counts < smallest).sum())
    if small:
        # One small slice has to take in another to become a pool.
        enough = int(np.searchsorted(reached, smallest)) + 1
        small = min(max(small, enough), names.size)
    pool = set(names[order[:small]].tolist())
    label = f"the {len(pool)} smallest"
    found: Names = np.array([label if value in pool else value for value in cut.tolist()], dtype=object)
    return found
