"""Estimated log loss: what probabilities will turn out to cost before any outcome is known."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ml_platform.core.measurement import Measurement
from ml_platform.stats.expected_outcomes import estimate
from ml_platform.stats.recalibration import EDGE, logits

if TYPE_CHECKING:
    from ml_platform.stats.expected_outcomes import ExpectedOutcomes


def estimated_log_loss(expected: ExpectedOutcomes, *, confidence: float = 0.95) -> Measurement:
    """Return the mean log loss that is to be expected, with the interval in which it will lie.

    Scores nearer than 1e-6 to 0 or 1 are moved there. That calibration holds is assumed. Undefined where no outcomes
    are expected. Source: Guillory et al. 2021, ICCV.

    >>> from ml_platform.stats.expected_outcomes import ExpectedOutcomes
    >>> rows = np.array([0.1, 0.9] * 200)
    >>> known = ExpectedOutcomes(score=rows, chance=rows, moves=np.zeros((400, 2)), covariance=np.eye(2))
    >>> estimated_log_loss(known).text()
    'estimated_log_loss = 0.3251 nats [0.2605, 0.3897] (n = 400)'
    """
    metric, n = "estimated_log_loss", expected.score.size
    if expected.flaw:
        return Measurement(metric=metric, value=None, n=n, unit="nats", reason=expected.flaw)
    score = np.clip(expected.score, EDGE, 1 - EDGE)
    losses = -expected.chance * np.log(score) - (1 - expected.chance) * np.log1p(-score)
    return estimate(
        expected, float(losses.mean()), -logits(score) / n, metric=metric, unit="nats", confidence=confidence
    )
