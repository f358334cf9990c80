"""Halves: rows in two halves, one to look for something in and one to test what was found; entities stay whole."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def first_half(n: int, entity: NDArray[np.uint64] | None, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Return which of n rows are in the first half, shape (n,): half of the entities, or of the rows.

    >>> int(first_half(10, None, np.random.default_rng(1)).sum())
    5
    """
    units = np.arange(n) if entity is None else np.unique(entity, return_inverse=True)[1]
    count = int(units.max()) + 1 if n else 0
    chosen = np.zeros(count, dtype=np.bool_)
    chosen[rng.permutation(count)[: count // 2]] = True
    found: NDArray[np.bool_] = chosen[units]
    return found
