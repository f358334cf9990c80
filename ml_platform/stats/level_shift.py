"""Level shift: whether two tables hold the same share of each level, of all levels together, and of new ones."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ml_platform.stats.hypergeometric import hypergeometric_p
from ml_platform.stats.ordered_shift import tail_sizes
from ml_platform.stats.shift import Shift

Whole = NDArray[np.int64]
MOST_LEVELS = 256
LEAST_EXPECTED = 10.0


def level_shift(total: Whole, batch: Whole) -> Shift:
    """Compare counts per level: both tables' (`total`) and the batch's alone, shape (k,).

    Three comparisons share the p-value: the most frequent 256 levels each (exact), all levels together (Pearson's
    chi-squared, levels expected fewer than 10 times put together), and how many of the values seen once only are the
    batch's (exact: new levels are expected, as often as chance deals them). Sources: Fisher 1935; Pearson 1900; Good
    1953, Biometrika 40.

    >>> round(level_shift(np.array([60, 40, 10]), np.array([5, 5, 10])).excess, 2)
    0.5
    """
    rows, drawn = int(total.sum()), int(batch.sum())
    if total.size < 2 or not 0 < drawn < rows:
        return Shift()
    found = (_each(total, batch, rows, drawn), _together(total, batch, rows, drawn), _once(total, batch, rows, drawn))
    best = min(found, key=lambda one: one.p_value)
    return Shift(p_value=min(1.0, 3.0 * best.p_value), excess=best.excess, first=best.first, last=best.last)


def _each(total: Whole, batch: Whole, rows: int, drawn: int) -> Shift:
    least = int(tail_sizes(drawn=drawn, total=rows)[0])
    chosen = np.flatnonzero(total >= least)
    if chosen.size > MOST_LEVELS:
        chosen = chosen[np.argsort(-total[chosen], kind="stable")[:MOST_LEVELS]]
    if not chosen.size:
        return Shift()
    p = hypergeometric_p(batch[chosen], total[chosen], drawn=drawn, total=rows)
    at = int(p.argmin())
    level = int(chosen[at])
    excess = batch[level] / drawn - (total[level] - batch[level]) / (rows - drawn)
    return Shift(p_value=min(1.0, chosen.size * float(p[at])), excess=float(excess), first=level, last=level)


def _together(total: Whole, batch: Whole, rows: int, drawn: int) -> Shift:
    from scipy.special import chdtrc

    expected = total * (drawn / rows)
    enough = np.minimum(expected, total - expected) >= LEAST_EXPECTED
    pooled = np.append(total[enough], total[~enough].sum())
    mine = np.append(batch[enough], batch[~enough].sum())
    pooled, mine = pooled[pooled > 0], mine[pooled > 0]
    if pooled.size < 2 or pooled.min() * min(drawn, rows - drawn) / rows < 1:
        return Shift()
    awaited = pooled * (drawn / rows)
    statistic = float(((mine - awaited) ** 2 / (awaited * (1 - drawn / rows))).sum())
    gaps = mine / drawn - (pooled - mine) / (rows - drawn)
    p = float(chdtrc(pooled.size - 1, statistic))
    return Shift(p_value=p, excess=float(np.abs(gaps).sum() / 2), first=0, last=total.size - 1)


def _once(total: Whole, batch: Whole, rows: int, drawn: int) -> Shift:
    once = total == 1
    seen, of = int(batch[once].sum()), int(once.sum())
    p = float(hypergeometric_p([seen], [of], drawn=drawn, total=rows)[0]) if of else 1.0
    if seen < of * drawn / rows:  # fewer new values than expected is no fault of a level
        p = 1.0
    first = int(np.flatnonzero(once & (batch == 1))[0]) if seen else 0
    return Shift(p_value=p, excess=seen / drawn, first=first, last=first)
