"""Macro recall: the mean share of the classes' rows that are found; also called balanced accuracy."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ml_platform.stats.classes import classed
from ml_platform.stats.macro_average import macro_average

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from ml_platform.core.measurement import Measurement
    from ml_platform.stats.columns import Flags, Floats


def macro_recall(
    y_true: ArrayLike,
    decisions: ArrayLike,
    *,
    entity: ArrayLike | None = None,
    confidence: float = 0.95,
    subject: str = "",
) -> Measurement:
    """Return the mean over classes of the share of their rows that is decided right (balanced accuracy).

    Both hold class numbers from 0, shape (n,). Always deciding one class reaches 1 / classes. The interval is Wilson's
    at the effective size that the rows' influence gives, with `entity` by entities. Undefined without rows, with values
    that are no class numbers, and with a class that is decided and never came true. ValueError when lengths differ.
    Facts: classes, worst_class, worst. Sources: Brodersen et al. 2010, ICPR; Korn and Graubard 1998, Survey
    Methodology 24 (the interval).

    >>> macro_recall([0, 1, 2, 0, 1, 2], [0, 1, 1, 0, 1, 2]).text()
    'macro_recall = 0.8333 [0.4939, 0.9624] (n = 6)'
    """
    return macro_average(
        classed(y_true, decisions, entity),
        _found,
        metric="macro_recall",
        nobody="it was decided and never came true",
        confidence=confidence,
        subject=subject,
    )


def _found(true: Flags, decided: Flags) -> tuple[Floats, Floats]:
    return (true & decided).astype(np.float64), true.astype(np.float64)
