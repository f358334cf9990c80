"""Bias share: how much of the error of predictions goes in one direction."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from ml_platform.core.measurement import Measurement
from ml_platform.stats.compared import compared
from ml_platform.stats.confidence import t_value
from ml_platform.stats.influence import influence_variance
from ml_platform.stats.ratio_of_sums import ratio_of_sums

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

METRIC = "bias_share"


def bias_share(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    *,
    entity: ArrayLike | None = None,
    confidence: float = 0.95,
    subject: str = "",
) -> Measurement:
    """Return mean(prediction - outcome) / mean|prediction - outcome|: -1 always too low, 0 balanced, 1 always too high.

    Both hold finite numbers, shape (n,). It is bias without a unit, so that one limit holds for minutes and for money;
    predictions without any error have none. The interval is the linearised ratio's, cut off at -1 and 1; with `entity`
    it is cluster-robust. Undefined without rows and with values that aren't finite. ValueError when lengths differ.
    Sources: Murphy 1988, Mon. Weather Rev. 116 (bias); Cochran 1977, Sampling Techniques, ch. 6 (the interval).

    >>> bias_share([1.0, 2.0, 4.0, 3.0], [1.5, 2.0, 3.0, 4.0]).text()
    'bias_share = 0.2 [-1, 1] (n = 4)'
    """
    rows = compared(y_true, y_pred, entity)
    n = rows.true.size
    if rows.flaw:
        return Measurement(metric=METRIC, value=None, n=n, subject=subject, reason=rows.flaw)
    errors = rows.other - rows.true
    if not errors.any():
        return Measurement(metric=METRIC, value=0.0, n=n, subject=subject, facts={"errors": 0})
    value, influence = ratio_of_sums(errors, np.abs(errors))
    variance = influence_variance(influence, rows.units)
    freedom = (rows.units.count() or n) - 1
    half = None if variance is None else t_value(confidence, freedom) * math.sqrt(variance)
    return Measurement(
        metric=METRIC,
        value=value,
        n=n,
        low=None if half is None else max(value - half, -1.0),
        high=None if half is None else min(value + half, 1.0),
        confidence=confidence,
        subject=subject,
    )
