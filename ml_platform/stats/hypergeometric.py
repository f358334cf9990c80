"""Hypergeometric: how improbable a count is when rows were dealt to two tables at random."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

Floats = NDArray[np.float64]
SUSPICIOUS = 2.5


def hypergeometric_p(counts: ArrayLike, marked: ArrayLike, *, drawn: int, total: int) -> Floats:
    """Return two-sided p-values of counts of marked rows among `drawn` of `total` rows, shape (k,).

    Exact (twice the smaller tail) for counts further than 2.5 standard deviations from what is expected; nearer ones
    are of no interest to a family of tests and get 1. Source: Fisher 1935, J. Royal Stat. Soc. 98.

    >>> float(hypergeometric_p([5], [5], drawn=100, total=1000)[0].round(7))
    1.83e-05
    """
    x = np.atleast_1d(np.asarray(counts, dtype=np.float64))
    k = np.atleast_1d(np.asarray(marked, dtype=np.float64))
    p = np.ones(x.size)
    if total < 2 or not 0 < drawn < total:
        return p
    z = standardised(x, k, drawn=drawn, total=total)
    far = np.flatnonzero(np.abs(z) > SUSPICIOUS)
    for side in (1, -1):
        mine = far[z[far] * side > 0]
        if mine.size:
            seen, of = (x[mine], drawn) if side > 0 else (k[mine] - x[mine], total - drawn)
            p[mine] = np.minimum(1.0, 2.0 * np.exp(_log_upper_tail(seen, k[mine], of, total)))
    return p


def standardised(counts: Floats, marked: Floats, *, drawn: int, total: int) -> Floats:
    """Return how many standard deviations each count lies from what is expected; 0 where it can't vary.

    >>> standardised(np.array([8.0]), np.array([10.0]), drawn=50, total=100).round(2).tolist()
    [1.99]
    """
    share = drawn / total
    variance = marked * share * (1 - share) * (total - marked) / (total - 1)
    spread = np.sqrt(np.maximum(variance, 0.0))
    return np.divide(counts - marked * share, spread, out=np.zeros_like(spread), where=spread > 0)


def _log_upper_tail(x: Floats, k: Floats, drawn: int, total: int) -> Floats:
    """Return log P(X >= x), summed from x on while terms still matter (they fall geometrically beyond the mean)."""
    every = _log_choose(np.full_like(x, total), np.full_like(x, drawn))
    first = _log_choose(k, x) + _log_choose(total - k, drawn - x) - every
    term, sum_ = np.ones_like(x), np.ones_like(x)
    last = np.minimum(k, drawn)
    at = x.copy()
    while True:
        alive = (at < last) & (term > sum_ * 1e-17)
        if not alive.any():
            return np.minimum(first + np.log(sum_), 0.0)
        ratio = (k - at) * (drawn - at) / ((at + 1) * (total - k - drawn + at + 1))
        term = np.where(alive, term * ratio, 0.0)
        sum_ += term
        at += 1


def _log_choose(n: Floats, k: Floats) -> Floats:
    from scipy.special import gammaln

    found: Floats = gammaln(n + 1) - gammaln(k + 1) - gammaln(n - k + 1)
    return found


def p_all_drawn(count: int, *, drawn: int, total: int) -> float:
    """Return the chance that `count` given rows of `total` are all among the `drawn`.

    >>> round(p_all_drawn(2, drawn=5, total=10), 4)
    0.2222
    """
    if count > drawn:
        return 0.0
    ends = [np.array([float(all_of)]) for all_of in (total, drawn)]
    marked = np.array([float(count)])
    return float(np.exp(_log_choose(ends[1], marked) - _log_choose(ends[0], marked))[0])


def fewest_all_drawn(p: float, *, drawn: int, total: int) -> float:
    """Return how many marked rows, all of them drawn, are needed for a p-value of at most `p` (upper bound).

    >>> fewest_all_drawn(1e-6, drawn=500, total=5500)
    7.0
    """
    return float(math.ceil(math.log(p / 2) / math.log(drawn / total)))
