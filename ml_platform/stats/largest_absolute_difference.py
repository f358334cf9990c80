"""Largest absolute difference: the worst row of two computations that should agree."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ml_platform.core.measurement import Measurement
from ml_platform.stats.compared import compared

if TYPE_CHECKING:
    from numpy.typing import ArrayLike


def largest_absolute_difference(a: ArrayLike, b: ArrayLike, *, subject: str = "") -> Measurement:
    """Return the maximum of |a - b|; a full count, hence no interval; 0 means equal in every row.

    Both hold finite numbers, shape (n,). Fact `different` counts the rows that aren't equal. Undefined without rows
    and with values that aren't finite. ValueError when lengths differ. Source: Goldberg 1991, ACM Comput. Surv. 23
    (why a limit other than 0 can be right).

    >>> largest_absolute_difference([0.5, 0.25], [0.5, 0.5]).text()
    'largest_absolute_difference = 0.25 (n = 2)'
    """
    rows = compared(a, b, names=("a", "b"))
    apart = np.abs(rows.other - rows.true)
    return Measurement(
        metric="largest_absolute_difference",
        value=None if rows.flaw else float(apart.max()),
        n=apart.size,
        subject=subject,
        reason=rows.flaw,
        facts={} if rows.flaw else {"different": int((apart > 0).sum())},
    )
