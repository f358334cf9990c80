"""Ordered shift: whether two tables hold the same distribution of ordered values, in the middle and in the tails."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ml_platform.stats.exceedances import exceedances
from ml_platform.stats.hypergeometric import hypergeometric_p
from ml_platform.stats.shift import Shift

Floats = NDArray[np.float64]
Whole = NDArray[np.int64]
SMALLEST_P = 1e-4
SHARES = (0.4, 0.4, 0.1, 0.1)  # of tails, the middle, the batch reaching further, the other table reaching further


def ordered_shift(total: Whole, batch: Whole) -> Shift:
    """Compare counts per distinct value, in order of size: both tables' (`total`) and the batch's alone, shape (k,).

    Three kinds of comparison share the p-value. Cuts that leave about 2, 4, ... 16, 64, ... rows in the lower, the
    upper or both tails: exact, since the cuts depend on the pooled rows only. The Kolmogorov-Smirnov distance:
    asymptotic, conservative with ties. And how many rows of one table lie beyond all of the other's: exact. Sources:
    Fisher 1935; Smirnov 1948, Ann. Math. Stat. 19; Rosenbaum 1954, Ann. Math. Stat. 25.

    >>> abs(ordered_shift(np.ones(100, np.int64), np.repeat([0, 1], [80, 20])).excess)
    1.0
    """
    rows, drawn = int(total.sum()), int(batch.sum())
    if total.size < 2 or not 0 < drawn < rows:
        return Shift()
    below, mine = np.cumsum(total), np.cumsum(batch)
    found = (_tails(below, mine), _middle(below, mine), *exceedances(total, batch))
    return min(map(_shared, found, SHARES), key=lambda one: one.p_value)


def _shared(found: Shift, share: float) -> Shift:
    return replace(found, p_value=min(1.0, found.p_value / share))


def _middle(below: Whole, mine: Whole) -> Shift:
    from scipy.special import kolmogorov

    rows, drawn = int(below[-1]), int(mine[-1])
    gaps = mine / drawn - (below - mine) / (rows - drawn)
    at = int(np.abs(gaps).argmax())
    distance = abs(float(gaps[at]))
    p = float(kolmogorov(distance * math.sqrt(drawn * (rows - drawn) / rows)))
    first, last = (0, at) if gaps[at] > 0 else (at + 1, below.size - 1)
    return Shift(p_value=min(1.0, p), excess=distance, first=first, last=last)


def _tails(below: Whole, mine: Whole) -> Shift:
    rows, drawn = int(below[-1]), int(mine[-1])
    sizes = tail_sizes(drawn=drawn, total=rows)
    cuts = below.size - 1  # places after which the table can be cut
    lower = np.unique(np.searchsorted(below, sizes).clip(0, cuts - 1))
    upper = np.unique(np.searchsorted(below, rows - sizes, side="right").clip(1, cuts) - 1)
    lows = np.minimum(np.searchsorted(below, sizes // 2), cuts - 1)
    highs = np.maximum(np.searchsorted(below, rows - sizes // 2, side="right"), 1) - 1
    apart = lows < highs
    lows, highs = lows[apart], highs[apart]
    marked = np.concatenate([below[lower], rows - below[upper], below[lows] + rows - below[highs]])
    counts = np.concatenate([mine[lower], drawn - mine[upper], mine[lows] + drawn - mine[highs]])
    p = hypergeometric_p(counts, marked, drawn=drawn, total=rows)
    at = int(p.argmin())
    excess = counts[at] / drawn - (marked[at] - counts[at]) / (rows - drawn)
    first, last = _place(at, lower, upper, below.size)
    return Shift(p_value=min(1.0, p.size * float(p[at])), excess=float(excess), first=first, last=last)


def _place(at: int, lower: Whole, upper: Whole, size: int) -> tuple[int, int]:
    if at < lower.size:
        return 0, int(lower[at])
    if at < lower.size + upper.size:
        return int(upper[at - lower.size]) + 1, size - 1
    return 0, size - 1


def tail_sizes(*, drawn: int, total: int) -> Whole:
    """Return the numbers of rows that tails are cut at: from the fewest that could prove anything to half the rows.

    >>> tail_sizes(drawn=500, total=5500).tolist()
    [5, 8, 16, 64, 256, 1024]
    """
    share = min(drawn, total - drawn) / total
    least = math.ceil(math.log(SMALLEST_P / 2) / math.log(share))
    steps = [2, 4, 8, 16, *(4**power for power in range(3, 16))]
    return np.array([least, *(step for step in steps if least < step <= total // 2)], dtype=np.int64).clip(
        1, total // 2
    )
