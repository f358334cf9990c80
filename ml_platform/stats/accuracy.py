"""Accuracy: the share of right decisions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ml_platform.stats.scored import decided
from ml_platform.stats.share import conditional_share

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from ml_platform.core.measurement import Measurement


def accuracy(
    y_true: ArrayLike,
    decisions: ArrayLike,
    *,
    entity: ArrayLike | None = None,
    confidence: float = 0.95,
    subject: str = "",
) -> Measurement:
    """Return the share of rows whose decision equals the outcome, with Wilson's interval.

    Both hold 0/1, shape (n,). With `entity` rows of one entity count as dependent. Undefined without rows and with
    values other than 0 and 1. ValueError when lengths differ. Source: ISO/IEC TS 4213:2022.

    >>> accuracy([0, 1, 1, 0], [0, 1, 0, 0]).text()
    'accuracy = 0.75 share [0.3006, 0.9544] (n = 4)'
    """
    rows = decided(y_true, decisions, entity)
    return conditional_share(
        rows.positive == rows.decision,
        rows.units,
        flaw=rows.flaw,
        metric="accuracy",
        confidence=confidence,
        subject=subject,
    )
