"""Missing share: how many rows of a column have no value."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ml_platform.stats.columns import column, is_missing
from ml_platform.stats.wilson import wilson

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from ml_platform.core.measurement import Measurement
    from ml_platform.stats.columns import Flags


def missing_share(values: ArrayLike, *, confidence: float = 0.95, subject: str = "") -> Measurement:
    """Return the share of rows, shape (n,), that are None, NaN or NaT, with Wilson's interval.

    An empty text is a value. Undefined without rows. ValueError when the column isn't one-dimensional. Sources:
    ISO/IEC 25024:2015 (completeness); Wilson 1927, J. Am. Stat. Assoc. 22.

    >>> missing_share(["a", None, "", "b"]).text()
    'missing_share = 0.25 share [0.04559, 0.6994] (n = 4)'
    """
    missing = missing_rows(values, "values")
    return wilson(int(missing.sum()), missing.size, metric="missing_share", confidence=confidence, subject=subject)


def missing_rows(values: ArrayLike, name: str) -> Flags:
    """Return which rows of a column have no value, shape (n,).

    >>> missing_rows(np.array(["2013-01-01", "NaT"], dtype="datetime64[D]"), "day").tolist()
    [False, True]
    """
    array = column(values, name)
    if array.dtype.kind in "OT":
        return np.fromiter(map(is_missing, array.tolist()), dtype=np.bool_, count=array.size)
    if array.dtype.kind in "fmM":
        missing: Flags = np.isnan(array)
        return missing
    return np.zeros(array.size, dtype=np.bool_)
