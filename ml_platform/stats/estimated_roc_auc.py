"""Estimated ROC AUC: how well scores will turn out to rank outcomes that aren't known yet."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np

from ml_platform.core.measurement import Measurement
from ml_platform.stats.expected_outcomes import estimate

if TYPE_CHECKING:
    from ml_platform.stats.expected_outcomes import ExpectedOutcomes


def estimated_roc_auc(expected: ExpectedOutcomes, *, confidence: float = 0.95) -> Measurement:
    """Return the area under the ROC curve that is to be expected, with the interval in which it will lie.

    It is the expected number of pairs ranked right over that of all pairs; the interval is the delta method's. That
    calibration holds is assumed: of a changed relation between inputs and outcome it knows nothing. Undefined where no
    outcomes are expected, and for a constant score. Source: Hanley and McNeil 1982, Radiology 143 (the area as pairs).

    >>> from ml_platform.stats.expected_outcomes import ExpectedOutcomes
    >>> rows = np.array([0.1, 0.9] * 200)
    >>> known = ExpectedOutcomes(score=rows, chance=rows, moves=np.zeros((400, 2)), covariance=np.eye(2))
    >>> estimated_roc_auc(known).text()
    'estimated_roc_auc = 0.9004 [0.8709, 0.9298] (n = 400)'
    """
    metric, n = "estimated_roc_auc", expected.score.size
    constant = n > 0 and expected.score.min() == expected.score.max()
    reason = expected.flaw or ("the score is constant: it ranks nothing" if constant else "")
    if reason:
        return Measurement(metric=metric, value=None, n=n, reason=reason)
    chance = expected.chance
    _, level = np.unique(expected.score, return_inverse=True)
    size = int(level.max()) + 1
    came, not_came = (np.bincount(level, weights=rows, minlength=size) for rows in (chance, 1 - chance))
    beaten = (np.cumsum(not_came) - not_came / 2)[level]
    beating = (came.sum() - (np.cumsum(came) - came / 2))[level]
    itself = float((chance * (1 - chance)).sum())  # no row is a pair with itself
    pairs = float(came.sum() * not_came.sum()) - itself
    area = (float(chance @ beaten) - itself / 2) / pairs
    pull = (beaten - beating - area * (not_came.sum() - came.sum())) / pairs
    found = estimate(expected, area, pull, metric=metric, confidence=confidence)
    low, high = (None if one is None else min(max(one, 0.0), 1.0) for one in (found.low, found.high))
    return dataclasses.replace(found, low=low, high=high)
