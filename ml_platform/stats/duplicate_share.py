"""Duplicate share: how many rows repeat an earlier one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ml_platform.core.measurement import Measurement
from ml_platform.stats.columns import column
from ml_platform.stats.missing_share import missing_rows

if TYPE_CHECKING:
    from numpy.typing import ArrayLike


def duplicate_share(row_hashes: ArrayLike, *, subject: str = "") -> Measurement:
    """Return the share of rows whose hash (or key) occurred before, shape (n,); a full count, hence no interval.

    Facts: duplicates, largest (rows of the most frequent hash). Undefined without rows and when a hash is missing.
    Source: ISO/IEC 25024:2015 (consistency).

    >>> duplicate_share(["x", "y", "x", "x"]).text()
    'duplicate_share = 0.5 share (n = 4)'
    """
    hashes = column(row_hashes, "row_hashes")
    absent = int(missing_rows(hashes, "row_hashes").sum())
    reason = f"{absent} of {hashes.size} rows have no hash" if absent else ("" if hashes.size else "no rows")
    if reason:
        return Measurement(
            metric="duplicate_share", value=None, n=hashes.size, unit="share", subject=subject, reason=reason
        )
    _, counts = np.unique(hashes, return_counts=True)
    repeated = hashes.size - counts.size
    return Measurement(
        metric="duplicate_share",
        value=repeated / hashes.size,
        n=hashes.size,
        unit="share",
        subject=subject,
        facts={"duplicates": repeated, "largest": int(counts.max())},
    )
