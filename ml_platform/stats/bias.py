"""Bias: how much predictions are too high on average."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ml_platform.core.measurement import Measurement
from ml_platform.stats.compared import compared
from ml_platform.stats.mean_interval import mean_of

if TYPE_CHECKING:
    from numpy.typing import ArrayLike


def bias(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    *,
    entity: ArrayLike | None = None,
    confidence: float = 0.95,
    subject: str = "",
) -> Measurement:
    """Return the mean of prediction - outcome (above 0: too high), with the interval of a mean.

    Both hold finite numbers, shape (n,); with probabilities and 0/1 outcomes it is the calibration in the large on
    the scale of rates. With `entity` the interval is cluster-robust. Undefined without rows and with values that
    aren't finite. ValueError when lengths differ. Source: Murphy 1988, Mon. Weather Rev. 116.

    >>> bias([1.0, 2.0, 4.0], [1.5, 2.0, 3.0]).text()
    'bias = -0.1667 [-2.064, 1.731] (n = 3)'
    """
    rows = compared(y_true, y_pred, entity)
    if rows.flaw:
        return Measurement(metric="bias", value=None, n=rows.true.size, subject=subject, reason=rows.flaw)
    return mean_of(rows.other - rows.true, rows.units, metric="bias", confidence=confidence, subject=subject)
