"""Mean absolute error: how far predictions are off, in the unit of the target."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np

from ml_platform.core.measurement import Measurement
from ml_platform.stats.compared import compared
from ml_platform.stats.mean_interval import mean_of
from ml_platform.stats.skewed_mean import bounds_of_skewed_mean

if TYPE_CHECKING:
    from numpy.typing import ArrayLike


def mean_absolute_error(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    *,
    entity: ArrayLike | None = None,
    confidence: float = 0.95,
    subject: str = "",
) -> Measurement:
    """Return the mean of |prediction - outcome|, with Hall's interval of a skewed mean, cut off at 0.

    Both hold finite numbers, shape (n,). With `entity` the interval is cluster-robust. Undefined without rows and with
    values that aren't finite. ValueError when lengths differ. Sources: Willmott and Matsuura 2005, Clim. Res. 30; Hall
    1992, J. R. Stat. Soc. B 54 (the interval).

    >>> mean_absolute_error([1.0, 2.0, 4.0], [1.5, 2.0, 3.0]).text()
    'mean_absolute_error = 0.5 [0, 1.742] (n = 3)'
    """
    rows = compared(y_true, y_pred, entity)
    metric = "mean_absolute_error"
    if rows.flaw:
        return Measurement(metric=metric, value=None, n=rows.true.size, subject=subject, reason=rows.flaw)
    errors = np.abs(rows.other - rows.true)
    found = mean_of(errors, rows.units, metric=metric, confidence=confidence, subject=subject)
    low, high = bounds_of_skewed_mean(errors, rows.units, least=0.0, confidence=confidence)
    return dataclasses.replace(found, low=low, high=high)
