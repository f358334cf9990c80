"""Macro F1: the mean over classes of F1, every class weighing the same, however rare."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ml_platform.stats.classes import classed
from ml_platform.stats.macro_average import macro_average

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from ml_platform.core.measurement import Measurement
    from ml_platform.stats.columns import Flags, Floats


def macro_f1(
    y_true: ArrayLike,
    decisions: ArrayLike,
    *,
    entity: ArrayLike | None = None,
    confidence: float = 0.95,
    subject: str = "",
) -> Measurement:
    """Return the mean over classes of F1 = 2 · right / (rows of the class + decisions for it).

    Both hold class numbers from 0, shape (n,). A class that is never decided right has an F1 of 0. The interval is
    Wilson's at the effective size that the rows' influence gives, with `entity` by entities. Undefined without rows and
    with values that are no class numbers. ValueError when lengths differ. Facts: classes, worst_class, worst. Sources:
    Sokolova and Lapalme 2009, Inf. Process. Manag. 45; Korn and Graubard 1998, Survey Methodology 24 (the interval).

    >>> macro_f1([0, 1, 2, 0, 1, 2], [0, 1, 1, 0, 1, 2]).text()
    'macro_f1 = 0.8222 [0.4032, 0.9694] (n = 6)'
    """
    return macro_average(
        classed(y_true, decisions, entity),
        _both,
        metric="macro_f1",
        nobody="it doesn't occur",
        confidence=confidence,
        subject=subject,
    )


def _both(true: Flags, decided: Flags) -> tuple[Floats, Floats]:
    return 2 * (true & decided).astype(np.float64), true.astype(np.float64) + decided
