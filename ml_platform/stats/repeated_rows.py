"""Repeated rows: whether a batch repeats its own rows, or another table's, more often than chance deals them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ml_platform.stats.shift import Shift

Whole = NDArray[np.int64]
MOST_TIMES = 4


def repeated_rows(total: Whole, batch: Whole) -> tuple[Shift, Shift]:
    """Compare counts per distinct row: (repeats within the batch, rows shared with the other table).

    A row seen m = 2, 3 or 4 times in both tables together lies wholly in the batch, or in both tables, with a known
    chance; the counts of such rows are compared with binomial tails (one-sided), which the dealing without replacement
    makes slightly conservative. Rows seen more often are left out. Source: Fisher 1935, J. Royal Stat. Soc. 98.

    >>> within, shared = repeated_rows(np.array([2] * 20 + [1] * 960), np.array([2] * 20 + [0] * 900 + [1] * 60))
    >>> within.p_value < 1e-6, within.excess, shared.p_value
    (True, 0.2, 1.0)
    """
    rows, drawn = int(total.sum()), int(batch.sum())
    if not 0 < drawn < rows:
        return Shift(), Shift()
    within = [_excess(total, batch, m, rows, drawn, within=True) for m in range(2, MOST_TIMES + 1)]
    shared = [_excess(total, batch, m, rows, drawn, within=False) for m in range(2, MOST_TIMES + 1)]
    best = (min(found, key=lambda one: one.p_value) for found in (within, shared))
    first, second = (Shift(p_value=min(1.0, len(within) * one.p_value), excess=one.excess) for one in best)
    return first, second


def _excess(total: Whole, batch: Whole, times: int, rows: int, drawn: int, *, within: bool) -> Shift:
    from scipy.special import bdtrc

    mine = batch[total == times]
    if not mine.size:
        return Shift()
    dealt = np.arange(times)
    wholly = float(np.prod((drawn - dealt) / (rows - dealt)))
    none = float(np.prod((rows - drawn - dealt) / (rows - dealt)))
    hits, chance = (mine == times, wholly) if within else ((mine > 0) & (mine < times), 1 - wholly - none)
    count = int(hits.sum())
    if count <= mine.size * chance:
        return Shift()
    p = float(bdtrc(count - 1, mine.size, chance)) if chance < 1 else 1.0
    affected = int(mine[hits].sum()) if not within else count * (times - 1)
    return Shift(p_value=p, excess=affected / drawn)
