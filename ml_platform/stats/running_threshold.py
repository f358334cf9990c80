"""Running threshold: a quantile of what was seen before each row, so that rows can be bet on whether they exceed it."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from ml_platform.stats.columns import Flags, Floats

FIRST = 100


def running_threshold(values: Floats, among: Flags, quantile: float, *, first: int = FIRST) -> Floats:
    """Return, for each row, a quantile of the rows before it that are `among`; all of shape (n,), values finite.

    Rows that come before it can be told have infinity, which none exceeds. As no row tells its own threshold, betting
    on exceedances is fair, whatever the distribution: the two streams' chances to exceed it are compared, at all looks.
    Source: Howard and Ramdas 2022, Bernoulli 28 (sequential estimation of quantiles).

    >>> running_threshold(np.array([1.0, 3.0, 9.0, 2.0, 5.0]), np.ones(5, dtype=bool), 0.5, first=2).tolist()
    [inf, inf, 2.0, 2.0, 2.5]
    """
    return retold(values, among, lambda past: float(np.quantile(past, quantile)), first=first)


def retold(values: Floats, among: Flags, tell: Callable[[Floats], float], *, first: int = FIRST) -> Floats:
    """Return, for each row, what is told of the rows before it that are `among`; infinity before the `first` of them.

    It is told anew whenever their number has doubled, which keeps it cheap.

    >>> retold(np.array([1.0, 2.0, 4.0]), np.array([True, False, True]), np.sum, first=1).tolist()
    [inf, 1.0, 1.0]
    """
    places = np.flatnonzero(among)
    told = np.full(values.size, math.inf)
    count = first
    while count <= places.size:
        told[places[count - 1] + 1 :] = tell(values[places[:count]])
        count *= 2
    return told
