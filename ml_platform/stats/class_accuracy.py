"""Class accuracy: the share of rows whose class is decided right, among several classes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ml_platform.stats.classes import classed
from ml_platform.stats.share import conditional_share

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from ml_platform.core.measurement import Measurement


def class_accuracy(
    y_true: ArrayLike,
    decisions: ArrayLike,
    *,
    entity: ArrayLike | None = None,
    confidence: float = 0.95,
    subject: str = "",
) -> Measurement:
    """Return the share of rows whose decided class is the outcome's, with Wilson's interval.

    Both hold class numbers from 0, shape (n,). With one class per row it is micro-averaged precision, recall and F1 in
    one. With `entity` rows of one entity count as dependent. Undefined without rows and with values that are no class
    numbers. ValueError when lengths differ. Source: ISO/IEC TS 4213:2022.

    >>> class_accuracy([0, 1, 2, 0], [0, 1, 1, 0]).text()
    'class_accuracy = 0.75 share [0.3006, 0.9544] (n = 4)'
    """
    rows = classed(y_true, decisions, entity)
    return conditional_share(
        rows.true == rows.decided,
        rows.units,
        flaw=rows.flaw,
        metric="class_accuracy",
        confidence=confidence,
        subject=subject,
    )
