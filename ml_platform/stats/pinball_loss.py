"""Pinball loss: how good predictions of a quantile are, too low and too high weighing as the quantile says."""

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

    from ml_platform.stats.columns import Floats


def pinball_loss(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    *,
    quantile: float,
    entity: ArrayLike | None = None,
    confidence: float = 0.95,
    subject: str = "",
) -> Measurement:
    """Return the mean of max(q · (outcome - prediction), (q - 1) · (outcome - prediction)), cut off at 0.

    Both hold finite numbers, shape (n,); `quantile` is q in (0, 1). Losses that weigh one side more have a long tail,
    so that the interval is Hall's, which allows for their skewness; with `entity` it is cluster-robust. Undefined
    without rows and with values that aren't finite. ValueError when lengths differ or q is none. Fact: standard_error.
    Sources: Koenker and Bassett 1978, Econometrica 46; Hall 1992, J. R. Stat. Soc. B 54.

    >>> pinball_loss([1.0, 2.0, 4.0], [1.5, 2.0, 3.0], quantile=0.9).text()
    'pinball_loss = 0.3167 [0, 4.47] (n = 3)'
    """
    if not 0 < quantile < 1:
        message = f"quantile: is {quantile}; a share between 0 and 1 is needed, such as 0.9"
        raise ValueError(message)
    rows = compared(y_true, y_pred, entity)
    if rows.flaw:
        return Measurement(metric="pinball_loss", value=None, n=rows.true.size, subject=subject, reason=rows.flaw)
    losses = row_pinball_losses(rows.true, rows.other, quantile)
    found = mean_of(losses, rows.units, metric="pinball_loss", confidence=confidence, subject=subject)
    low, high = bounds_of_skewed_mean(losses, rows.units, least=0.0, confidence=confidence)
    return dataclasses.replace(found, low=low, high=high)


def row_pinball_losses(true: Floats, predicted: Floats, quantile: float) -> Floats:
    """Return the pinball loss of each row, shape (n,), in the outcome's unit.

    >>> row_pinball_losses(np.array([1.0, 4.0]), np.array([3.0, 3.0]), 0.75).tolist()
    [0.5, 0.75]
    """
    above = true - predicted
    losses: Floats = np.maximum(quantile * above, (quantile - 1) * above)
    return losses
