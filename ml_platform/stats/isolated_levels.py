"""Isolated levels: whether the rarest levels are far rarer than the others' frequencies let one expect."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Whole = NDArray[np.int64]
MOST_RARE = 0.05
LEAST_KEPT = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Isolated:
    """`rare` flags the levels below the widest gap between frequencies; `p_value` says how wide the gap is."""

    rare: NDArray[np.bool_]
    p_value: float


def isolated_levels(counts: Whole) -> Isolated | None:
    """Find the widest gap between the levels' frequencies below which at most 5 % of the rows lie, shape (k,).

    The logarithms of frequencies are taken to fall off exponentially at the lower end, so that gaps, each times the
    number of levels above it, are independent and alike (Rényi 1953, Acta Math. Acad. Sci. Hung. 4); the p-value
    compares the gap with those above it, and counts every place where it could have been. None when fewer than 2 levels
    would be left above, or there is no gap.

    >>> isolated_levels(np.array([700, 640, 660, 1, 2])).rare.tolist()
    [False, False, False, True, True]
    """
    order = np.argsort(counts, kind="stable")
    order = order[counts[order] > 0]
    ordered = counts[order]
    below = np.cumsum(ordered)
    places = 1 + np.flatnonzero((np.diff(ordered) > 0) & (below[:-1] <= MOST_RARE * below[-1:]))
    places = places[places <= ordered.size - LEAST_KEPT]
    if not places.size:
        return None
    p = _p_values(np.log(ordered), places)
    at = int(np.argmin(p))
    rare = np.zeros(counts.size, dtype=np.bool_)
    rare[order[: places[at]]] = True
    return Isolated(rare=rare, p_value=min(1.0, places.size * float(p[at])))


def _p_values(logs: NDArray[np.float64], places: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the chance of so wide a gap below the levels from each place on."""
    kept = logs.size - places
    gap = logs[places] - logs[places - 1]
    above = np.cumsum(logs[::-1])[::-1][places] - kept * logs[places]  # the gaps above, each times the levels above it
    noise = np.cumsum(np.exp(-logs[::-1] / 2))[::-1][places]  # counted frequencies: their logarithms' standard errors
    found: NDArray[np.float64] = np.exp(-(kept - 1) * np.log1p(gap / (above + noise)))
    return found
