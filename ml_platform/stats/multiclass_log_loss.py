"""Multiclass log loss: how surprised the probabilities are by the class that came true, in nats per row."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np

from ml_platform.core.measurement import Measurement
from ml_platform.stats.classes import class_scores
from ml_platform.stats.log_loss import SMALLEST
from ml_platform.stats.mean_interval import mean_of

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from ml_platform.stats.columns import Codes, Floats

METRIC = "multiclass_log_loss"


def multiclass_log_loss(
    y_true: ArrayLike,
    y_score: ArrayLike,
    *,
    entity: ArrayLike | None = None,
    confidence: float = 0.95,
    subject: str = "",
) -> Measurement:
    """Return the mean of -log(probability of the class that came true), with the interval of a mean, cut off at 0.

    `y_true` holds class numbers from 0, shape (n,), `y_score` probabilities, shape (n, classes). With `entity` the
    interval is cluster-robust. A probability below 2.2e-16 is moved there; fact `clipped` counts them. Undefined
    without rows and with scores that are no probabilities. ValueError for other shapes. Source: Good 1952, J. R. Stat.
    Soc. B 14.

    >>> multiclass_log_loss([0, 1, 2], [[0.7, 0.2, 0.1], [0.1, 0.8, 0.1], [0.2, 0.2, 0.6]]).text()
    'multiclass_log_loss = 0.3635 nats [0.005921, 0.7212] (n = 3)'
    """
    rows = class_scores(y_true, y_score, entity)
    if rows.flaw:
        return Measurement(metric=METRIC, value=None, n=rows.n, unit="nats", subject=subject, reason=rows.flaw)
    losses = row_class_losses(rows.true, rows.score)
    found = mean_of(losses, rows.units, metric=METRIC, least=0.0, unit="nats", confidence=confidence, subject=subject)
    clipped = int((rows.score[np.arange(rows.n), rows.true] < SMALLEST).sum())
    return dataclasses.replace(found, facts={**found.facts, "clipped": clipped})


def row_class_losses(true: Codes, score: Floats) -> Floats:
    """Return the log loss of each row, shape (n,), in nats.

    >>> row_class_losses(np.array([0, 1]), np.array([[1.0, 0.0], [0.5, 0.5]])).round(3).tolist()
    [0.0, 0.693]
    """
    given = np.clip(score[np.arange(true.size), true], SMALLEST, 1.0)
    losses: Floats = -np.log(given)
    return losses + 0.0
