"""Recall: how many of the positive rows are found."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ml_platform.stats.scored import decided
from ml_platform.stats.share import conditional_share

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from ml_platform.core.measurement import Measurement


def recall(
    y_true: ArrayLike,
    decisions: ArrayLike,
    *,
    entity: ArrayLike | None = None,
    confidence: float = 0.95,
    subject: str = "",
) -> Measurement:
    """Return the share of positive rows that are decided positive, with Wilson's interval; n counts positive rows.

    Both hold 0/1, shape (n,). With `entity` rows of one entity count as dependent. Undefined without a positive row
    and with values other than 0 and 1. ValueError when lengths differ. Source: ISO/IEC TS 4213:2022.

    >>> recall([0, 1, 1, 0], [0, 1, 0, 0]).text()
    'recall = 0.5 share [0.09453, 0.9055] (n = 2)'
    """
    rows = decided(y_true, decisions, entity)
    return conditional_share(
        rows.decision,
        rows.units,
        among=rows.positive,
        flaw=rows.flaw,
        nobody="no row is positive",
        metric="recall",
        confidence=confidence,
        subject=subject,
    )
