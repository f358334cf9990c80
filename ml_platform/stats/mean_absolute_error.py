"""Mean absolute error: how far predictions are off, in the unit of the target."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ml_platform.core.measurement import Measurement
from ml_platform.stats.compared import compared
from ml_platform.stats.mean_interval import mean_of

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
    """Return the mean of |prediction - outcome|, with the interval of a mean, cut off at 0.

    Both hold finite numbers, shape (n,). With `entity` the interval is cluster-robust. Undefined without rows and with
    values that aren't finite. ValueError when lengths differ. Source: Willmott and Matsuura 2005, Clim. Res. 30.

    >>> mean_absolute_error([1.0, 2.0, 4.0], [1.5, 2.0, 3.0]).text()
    'mean_absolute_error = 0.5 [0, 1.742] (n = 3)'
    """
    rows = compared(y_true, y_pred, entity)
    metric = "mean_absolute_error"
    if rows.flaw:
        return Measurement(metric=metric, value=None, n=rows.true.size, subject=subject, reason=rows.flaw)
    return mean_of(
        np.abs(rows.other - rows.true), rows.units, metric=metric, least=0.0, confidence=confidence, subject=subject
    )
