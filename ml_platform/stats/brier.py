"""Brier score: the mean squared distance between probability and outcome."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ml_platform.core.measurement import Measurement
from ml_platform.stats.mean_interval import mean_of
from ml_platform.stats.scored import probabilities

if TYPE_CHECKING:
    from numpy.typing import ArrayLike


def brier(
    y_true: ArrayLike,
    y_score: ArrayLike,
    *,
    entity: ArrayLike | None = None,
    confidence: float = 0.95,
    subject: str = "",
) -> Measurement:
    """Return the mean of (probability - outcome)², with the interval of a mean, cut off at 0.

    `y_true` holds 0/1, `y_score` probabilities of 1, both of shape (n,). With `entity` the interval is cluster-robust.
    Undefined without rows and with scores outside [0, 1]. ValueError when lengths differ.
    Source: Brier 1950, Mon. Weather Rev. 78.

    >>> brier([0, 1, 1], [0.2, 0.7, 0.9]).text()
    'brier = 0.04667 [0, 0.1471] (n = 3)'
    """
    rows = probabilities(y_true, y_score, entity)
    if rows.flaw:
        return Measurement(metric="brier", value=None, n=rows.n, subject=subject, reason=rows.flaw)
    squares = np.square(rows.score - rows.positive)
    return mean_of(squares, rows.units, metric="brier", least=0.0, confidence=confidence, subject=subject)
