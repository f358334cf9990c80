"""Ratio of sums: two totals over the same rows as a ratio, and how much each row moves it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ml_platform.stats.columns import Floats


def ratio_of_sums(above: Floats, below: Floats) -> tuple[float, Floats]:
    """Return sum(above) / sum(below) and its influence per row, shape (n,); the lower sum isn't 0.

    Source: Cochran 1977, Sampling Techniques, ch. 6 (ratio estimators, linearised).

    >>> import numpy as np
    >>> ratio, influence = ratio_of_sums(np.array([1.0, 2.0]), np.array([2.0, 2.0]))
    >>> ratio, influence.tolist()
    (0.75, [-0.125, 0.125])
    """
    total = float(below.sum())
    ratio = float(above.sum()) / total
    return ratio, (above - ratio * below) / total
