"""Rank dependence: whether one column is a function of another, whatever the function."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ml_platform.core.measurement import Measurement
from ml_platform.stats.columns import Codes, Floats, numbers, require_same_length

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

METRIC = "rank_dependence"
TIES = 20_090_601


def rank_dependence(cause: ArrayLike, effect: ArrayLike, *, subject: str = "") -> Measurement:
    """Return Chatterjee's rank correlation: 1 when the effect is a function of the cause, about 0 when independent.

    Both are numbers (or level codes), shape (n,). The function may rise, fall, bend or jump; of n rows without ties it
    reaches 1 - 3 / (n + 1). Rows in which either is missing are left out and counted (fact missing). Rows with the same
    cause are put in an arbitrary but fixed order. Undefined when fewer than two rows are left or the effect is constant
    among them. ValueError when lengths differ. Source: Chatterjee 2021, J. Am. Stat. Assoc. 116.

    >>> rank_dependence(np.arange(-50, 50), np.abs(np.arange(-50, 50))).text()
    'rank_dependence = 0.9409 (n = 100)'
    """
    first, second = numbers(cause, "cause"), numbers(effect, "effect")
    require_same_length(cause=first, effect=second)
    both = ~(np.isnan(first) | np.isnan(second))
    x, y = first[both], second[both]
    if y.size < 2 or y.min() == y.max():
        seen = "cause and effect have no two rows in common" if y.size < 2 else "the effect is constant"
        return Measurement(metric=METRIC, value=None, n=y.size, subject=subject, reason=seen)
    rank, reverse = _ranks(y[_order(x)])
    spread = float((reverse * (y.size - reverse)).sum())
    value = 1 - y.size * float(np.abs(np.diff(rank)).sum()) / (2 * spread)
    return Measurement(
        metric=METRIC, value=value, n=y.size, subject=subject, facts={"missing": int(first.size - y.size)}
    )


def _order(x: Floats) -> Codes:
    shuffled = np.random.default_rng(TIES).permutation(x.size)
    return shuffled[np.argsort(x[shuffled], kind="stable")]


def _ranks(y: Floats) -> tuple[Floats, Floats]:
    """Return for each value how many are at most it, and how many are at least it."""
    ascending = np.sort(y)
    upto = np.searchsorted(ascending, y, side="right").astype(np.float64)
    return upto, y.size - np.searchsorted(ascending, y, side="left").astype(np.float64)
