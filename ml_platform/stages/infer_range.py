"""Infer range: the values that were seen, stretched as far as their own tails suggest.

The range that was merely seen is broken by the next batch of the same data. Hill's estimator of the tail index says
how much farther a tail reaches when one looks at a thousand times as many rows: hardly for a column with a bound
(hours, shares), far for a heavy tail (amounts). So a batch as long as the one seen has about one chance in a thousand
to hold a value outside.

Source: B. M. Hill, A simple general approach to inference about the tail of a distribution, Annals of Statistics 3
(1975), 1163-1174.
"""

from __future__ import annotations

import math
import sys
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

TIMES_AS_MANY_ROWS = 1000
FEWEST_ROWS = 100
SHORT_TAIL = 0.25
HEAVIEST_TAIL = 2.0


def infer_range(ordered: NDArray[np.float64], *, whole: bool) -> tuple[float, float] | None:
    """Return low and high for finite values in ascending order; None when they are all the same or none.

    Bounds of `whole` numbers are whole; a column that was never negative (positive) stays so. Fewer than a hundred
    values say little of their tails: each side gets the whole span besides.

    >>> import numpy as np
    >>> infer_range(np.repeat(np.arange(24.0), 50), whole=True)
    (0.0, 23.0)
    """
    if not ordered.size or ordered[0] == ordered[-1]:
        return None
    lowest, highest = float(ordered[0]), float(ordered[-1])
    if ordered.size < FEWEST_ROWS:
        below = above = highest - lowest
    else:
        tail, centre = ordered.size // FEWEST_ROWS + 1, ordered[ordered.size // 2]
        below, above = _stretch((centre - ordered[:tail])[::-1]), _stretch(ordered[-tail:] - centre)
    low = lowest - below if lowest < 0 else max(0.0, lowest - below)
    high = highest + above if highest > 0 else min(0.0, highest + above)
    if whole:
        return float(round(low)), float(round(high))
    return _outward(low, lowest), _outward(high, highest)


def _stretch(beyond: NDArray[np.float64]) -> float:
    """Return how much farther than its end a tail reaches; `beyond` are its distances from the centre, ascending."""
    beyond = beyond[beyond > 0]
    if not beyond.size:
        return 0.0
    index = float(np.mean(np.log(beyond[1:] / beyond[0]))) if beyond.size > 1 else SHORT_TAIL
    return float(beyond[-1]) * (math.pow(TIMES_AS_MANY_ROWS, min(index, HEAVIEST_TAIL)) - 1)


def _outward(bound: float, seen: float) -> float:
    """Round a bound to three digits, away from what was seen; the greatest float is as far as it goes."""
    bound = max(-sys.float_info.max, min(sys.float_info.max, bound))
    if bound in {0.0, seen}:
        return bound
    step = 10.0 ** (math.floor(math.log10(abs(bound))) - 2)
    shorter = float(f"{(math.floor if bound < seen else math.ceil)(bound / step) * step:.3g}") if step else bound
    return shorter if math.isfinite(shorter) else bound
