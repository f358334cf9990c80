"""Bins: each column as a few numbered classes, cut where the fitting rows say, missing values a class of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ml_platform.stages.inspection.tables import count_of

if TYPE_CHECKING:
    from ml_platform.stages.inspection.table import Column

MOST_BINS = 12
LEAST_ROWS = 10


def binned(column: Column, fit: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return a class from 0 on for every row of both tables.

    Ordered columns are cut at quantiles of the fitting rows, but a value that holds a bin's worth of rows gets a bin of
    its own; texts keep their most frequent levels. Everything else of a text column is one class.
    """
    counts = count_of(column.codes[fit], column.values.size)
    mapping = _most_frequent(counts) if column.kind == "levels" else _quantiles(counts)
    return np.append(mapping, mapping.max(initial=-1) + 1)[column.codes]


def _most_frequent(counts: NDArray[np.int64]) -> NDArray[np.int64]:
    order = np.argsort(-counts, kind="stable")[: MOST_BINS * 2]
    kept = order[counts[order] >= LEAST_ROWS]
    mapping = np.full(counts.size, kept.size, dtype=np.int64)
    mapping[kept] = np.arange(kept.size)
    return mapping


def _quantiles(counts: NDArray[np.int64]) -> NDArray[np.int64]:
    total = int(counts.sum())
    heavy = counts >= max(1.0, total / MOST_BINS)
    before = np.cumsum(counts) - counts / 2
    place = np.floor(before / max(1, total) * MOST_BINS)
    # A heavy value ends the bin before it and begins the one after it.
    key = place + np.cumsum(heavy) + np.cumsum(np.append(0, heavy[:-1]))
    _, mapping = np.unique(key, return_inverse=True)
    return mapping.astype(np.int64)
