"""Flip evidence: what each outcome says of how many outcomes were turned round, given calibrated probabilities."""

from __future__ import annotations

import numpy as np

from ml_platform.stats.columns import Floats

# Surer scores count as if they were no surer: one wrong score of 0.001 would otherwise outweigh a thousand rows.
SUREST = 0.95


def flip_evidence(outcome: Floats, score: Floats) -> tuple[Floats, Floats]:
    """Return each row's efficient score for the share of turned outcomes and its information, both shape (n,).

    The sum of the first over the sum of the second estimates the share, with the least variance near none. `outcome` is
    0 or 1, `score` the probability of 1; rows of a score of 0.5 tell nothing. Source: Rao 1948, Proc. Camb. Phil. Soc.
    44 (score tests), for the mixture of p and 1 - p.

    >>> told, information = flip_evidence(np.array([1.0, 0.0, 1.0]), np.array([0.1, 0.1, 0.5]))
    >>> told.round(2).tolist(), information.round(2).tolist()
    ([8.0, -0.89, 0.0], [7.11, 7.11, 0.0])
    """
    p = np.clip(score, 1 - SUREST, SUREST)
    slope, variance = 1 - 2 * p, p * (1 - p)
    return (outcome - p) * slope / variance, slope**2 / variance
