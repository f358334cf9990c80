"""Bet interval: which means of bounded rows no bettor has grown rich against, at any look."""

from __future__ import annotations

import math

import numpy as np

from ml_platform.stats.capital import MOST, before
from ml_platform.stats.columns import Floats

# Bets for effects from a standard deviation down to a thousandth of it, larger ones with more of the capital.
STEPS = 4.0 ** -np.arange(6)
PARTS = 1 / (np.arange(1, 7) * np.arange(2, 8)) * 7 / 6
BLOCK = 32
PRIOR = 0.25
TINY = 1e-9

Bounds = tuple[float, float]


def bet_interval(values: Floats, *, least: Floats, greatest: Floats, ends: Bounds, confidence: float) -> Bounds:
    """Return bounds of the mean of values, shape (n,), n > 0, that hold at all looks together at this confidence.

    `least` and `greatest`, shape (n,), bound each row's value, and `ends` the mean; all are known before the row. What
    is assumed is that each row has this mean given the rows before it; they needn't be independent or alike. Source:
    Waudby-Smith and Ramdas 2024, J. R. Stat. Soc. B 86 (hedged capital, here of a mixture of bets).

    >>> hits = np.repeat([0.0, 1.0], 50)[np.arange(100) * 37 % 100]
    >>> low, high = bet_interval(hits, least=np.zeros(100), greatest=np.ones(100), ends=(0.0, 1.0), confidence=0.95)
    >>> round(low, 2), round(high, 2)
    (0.36, 0.64)
    """
    rows = np.arange(values.size)
    centred = values - before(values) / np.maximum(rows, 1)
    square = (PRIOR * np.square(greatest - least) + before(np.square(centred))) / (1 + rows)
    bets = [step / np.sqrt(square) for step in STEPS]
    beyond, alpha = (ends[1] - least, greatest - ends[0]), (1 - confidence) / 2
    low = _bound(values, [np.minimum(bet, MOST / beyond[0]) for bet in bets], ends[0], alpha)
    high = -_bound(-values, [np.minimum(bet, MOST / beyond[1]) for bet in bets], -ends[1], alpha)
    return low, high


def _bound(values: Floats, bets: list[Floats], least: float, alpha: float) -> float:
    """Return the largest mean, at most the rows' own, that a bettor on more has grown rich against, or the least."""
    from scipy.optimize import brentq

    def beyond(null: float) -> float:
        logs = [_log_growth(bet, values - null) + math.log(part) for bet, part in zip(bets, PARTS, strict=True)]
        return float(np.logaddexp.reduce(logs)) + math.log(alpha)

    mean = float(values.mean())
    error = max(float(values.std()) / math.sqrt(values.size), TINY)
    if beyond(mean) >= 0:
        return mean
    apart = 4 * error
    while beyond(max(mean - apart, least)) <= 0:
        if mean - apart <= least:
            return least
        apart *= 2
    return float(brentq(beyond, max(mean - apart, least), mean, xtol=error / 100))


def _log_growth(bet: Floats, gains: Floats) -> float:
    """Return the log of the product of 1 + bet * gain; products of a few rows at a time save most logarithms."""
    factors = 1 + bet * gains
    whole = factors.size // BLOCK * BLOCK
    blocks = np.multiply.reduce(factors[:whole].reshape(-1, BLOCK), axis=1)
    return float(np.log(blocks).sum() + np.log(factors[whole:]).sum())
