"""Estimated accuracy: how many decisions will turn out right before any outcome is known."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np

from ml_platform.core.measurement import Measurement
from ml_platform.stats.expected_outcomes import estimate

if TYPE_CHECKING:
    from ml_platform.stats.columns import Flags
    from ml_platform.stats.expected_outcomes import ExpectedOutcomes


def estimated_accuracy(expected: ExpectedOutcomes, decided: Flags, *, confidence: float = 0.95) -> Measurement:
    """Return the share of right decisions that is to be expected, with the interval in which it will lie.

    `decided`, shape (n,), says for which rows the outcome is decided to come. Of several classes the outcome is that
    the likeliest one comes true, and all are decided so. That calibration holds is assumed. Undefined where no outcomes
    are expected. Source: Guillory et al. 2021, ICCV.

    >>> from ml_platform.stats.expected_outcomes import ExpectedOutcomes
    >>> rows = np.array([0.1, 0.9] * 200)
    >>> known = ExpectedOutcomes(score=rows, chance=rows, moves=np.zeros((400, 2)), covariance=np.eye(2))
    >>> estimated_accuracy(known, rows > 0.5).text()
    'estimated_accuracy = 0.9 share [0.8706, 0.9294] (n = 400)'
    """
    metric, n = "estimated_accuracy", expected.score.size
    if expected.flaw:
        return Measurement(metric=metric, value=None, n=n, unit="share", reason=expected.flaw)
    value = float(np.where(decided, expected.chance, 1 - expected.chance).mean())
    pull = np.where(decided, 1.0, -1.0) / n
    found = estimate(expected, value, pull, metric=metric, unit="share", confidence=confidence)
    low, high = (None if one is None else min(max(one, 0.0), 1.0) for one in (found.low, found.high))
    return dataclasses.replace(found, low=low, high=high)
