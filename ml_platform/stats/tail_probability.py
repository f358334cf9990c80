"""Tail probability: how often a value as large as this one is to be expected, by a model of the tail."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
LEAST_EXCEEDANCES = 20
DOUBT = 2.0
LIGHTEST = 0.0


def tail_probability(ordered: Floats, value: float) -> float | None:
    """Return an upper bound on P(X > value) for a value above all of `ordered` (sorted, finite), shape (n,).

    The excesses over a high threshold follow a generalised Pareto distribution; its shape is the larger of the
    estimates by probability-weighted moments and by Hill, plus two standard errors, and never lighter than
    exponential. None when there are too few distinct excesses. Sources: Pickands 1975, Ann. Stat. 3; Hosking & Wallis
    1987, Technometrics 29; Hill 1975, Ann. Stat. 3.

    >>> rng = np.random.default_rng(1)
    >>> tail_probability(np.sort(rng.exponential(size=10_000)), 100.0) < 1e-6
    True
    """
    count = min(max(LEAST_EXCEEDANCES, math.ceil(2 * math.sqrt(ordered.size))), ordered.size // 5)
    if count < LEAST_EXCEEDANCES:
        return None
    threshold = ordered[-count - 1]
    excesses = ordered[-count:] - threshold
    excesses = excesses[excesses > 0]
    if excesses.size < LEAST_EXCEEDANCES or np.unique(excesses).size < LEAST_EXCEEDANCES // 2:
        return None
    shape = max(_by_moments(excesses), _hill(ordered, count)) + DOUBT / math.sqrt(excesses.size)
    shape = max(shape, LIGHTEST + 1e-6)
    scale = float(excesses.mean())
    return float(excesses.size / ordered.size * (1 + shape * (value - threshold) / scale) ** (-1 / shape))


def _by_moments(excesses: Floats) -> float:
    size = excesses.size
    mean = float(excesses.mean())
    weights = (size - 1 - np.arange(size)) / (size - 1)
    weighted = float((weights * excesses).mean())
    return 2 - mean / (mean - 2 * weighted) if mean > 2 * weighted else LIGHTEST


def _hill(ordered: Floats, count: int) -> float:
    """Return Hill's estimate around the median: the tail index of what is far from the middle."""
    distance = ordered[-count - 1 :] - float(np.median(ordered))
    if distance[0] <= 0:
        return LIGHTEST
    return float(np.log(distance[1:] / distance[0]).mean()) / 2
