"""Running threshold: a quantile of what was seen before each row, so that rows can be bet on whether they exceed it."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from ml_platform.stats.columns import Flags, Floats

FIRST = 100
NONE = np.zeros(0)


def running_threshold(values: Floats, among: Flags, quantile: float, *, past: Floats = NONE) -> Floats:
    """Return, for each row, a quantile of the rows before it that are `among`; all of shape (n,), values finite.

    `past` are values from before the first row, that count too.

    Rows that come before it can be told have infinity, which none exceeds. As no row tells its own threshold, betting
    on exceedances is fair, whatever the distribution: the two streams' chances to exceed it are compared, at all looks.
    Source: Howard and Ramdas 2022, Bernoulli 28 (sequential estimation of quantiles).

    >>> running_threshold(np.array([1.0, 3.0]), np.ones(2, dtype=bool), 0.5, past=np.arange(99.0)).tolist()
    [inf, 48.5]
    """
    return retold(values, among, lambda seen: float(np.quantile(seen, quantile)), past=past)


def retold(values: Floats, among: Flags, tell: Callable[[Floats], float], *, past: Floats = NONE) -> Floats:
    """Return, for each row, what is told of the `past` and the rows before it that are `among`; infinity before 100.

    It is told anew whenever their number has doubled, which keeps it cheap.

    >>> retold(np.ones(102), np.ones(102, dtype=bool), np.sum)[98:].tolist()
    [inf, inf, 100.0, 100.0]
    """
    every, counted = np.concatenate([past, values]), np.concatenate([np.ones(past.size, dtype=np.bool_), among])
    places = np.flatnonzero(counted)
    told = np.full(every.size, math.inf)
    count = max(FIRST, past.size)
    while count <= places.size:
        told[places[count - 1] + 1 :] = tell(every[places[:count]])
        count *= 2
    return told[past.size :]
