"""Multiclass Brier score: the mean squared distance between the probabilities and the class that came true."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ml_platform.core.measurement import Measurement
from ml_platform.stats.classes import class_scores
from ml_platform.stats.mean_interval import mean_of

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

METRIC = "multiclass_brier"


def multiclass_brier(
    y_true: ArrayLike,
    y_score: ArrayLike,
    *,
    entity: ArrayLike | None = None,
    confidence: float = 0.95,
    subject: str = "",
) -> Measurement:
    """Return the mean over rows of the sum over classes of (probability - came true)², in [0, 2].

    `y_true` holds class numbers from 0, shape (n,), `y_score` probabilities, shape (n, classes). The interval is a
    mean's, cut off at 0; with `entity` it is cluster-robust. Undefined without rows and with scores that are no
    probabilities. ValueError for other shapes. Source: Brier 1950, Mon. Weather Rev. 78.

    >>> multiclass_brier([0, 1, 2], [[0.7, 0.2, 0.1], [0.1, 0.8, 0.1], [0.2, 0.2, 0.6]]).text()
    'multiclass_brier = 0.1467 [0, 0.3707] (n = 3)'
    """
    rows = class_scores(y_true, y_score, entity)
    if rows.flaw:
        return Measurement(metric=METRIC, value=None, n=rows.n, subject=subject, reason=rows.flaw)
    squares = np.square(rows.score - np.eye(rows.score.shape[1])[rows.true]).sum(axis=1)
    return mean_of(squares, rows.units, metric=METRIC, least=0.0, confidence=confidence, subject=subject)
