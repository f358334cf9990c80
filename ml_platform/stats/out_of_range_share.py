"""Out-of-range share: how many rows lie outside what was declared or seen before."""

from __future__ import annotations

import dataclasses
import math
from typing import TYPE_CHECKING

import numpy as np

from ml_platform.stats.columns import numbers
from ml_platform.stats.wilson import wilson

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from ml_platform.core.measurement import Measurement


def out_of_range_share(
    values: ArrayLike,
    least: float | None,
    greatest: float | None,
    *,
    confidence: float = 0.95,
    subject: str = "",
) -> Measurement:
    """Return the share of numbers below `least` or above `greatest` (None: open), with Wilson's interval.

    `values` has the shape (n,); the bounds themselves are in range, infinities are not. Missing rows aren't judged:
    fact `missing` counts them. `n` is the rows judged. Undefined without a value, and when a bound is NaN or the
    bounds are in the wrong order. Sources: Breck et al. 2019, Data Validation for Machine Learning, MLSys; Wilson 1927,
    J. Am. Stat. Assoc. 22.

    >>> out_of_range_share([0.0, 5.0, 11.0, None], 0, 10).text()
    'out_of_range_share = 0.3333 share [0.06149, 0.7923] (n = 3)'
    """
    column = numbers(values, "values")
    present = column[~np.isnan(column)]
    low = -math.inf if least is None else least
    high = math.inf if greatest is None else greatest
    ordered = low <= high
    outside = int((~((present >= low) & (present <= high) & np.isfinite(present))).sum())
    size = present.size if ordered else 0
    found = wilson(outside if ordered else 0, size, metric="out_of_range_share", confidence=confidence, subject=subject)
    reason = found.reason and ("no row has a value" if ordered else f"the range {least}..{greatest} is no range")
    return dataclasses.replace(found, reason=reason, facts={"missing": column.size - present.size})
