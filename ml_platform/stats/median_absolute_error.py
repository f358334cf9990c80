"""Median absolute error: how far a typical prediction is off, whatever the worst ones do."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ml_platform.core.measurement import Measurement
from ml_platform.stats.compared import compared
from ml_platform.stats.share import effective_size
from ml_platform.stats.wilson import wilson

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

METRIC = "median_absolute_error"


def median_absolute_error(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    *,
    entity: ArrayLike | None = None,
    confidence: float = 0.95,
    subject: str = "",
) -> Measurement:
    """Return the median of |prediction - outcome|, with Woodruff's interval.

    Both hold finite numbers, shape (n,). The bounds are the errors at Wilson's bounds of the share one half, between
    two rows by Hazen's rule, with `entity` at its effective size. Undefined without rows and with values that aren't
    finite. ValueError when lengths differ. Sources: Woodruff 1952, J. Am. Stat. Assoc. 47; Hyndman and Koehler 2006,
    Int. J. Forecast. 22.

    >>> median_absolute_error([1.0, 2.0, 4.0, 5.0, 7.0], [1.5, 2.0, 3.0, 5.5, 9.0]).text()
    'median_absolute_error = 0.5 [0.1761, 1.648] (n = 5)'
    """
    rows = compared(y_true, y_pred, entity)
    if rows.flaw:
        return Measurement(metric=METRIC, value=None, n=rows.true.size, subject=subject, reason=rows.flaw)
    errors = np.abs(rows.other - rows.true)
    value = float(np.median(errors))
    size = effective_size(errors <= value, rows.units, confidence)
    half = wilson(size / 2, size, confidence=confidence)
    bounded = size > 1 and half.low is not None and half.high is not None
    low, high = (half.low, half.high) if bounded else (None, None)
    return Measurement(
        metric=METRIC,
        value=value,
        n=errors.size,
        low=None if low is None else float(np.quantile(errors, low, method="hazen")),
        high=None if high is None else float(np.quantile(errors, high, method="hazen")),
        confidence=confidence,
        subject=subject,
    )
