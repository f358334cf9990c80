"""Completeness: how many rows have a value in every column."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ml_platform.stats.columns import require_same_length
from ml_platform.stats.missing_share import missing_rows
from ml_platform.stats.wilson import wilson

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from ml_platform.core.measurement import Measurement


def completeness(*columns: ArrayLike, confidence: float = 0.95, subject: str = "") -> Measurement:
    """Return the share of rows without a missing value in any of the columns, with Wilson's interval.

    The columns, at least one, have the shape (n,); missing is None, NaN or NaT. Undefined without rows. ValueError
    when lengths differ. Sources: ISO/IEC 25024:2015; Wilson 1927, J. Am. Stat. Assoc. 22.

    >>> completeness([1.0, None, 3.0, 4.0], ["a", "b", None, "d"]).text()
    'completeness = 0.5 share [0.15, 0.85] (n = 4)'
    """
    missing = {f"columns[{place}]": missing_rows(values, "columns") for place, values in enumerate(columns)}
    require_same_length(**missing)
    whole = ~np.any(list(missing.values()), axis=0)
    return wilson(int(whole.sum()), whole.size, metric="completeness", confidence=confidence, subject=subject)
