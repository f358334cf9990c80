"""The oracle's arithmetic: how surely counts of rows, or the mean of a score of rows, tell faulty from clean."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

ALPHA = 0.01
NEVER = "never in clean rows"

Score = NDArray[np.floating[Any]]


def power_of_counts(p0: float, p1: float, *, n: int, m: int) -> float:
    """Return the power to tell a share p1 of n rows from p0 of m: binomial where rows are few, else normal.

    >>> round(power_of_counts(0.1, 0.1, n=1000, m=1000), 2), round(power_of_counts(0.1, 0.2, n=1000, m=1000), 2)
    (0.01, 1.0)
    """
    pooled = max(p0, 0.5 / (m + 1))
    if min(pooled, 1 - pooled) * n < 20:
        low = p1 < p0
        if low:
            bound = stats.binom.ppf(ALPHA, n, pooled) - 1
            return float(stats.binom.cdf(bound, n, p1)) if bound >= 0 else 0.0
        return float(stats.binom.sf(stats.binom.isf(ALPHA, n, pooled), n, p1))
    before = np.sqrt(p0 * (1 - p0) * (1 / n + 1 / m))
    after = np.sqrt(p1 * (1 - p1) / n + p0 * (1 - p0) / m) or 1e-12
    return float(stats.norm.cdf((abs(p1 - p0) - stats.norm.isf(ALPHA) * before) / after))


def worth(name: str, clean: Score, faulty: Score, *, n: int, m: int) -> float:
    """Say how well a score tells faulty from clean, to choose among scores: in standard errors of its mean."""
    if NEVER in name or (_is_count(clean, faulty) and clean.mean() * n <= 20):
        power = power_of_scores(name, clean, faulty, n=n, m=m)
        return float(stats.norm.ppf(np.clip(power, 1e-15, 1 - 1e-15)) + stats.norm.isf(ALPHA))
    return _strength(clean, faulty, n, m)


def _is_count(clean: Score, faulty: Score) -> bool:
    return set(np.unique(clean)) | set(np.unique(faulty)) <= {0.0, 1.0}


def power_of_scores(name: str, clean: Score, faulty: Score, *, n: int, m: int) -> float:
    """Return the power of the mean of a score, measured on the same rows clean and faulty.

    The difference is taken one standard error nearer to zero than it was measured (rows are paired), so that chance
    alone makes nothing detectable at a large n.
    """
    if NEVER in name:
        return float(1 - (1 - faulty.mean()) ** n) if clean.sum() == 0 else 0.0
    if _is_count(clean, faulty):
        p0, p1 = float(clean.mean()), float(faulty.mean())
        doubt = np.std(faulty - clean) / np.sqrt(len(clean))
        p1 = p0 + np.sign(p1 - p0) * max(0.0, abs(p1 - p0) - doubt)
        return power_of_counts(p0, p1, n=n, m=m)
    return float(stats.norm.cdf(_strength(clean, faulty, n, m) - stats.norm.isf(ALPHA)))


def _strength(clean: Score, faulty: Score, n: int, m: int) -> float:
    paired = faulty - clean
    doubt = np.std(paired) / np.sqrt(len(paired))
    difference = max(0.0, abs(paired.mean()) - doubt)
    spread = np.sqrt(max(np.var(clean), np.var(faulty)) / n + np.var(clean) / m)
    return float(difference / spread) if spread > 0 else 50.0 * float(difference > 0)


def power_of_simulated(clean: Score, faulty: Score) -> float:
    """Return the normal power for counts of simulated batches; a count spreads at least as a Poisson one does."""
    floor = np.sqrt(max(clean.mean(), 1.0)) if clean.max() > 1 or faulty.max() > 1 else 1e-3
    spread = max(float(np.std(clean, ddof=1)), floor)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        after = max(float(np.std(faulty, ddof=1)), floor)
    return float(stats.norm.cdf((faulty.mean() - clean.mean() - stats.norm.isf(ALPHA) * spread) / after))
