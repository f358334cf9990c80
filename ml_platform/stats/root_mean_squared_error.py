"""Root mean squared error: how far predictions are off when large misses weigh more."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from ml_platform.core.measurement import Measurement
from ml_platform.stats.compared import compared
from ml_platform.stats.skewed_mean import bounds_of_skewed_mean

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

    Both hold finite numbers, shape (n,). Squares have a long tail, so that the interval is Hall's, which allows for
    their skewness, at Satterthwaite's degrees of freedom; with `entity` it is cluster-robust. Undefined without rows
    and with values that aren't finite. ValueError when lengths differ. Sources: Willmott and Matsuura 2005, Clim. Res.
    30; Hall 1992, J. R. Stat. Soc. B 54; Satterthwaite 1946, Biometrics Bull. 2.

    >>> root_mean_squared_error([1.0, 2.0, 4.0], [1.5, 2.0, 3.0]).text()
    'root_mean_squared_error = 0.6455 [0, 2.326] (n = 3)'
    """
    rows = compared(y_true, y_pred, entity)
    metric = "root_mean_squared_error"
    if rows.flaw:
        return Measurement(metric=metric, value=None, n=rows.true.size, subject=subject, reason=rows.flaw)
    squares = np.square(rows.other - rows.true)
    low, high = bounds_of_skewed_mean(squares, rows.units, least=0.0, confidence=confidence)
    return Measurement(
        metric=metric, value=_root(float(squares.mean())), low=_root(low), high=_root(high), n=squares.size,
        confidence=confidence, subject=subject,
    )  # fmt: skip


def _root(square: float | None) -> float | None:
    return None if square is None else math.sqrt(square)
