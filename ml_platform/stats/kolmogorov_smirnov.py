"""Kolmogorov-Smirnov: the greatest distance between two distribution functions."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from ml_platform.core.measurement import Measurement
from ml_platform.stats.columns import Floats, numbers
from ml_platform.stats.confidence import z_value

if TYPE_CHECKING:
    from numpy.typing import ArrayLike


def kolmogorov_smirnov(
    reference: ArrayLike, current: ArrayLike, *, confidence: float = 0.95, subject: str = ""
) -> Measurement:
    """Return the two-sample Kolmogorov-Smirnov distance of two numeric columns, shapes (n,) and (m,).

    Missing values (NaN) are left out and counted in the facts missing_reference and missing_current. Bounds follow
    from the Dvoretzky-Kiefer-Wolfowitz inequality: valid for any distribution, hence wide. Fact `p_value` is
    asymptotic and too large for discrete columns. Two equal constants have the distance 0. `n` is the smaller column.
    Undefined when either has no value. Sources: Smirnov 1948, Ann. Math. Stat. 19; Massart 1990, Ann. Probab. 18.

    >>> kolmogorov_smirnov([1, 2, 3, 4], [3, 4, 5, 6]).text()
    'kolmogorov_smirnov = 0.5 [0, 1] (n = 4)'
    """
    columns = [numbers(reference, "reference"), numbers(current, "current")]
    old, new = (np.sort(values[~np.isnan(values)]) for values in columns)
    n, m = old.size, new.size
    if not n or not m:
        reason = f"{'reference' if not n else 'current'} has no values"
        return Measurement(metric="kolmogorov_smirnov", value=None, n=0, subject=subject, reason=reason)
    distance = _distance(old, new)
    slack = _band(n, confidence) + _band(m, confidence)
    return Measurement(
        metric="kolmogorov_smirnov",
        value=distance,
        n=min(n, m),
        low=max(0.0, distance - slack),
        high=min(1.0, distance + slack),
        confidence=confidence,
        subject=subject,
        facts={
            "p_value": _p_value(distance, n, m),
            "missing_reference": columns[0].size - n,
            "missing_current": columns[1].size - m,
        },
    )


def _distance(old: Floats, new: Floats) -> float:
    every = np.concatenate([old, new])
    below_old = np.searchsorted(old, every, side="right") / old.size
    below_new = np.searchsorted(new, every, side="right") / new.size
    return float(np.abs(below_old - below_new).max())


def _band(n: int, confidence: float) -> float:
    """Return how far one distribution function may lie from its sample's, half of the doubt spent on each side."""
    z_value(confidence)
    return math.sqrt(math.log(4 / (1 - confidence)) / (2 * n))


def _p_value(distance: float, n: int, m: int) -> float:
    from scipy.special import kolmogorov

    return float(kolmogorov(distance * math.sqrt(n * m / (n + m))))
