"""Precision: how many of the rows decided positive are positive."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ml_platform.stats.scored import decided
from ml_platform.stats.share import conditional_share

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from ml_platform.core.measurement import Measurement


def precision(
    y_true: ArrayLike,
    decisions: ArrayLike,
    *,
    entity: ArrayLike | None = None,
    confidence: float = 0.95,
    subject: str = "",
) -> Measurement:
    """Return the share of rows decided positive that are positive, with Wilson's interval; n counts those decided so.

    Both hold 0/1, shape (n,). With `entity` rows of one entity count as dependent. Undefined when no row is decided
    positive and with values other than 0 and 1. ValueError when lengths differ. Source: ISO/IEC TS 4213:2022.

    >>> precision([0, 1, 1, 0], [0, 1, 0, 0]).text()
    'precision = 1 share [0.2065, 1] (n = 1)'
    """
    rows = decided(y_true, decisions, entity)
    return conditional_share(
        rows.positive,
        rows.units,
        among=rows.decision,
        flaw=rows.flaw,
        nobody="no row is decided positive",
        metric="precision",
        confidence=confidence,
        subject=subject,
    )
