"""Skewed mean: the interval of a mean whose values have a long tail, as squares of errors do."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from ml_platform.stats.confidence import t_value
from ml_platform.stats.influence import influence_variance, unit_sums
from ml_platform.stats.satterthwaite import satterthwaite

if TYPE_CHECKING:
    from ml_platform.stats.columns import Floats
    from ml_platform.stats.entities import Entities

FEWEST = 3


def bounds_of_skewed_mean(
    values: Floats, units: Entities, *, least: float = -math.inf, confidence: float = 0.95
) -> tuple[float | None, float | None]:
    """Return bounds of the mean of finite values, shape (n,), n > 0, at least `least`; (None, None) of one unit.

    The studentised mean is transformed by Hall's cubic, which takes the skewness out of it, and Student's quantiles
    are transformed back, with Satterthwaite's degrees of freedom: a long tail makes the standard error itself unsure.
    Whole entities are the independent units. Sources: Hall 1992, J. R. Stat. Soc. B 54 (On the removal of skewness by
    transformation); Satterthwaite 1946, Biometrics Bull. 2.

    >>> from ml_platform.stats.entities import Entities
    >>> low, high = bounds_of_skewed_mean(np.array([1.0, 1.0, 2.0, 8.0]), Entities())
    >>> round(low, 2), round(high, 2)
    (-0.61, 20.81)
    """
    mean = float(values.mean())
    influence = (values - mean) / values.size
    variance = influence_variance(influence, units)
    if variance is None:
        return None, None
    count = units.count() or values.size
    error, edge = math.sqrt(variance), t_value(confidence, satterthwaite(influence, units))
    skew = _skew(unit_sums(influence, units), count)
    high, low = (mean - error * _studentised(side * edge, skew / math.sqrt(count)) for side in (-1, 1))
    return max(low, least), high


def _skew(sums: Floats, count: int) -> float:
    """Return the skewness of the units' values; 0 where there are too few to tell."""
    square = float(np.square(sums).sum()) / count
    return float((sums**3).sum()) / count / square**1.5 if count >= FEWEST and square > 0 else 0.0


def _studentised(quantile: float, skew: float) -> float:
    """Return the studentised mean whose transform is a quantile; `skew` is over the root of the number of units."""
    if abs(skew) < 1e-9:
        return quantile
    return float((np.cbrt(1 + skew * (quantile - skew / 6)) - 1) * 3 / skew)
