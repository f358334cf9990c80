"""Log loss: how surprised the probabilities are by the outcomes, in nats per row."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np

from ml_platform.core.measurement import Measurement
from ml_platform.stats.mean_interval import mean_of
from ml_platform.stats.scored import probabilities

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from ml_platform.stats.columns import Flags, Floats

SMALLEST = float(np.finfo(np.float64).eps)


def log_loss(
    y_true: ArrayLike,
    y_score: ArrayLike,
    *,
    entity: ArrayLike | None = None,
    confidence: float = 0.95,
    subject: str = "",
) -> Measurement:
    """Return the mean of -log(probability given to what happened), with the interval of a mean, cut off at 0.

    `y_true` holds 0/1, `y_score` probabilities of 1, both of shape (n,). With `entity` the interval is cluster-robust.
    A probability nearer than 2.2e-16 to 0 or 1 is moved there, so that one certain miss doesn't make the mean
    infinite; fact `clipped` counts them. Undefined without rows and with scores outside [0, 1]. ValueError when
    lengths differ. Source: Good 1952, J. R. Stat. Soc. B 14.

    >>> log_loss([0, 1, 1], [0.2, 0.7, 0.9]).text()
    'log_loss = 0.2284 nats [0, 0.5407] (n = 3)'
    """
    rows = probabilities(y_true, y_score, entity)
    if rows.flaw:
        return Measurement(metric="log_loss", value=None, n=rows.n, unit="nats", subject=subject, reason=rows.flaw)
    losses = row_log_losses(rows.positive, rows.score)
    found = mean_of(
        losses, rows.units, metric="log_loss", least=0.0, unit="nats", confidence=confidence, subject=subject
    )
    clipped = int(((rows.score < SMALLEST) | (rows.score > 1 - SMALLEST)).sum())
    return dataclasses.replace(found, facts={**found.facts, "clipped": clipped})


def row_log_losses(positive: Flags, probability: Floats) -> Floats:
    """Return the log loss of each row, shape (n,), in nats.

    >>> row_log_losses(np.array([True, False]), np.array([1.0, 0.5])).round(3).tolist()
    [0.0, 0.693]
    """
    certain = np.clip(probability, SMALLEST, 1 - SMALLEST)
    return -np.log(np.where(positive, certain, 1 - certain))
