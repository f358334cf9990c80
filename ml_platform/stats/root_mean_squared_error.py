"""Root mean squared error: how far predictions are off when large misses weigh more."""

from __future__ import annotations

import dataclasses
import math
from typing import TYPE_CHECKING

import numpy as np

from ml_platform.core.measurement import Measurement
from ml_platform.stats.compared import compared
from ml_platform.stats.mean_interval import mean_of

if TYPE_CHECKING:
    from numpy.typing import ArrayLike


def root_mean_squared_error(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    *,
    entity: ArrayLike | None = None,
    confidence: float = 0.95,
    subject: str = "",
) -> Measurement:
    """Return the root of the mean of (prediction - outcome)², with the root of that mean's interval, cut off at 0.

    Both hold finite numbers, shape (n,). With `entity` the interval is cluster-robust. Undefined without rows and with
    values that aren't finite. ValueError when lengths differ. Source: Willmott and Matsuura 2005, Clim. Res. 30.

    >>> root_mean_squared_error([1.0, 2.0, 4.0], [1.5, 2.0, 3.0]).text()
    'root_mean_squared_error = 0.6455 [0, 1.307] (n = 3)'
    """
    rows = compared(y_true, y_pred, entity)
    metric = "root_mean_squared_error"
    if rows.flaw:
        return Measurement(metric=metric, value=None, n=rows.true.size, subject=subject, reason=rows.flaw)
    squares = np.square(rows.other - rows.true)
    found = mean_of(squares, rows.units, metric=metric, least=0.0, confidence=confidence, subject=subject)
    return dataclasses.replace(found, value=_root(found.value), low=_root(found.low), high=_root(found.high), facts={})


def _root(square: float | None) -> float | None:
    return None if square is None else math.sqrt(square)
