"""Kolmogorov-Smirnov of weights: the same distance when the reference is left as a sketch of weighted values."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ml_platform.core.measurement import Measurement
from ml_platform.stats.columns import numbers, require_same_length

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from ml_platform.stats.columns import Flags, Floats

METRIC = "kolmogorov_smirnov"


def kolmogorov_smirnov_of_weights(
    reference: ArrayLike, weights: ArrayLike, current: ArrayLike, *, slack: float = 0.0, subject: str = ""
) -> Measurement:
    """Return the Kolmogorov-Smirnov distance of a column, shape (m,), from weighted values, both of shape (k,).

    `slack` is how far the weighted values' distribution function may lie from that of the rows they stand for, 0..1;
    the bounds are the value less and more that, so they hold what the distance of the rows themselves is (and say
    nothing of chance). Missing values (NaN) of the column are left out and counted. `n` is the smaller side. Undefined
    when either side has no value. ValueError when values and weights differ in length. Facts: slack, missing_current.
    Source: Smirnov 1948, Ann. Math. Stat. 19.

    >>> kolmogorov_smirnov_of_weights([1, 2], [50, 50], [2, 2, 2, 1]).text()
    'kolmogorov_smirnov = 0.25 [0.25, 0.25] (n = 4)'
    """
    values, mass, column = numbers(reference, "reference"), numbers(weights, "weights"), numbers(current, "current")
    require_same_length(reference=values, weights=mass)
    new = np.sort(column[~np.isnan(column)])
    total = float(mass.sum())
    if not new.size or not total > 0:
        reason = f"{'current' if total > 0 else 'reference'} has no values"
        return Measurement(metric=METRIC, value=None, n=0, subject=subject, reason=reason)
    order = np.argsort(values, kind="stable")
    old, below = values[order], np.append(0.0, np.cumsum(mass[order])) / total
    at_old = below[1:] - np.searchsorted(new, old, side="right") / new.size
    at_new = below[np.searchsorted(old, new, side="right")] - np.arange(1, new.size + 1) / new.size
    distance = max(float(np.abs(at_old[_last(old)]).max()), float(np.abs(at_new[_last(new)]).max()))
    return Measurement(
        metric=METRIC,
        value=distance,
        n=int(min(total, new.size)),
        low=max(0.0, distance - slack),
        high=min(1.0, distance + slack),
        subject=subject,
        facts={"slack": slack, "missing_current": int(column.size - new.size)},
    )


def _last(ascending: Floats) -> Flags:
    """Say of each value whether it is the last of its equals, where a distribution function has its full height."""
    return np.append(ascending[1:] != ascending[:-1], True)
