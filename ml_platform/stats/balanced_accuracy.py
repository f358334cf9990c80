"""Balanced accuracy: the share of right decisions when both classes weigh the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ml_platform.core.measurement import Measurement
from ml_platform.stats.influence import unit_sums
from ml_platform.stats.scored import Decided, decided
from ml_platform.stats.share import conditional_share
from ml_platform.stats.square_and_add import bounds_of_mean

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from ml_platform.stats.columns import Flags


def balanced_accuracy(
    y_true: ArrayLike,
    decisions: ArrayLike,
    *,
    entity: ArrayLike | None = None,
    confidence: float = 0.95,
    subject: str = "",
) -> Measurement:
    """Return the mean of the two classes' shares of right decisions, with an interval from their Wilson intervals.

    Both hold 0/1, shape (n,). With `entity` rows of one entity count as dependent. Undefined with one
    class and with values other than 0 and 1. ValueError when lengths differ. Sources: Brodersen et al. 2010, ICPR;
    Zou and Donner 2008, Stat. Med. 27, and Zou 2009, Br. J. Math. Stat. Psychol. 62 (the interval).

    >>> balanced_accuracy([0, 1, 1, 0], [0, 1, 0, 0]).text()
    'balanced_accuracy = 0.75 share [0.3637, 0.9527] (n = 4)'
    """
    metric = "balanced_accuracy"
    rows = decided(y_true, decisions, entity)
    n = rows.positive.size
    reason = rows.flaw or ("" if 0 < rows.positive.sum() < n else f"all {n} outcomes are of one class")
    if reason:
        return Measurement(metric=metric, value=None, n=n, unit="share", subject=subject, reason=reason)
    right = rows.decision == rows.positive
    found, kept = (
        conditional_share(right, rows.units, among=where, confidence=confidence)
        for where in (rows.positive, ~rows.positive)
    )
    low, high = bounds_of_mean(found, kept, correlation=_correlation(rows, right))
    return Measurement(
        metric=metric,
        value=float(right[rows.positive].mean() + right[~rows.positive].mean()) / 2,
        n=n,
        low=low,
        high=high,
        confidence=confidence,
        unit="share",
        subject=subject,
        facts={"true_positive_rate": found.value, "true_negative_rate": kept.value},
    )


def _correlation(rows: Decided, right: Flags) -> float:
    """Return how the two classes' shares go together because entities have rows of both; 0 without entities."""
    if rows.units.codes is None:
        return 0.0
    found, kept = (
        unit_sums(where * (right - right[where].mean()), rows.units) for where in (rows.positive, ~rows.positive)
    )
    spread = float(np.square(found).sum() * np.square(kept).sum())
    return float((found * kept).sum()) / spread**0.5 if spread > 0 else 0.0
