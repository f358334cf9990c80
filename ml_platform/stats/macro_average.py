"""Macro average: the mean over classes of a ratio of counts, every class weighing the same."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from ml_platform.core.measurement import Measurement
from ml_platform.stats.bounded_interval import bounded_interval
from ml_platform.stats.influence import influence_variance
from ml_platform.stats.ratio_of_sums import ratio_of_sums
from ml_platform.stats.satterthwaite import freedom_of

if TYPE_CHECKING:
    from ml_platform.stats.classes import Classed
    from ml_platform.stats.columns import Flags, Floats

Counts = Callable[["Flags", "Flags"], "tuple[Floats, Floats]"]


def macro_average(
    rows: Classed, counts: Counts, *, metric: str, nobody: str, confidence: float, subject: str
) -> Measurement:
    """Return the mean of sum(above) / sum(below) over the classes that occur, by the rows' influence on it.

    `counts` takes, for one class, which rows are of it and which were decided to be, and returns what each row adds
    above and below. A class whose lower sum is 0 makes the average undefined: `nobody` says why.

    >>> from ml_platform.stats.classes import classed
    >>> rows = classed([0, 1, 1, 0], [0, 1, 0, 0])
    >>> found = lambda true, decided: ((true & decided) * 1.0, true * 1.0)
    >>> macro_average(rows, found, metric="recall", nobody="none", confidence=0.95, subject="").value
    0.75
    """
    per_class = [] if rows.flaw else [counts(rows.true == code, rows.decided == code) for code in rows.present]
    lacking = [code for code, (_, below) in zip(rows.present, per_class, strict=False) if not below.sum()]
    reason = rows.flaw or (f"class {lacking[0]}: {nobody}" if lacking else "")
    if reason:
        return Measurement(metric=metric, value=None, n=rows.n, subject=subject, reason=reason)
    ratios, influences = zip(*(ratio_of_sums(*each) for each in per_class), strict=True)
    value = float(np.mean(ratios))
    influence = np.mean(influences, axis=0)
    variance, freedom = influence_variance(influence, rows.units), freedom_of(influence, rows.units)
    fewest = min(rows.rarest, rows.units.count() or rows.n)
    low, high = bounded_interval(value, variance, fewest=fewest, freedom=freedom, confidence=confidence)
    return Measurement(
        metric=metric,
        value=value,
        n=rows.n,
        low=low,
        high=high,
        confidence=confidence,
        subject=subject,
        facts={"classes": len(per_class), "worst_class": rows.present[int(np.argmin(ratios))], "worst": min(ratios)},
    )
