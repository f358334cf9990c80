"""Overlap share: how many rows of one table also are in another, as no holdout may be in its training rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ml_platform.core.measurement import Measurement
from ml_platform.stats.columns import column
from ml_platform.stats.missing_share import missing_rows

if TYPE_CHECKING:
    from numpy.typing import ArrayLike


def overlap_share(hashes_a: ArrayLike, hashes_b: ArrayLike, *, subject: str = "") -> Measurement:
    """Return the share of the rows of b whose hash (or entity) occurs in a; a full count, hence no interval.

    The shapes are (n,) and (m,); both hold the same kind of hash. `n` is the rows of b; fact `overlapping` counts
    them. Undefined when either has no rows or a hash is missing. Source: Kaufman et al. 2012, Leakage in Data Mining,
    ACM TKDD 6.

    >>> overlap_share(["x", "y"], ["y", "y", "z", "w"]).text()
    'overlap_share = 0.5 share (n = 4)'
    """
    seen, judged = column(hashes_a, "hashes_a"), column(hashes_b, "hashes_b")
    absent = int(missing_rows(seen, "hashes_a").sum() + missing_rows(judged, "hashes_b").sum())
    empty = "" if seen.size and judged.size else f"hashes_{'b' if seen.size else 'a'} has no rows"
    reason = empty or (f"{absent} rows have no hash" if absent else "")
    if reason:
        return Measurement(
            metric="overlap_share", value=None, n=judged.size, unit="share", subject=subject, reason=reason
        )
    overlapping = int(np.isin(judged, seen).sum())
    return Measurement(
        metric="overlap_share",
        value=overlapping / judged.size,
        n=judged.size,
        unit="share",
        subject=subject,
        facts={"overlapping": overlapping},
    )
