"""Exceedances: how many rows of one table lie beyond every row of the other, at the upper and at the lower end."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ml_platform.stats.hypergeometric import p_all_drawn
from ml_platform.stats.shift import Shift

Whole = NDArray[np.int64]


def exceedances(total: Whole, batch: Whole) -> tuple[Shift, Shift]:
    """Compare counts per distinct value, in order of size: (the batch reaches further, the other table does).

    The k outermost rows of both tables are all of one table with a chance that depends on the numbers of rows alone:
    exact, conservative with ties. Each of the two answers counts both ends. Source: Rosenbaum 1954, Ann. Math. Stat.
    25.

    >>> further, nearer = exceedances(np.ones(100, np.int64), np.repeat([0, 1], [80, 20]))
    >>> further.excess, nearer.excess
    (1.0, -1.0)
    """
    rows, drawn = int(total.sum()), int(batch.sum())
    if not 0 < drawn < rows:
        return Shift(), Shift()
    others = total - batch
    return _beyond(batch, others, drawn, rows, sign=1), _beyond(others, batch, rows - drawn, rows, sign=-1)


def _beyond(mine: Whole, others: Whole, drawn: int, rows: int, *, sign: int) -> Shift:
    places = np.flatnonzero(others)
    first, last = int(places[0]), int(places[-1])
    below, above = int(mine[:first].sum()), int(mine[last + 1 :].sum())
    p = min(1.0, 2.0 * p_all_drawn(max(below, above), drawn=drawn, total=rows))
    ends = (0, first - 1) if below > above else (last + 1, mine.size - 1)
    return Shift(p_value=p, excess=sign * max(below, above) / drawn, first=ends[0], last=ends[1])
