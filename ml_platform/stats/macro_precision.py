"""Macro precision: the mean share of right decisions among those for a class, every class weighing the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ml_platform.stats.classes import classed
from ml_platform.stats.macro_average import macro_average

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from ml_platform.core.measurement import Measurement
    from ml_platform.stats.columns import Flags, Floats


def macro_precision(
    y_true: ArrayLike,
    decisions: ArrayLike,
    *,
    entity: ArrayLike | None = None,
    confidence: float = 0.95,
    subject: str = "",
) -> Measurement:
    """Return the mean over classes of the share of the decisions for it that are right.

    Both hold class numbers from 0, shape (n,). The interval is Wilson's at the effective size that the rows' influence
    gives, with `entity` by entities. Undefined without rows, with values that are no class numbers, and with a class
    that came true and is never decided. ValueError when lengths differ. Facts: classes, worst_class, worst. Sources:
    Sokolova and Lapalme 2009, Inf. Process. Manag. 45; Korn and Graubard 1998, Survey Methodology 24 (the interval).

    >>> macro_precision([0, 1, 2, 0, 1, 2], [0, 1, 1, 0, 1, 2]).text()
    'macro_precision = 0.8889 [0.5833, 0.9786] (n = 6)'
    """
    return macro_average(
        classed(y_true, decisions, entity),
        _kept,
        metric="macro_precision",
        nobody="it came true and was never decided",
        confidence=confidence,
        subject=subject,
    )


def _kept(true: Flags, decided: Flags) -> tuple[Floats, Floats]:
    return (true & decided).astype(np.float64), decided.astype(np.float64)
