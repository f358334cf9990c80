"""Histogram edges: where to cut a numeric column so that every bin holds about as many reference rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ml_platform.stats.columns import Codes, Floats, numbers

if TYPE_CHECKING:
    from numpy.typing import ArrayLike


def histogram_edges(values: ArrayLike, bins: int = 10) -> Floats:
    """Return increasing edges e that cut a numeric column into the bins x < e[0], e[0] <= x < e[1], ..., e[-1] <= x.

    Bins hold about equally many of the values, shape (n,); NaN is ignored. A value that fills a bin alone (a peak at
    0, a flag, a constant) gets its own bin, so a change of its share is seen; there may then be a few more bins than
    asked for. No values give no edges. ValueError for fewer than two bins.

    >>> histogram_edges(np.arange(100.0), 4).tolist()
    [25.0, 50.0, 75.0]
    >>> histogram_edges([0, 0, 0, 0, 0, 0, 0, 1, 2, 3], 4).tolist()
    [1.0]
    >>> histogram_edges([7.0, 7.0]).tolist()
    [7.0, 7.000000000000001]
    """
    if bins < 2:
        message = f"bins: is {bins}; at least 2 are needed to see a shift, such as 10"
        raise ValueError(message)
    column = numbers(values, "values")
    column = np.sort(column[~np.isnan(column)])
    if column.size == 0:
        return column
    if column[0] == column[-1]:
        return np.array([column[0], np.nextafter(column[0], np.inf)])
    starts = column[column.size * np.arange(1, bins) // bins]
    edges = np.unique(np.concatenate([starts, _after_peaks(column, np.unique(starts), bins)]))
    inner: Floats = edges[edges > column[0]]
    return inner


def _after_peaks(column: Floats, starts: Floats, bins: int) -> Floats:
    """Return the next greater value after each start that is itself as frequent as a whole bin."""
    first = np.searchsorted(column, starts, side="left")
    after = np.searchsorted(column, starts, side="right")
    peaks = ((after - first) * bins >= column.size) & (after < column.size)
    return column[after[peaks]]


def histogram_counts(values: ArrayLike, edges: ArrayLike) -> Codes:
    """Count a numeric column's rows per bin of `histogram_edges`, shape (len(edges) + 2,); the last counts NaN.

    >>> histogram_counts([1, 5, 9, None], [4, 8]).tolist()
    [1, 1, 1, 1]
    """
    column, cuts = numbers(values, "values"), numbers(edges, "edges")
    missing = np.count_nonzero(np.isnan(column))
    from_cut = [np.count_nonzero(column >= cut) for cut in cuts]  # cuts are few: faster than finding each row's bin
    return np.append(-np.diff([column.size - missing, *from_cut, 0]), missing)
