"""Sen's slope: how fast something changes, by the median of the slopes between all pairs of points."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
FEWEST = 8


class Slope(NamedTuple):
    """A slope with its interval, in units of y per unit of x."""

    value: float
    low: float
    high: float


def sen_slope(x: Floats, y: Floats, *, confidence: float = 0.95) -> Slope | None:
    """Return the slope of `y` over `x`, each of shape (n,), with Sen's interval; None with fewer than 8 points.

    A third of the points may be off (something was deleted at once) without moving it much. The interval takes the
    points as independent around the line. Points of the same `x` make no pair. Not finite points aren't looked at.
    Source: Sen 1968, J. Am. Stat. Assoc. 63; Theil 1950.

    >>> x = np.arange(10.0)
    >>> sen_slope(x, 2 * x).value
    2.0
    """
    fine = np.isfinite(x) & np.isfinite(y)
    x, y = x[fine], y[fine]
    first, second = np.triu_indices(x.size, 1)
    runs = x[second] - x[first]
    slopes = np.sort((y[second] - y[first])[runs != 0] / runs[runs != 0])
    if x.size < FEWEST or slopes.size < FEWEST:
        return None
    from scipy.special import ndtri

    n = x.size
    spread = float(ndtri(0.5 + confidence / 2)) * math.sqrt(n * (n - 1) * (2 * n + 5) / 18)
    low = max(round((slopes.size - spread) / 2), 0)
    high = min(round((slopes.size + spread) / 2), slopes.size - 1)
    return Slope(float(np.median(slopes)), float(slopes[low]), float(slopes[high]))
