"""Spread: fewer rows, taken evenly from first to last, so that no time or order is favoured and no dice are needed."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def spread(n: int, most: int) -> NDArray[np.bool_]:
    """Return a mask, shape (n,), of at most `most` evenly spaced rows, the first and last among them.

    >>> spread(5, 3).tolist()
    [True, False, True, False, True]
    """
    chosen = np.zeros(n, dtype=np.bool_)
    if n:
        chosen[np.unique(np.linspace(0, n - 1, min(n, most)).astype(np.intp))] = True
    return chosen
