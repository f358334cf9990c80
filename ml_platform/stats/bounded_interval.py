"""Bounded interval: the bounds of any statistic in [0, 1] from its variance, which can't leave that range."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from ml_platform.stats.confidence import t_value, z_value
from ml_platform.stats.wilson import wilson

if TYPE_CHECKING:
    from ml_platform.stats.square_and_add import Bounds


def bounded_interval(
    value: float, variance: float | None, *, fewest: int, freedom: float = math.inf, confidence: float = 0.95
) -> Bounds:
    """Return Wilson's interval at the number of rows whose share would have this variance; (None, None) without one.

    Where nothing varied, as with a value of 1, the `fewest` rows that the value rests on (the rarest class's) count. A
    variance of few degrees of `freedom` counts as fewer rows, as Student's t says. Source: Korn and Graubard 1998,
    Survey Methodology 24 (effective sample sizes).

    >>> [round(bound, 4) for bound in bounded_interval(0.75, 0.75 * 0.25 / 4, fewest=2)]
    [0.3006, 0.9544]
    """
    if variance is None:
        return None, None
    size = value * (1 - value) / variance if variance > 0 and 0 < value < 1 else float(fewest)
    if math.isfinite(freedom):
        size *= (z_value(confidence) / t_value(confidence, freedom)) ** 2
    found = wilson(value * size, size, confidence=confidence)
    return found.low, found.high
