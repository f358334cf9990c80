"""Confidence: the quantiles that turn a standard error into an interval, and a z value into a p-value."""

from __future__ import annotations

import math
from statistics import NormalDist


def z_value(confidence: float) -> float:
    """Return the two-sided normal quantile of a confidence in (0, 1); ValueError outside it.

    >>> round(z_value(0.95), 3)
    1.96
    """
    if not 0 < confidence < 1:
        message = f"confidence: is {confidence}; a share between 0 and 1 is needed, such as 0.95"
        raise ValueError(message)
    return NormalDist().inv_cdf(0.5 + confidence / 2)


def t_value(confidence: float, freedom: float) -> float:
    """Return the two-sided quantile of Student's t with `freedom` >= 1 degrees of freedom, fractions too.

    >>> round(t_value(0.95, 9), 3)
    2.262
    """
    from scipy.special import stdtrit

    z_value(confidence)
    return float(stdtrit(freedom, 0.5 + confidence / 2))


def two_sided_p(z: float) -> float:
    """Return the probability of a normal value at least as far from 0 as z.

    >>> round(two_sided_p(1.96), 3)
    0.05
    """
    return math.erfc(abs(z) / math.sqrt(2))
