"""Loss change: how much larger or smaller the losses of the same rows are than others."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from ml_platform.core.measurement import Measurement
from ml_platform.stats.compared import compared
from ml_platform.stats.confidence import t_value
from ml_platform.stats.influence import influence_variance
from ml_platform.stats.ratio_of_sums import ratio_of_sums

if TYPE_CHECKING:
    from numpy.typing import ArrayLike


def loss_change(
    losses: ArrayLike,
    losses_before: ArrayLike,
    *,
    entity: ArrayLike | None = None,
    confidence: float = 0.95,
    subject: str = "",
) -> Measurement:
    """Return mean loss / mean loss before - 1, paired by row, with the linearised ratio's interval.

    Both hold finite losses (absolute errors, log losses, ...) of the same rows, shape (n,); -0.2 means a fifth less,
    0 no change, so that one limit holds whatever the unit. With `entity` the interval is cluster-robust. Undefined
    without rows, with values that aren't finite, and when there was no loss before. ValueError when lengths differ.
    Facts: loss, loss_before, standard_error. Sources: Murphy 1988, Mon. Weather Rev. 116 (skill is its negative);
    Cochran 1977, Sampling Techniques, ch. 6 (the interval).

    >>> loss_change([1.0, 2.0, 1.0], [2.0, 2.0, 2.0]).text()
    'loss_change = -0.3333 share [-1, 0.3838] (n = 3)'
    """
    rows = compared(losses, losses_before, entity, names=("losses", "losses_before"))
    n = rows.true.size
    reason = rows.flaw or ("" if rows.other.sum() > 0 else "there was no loss before that could change")
    if reason:
        return Measurement(metric="loss_change", value=None, n=n, unit="share", subject=subject, reason=reason)
    ratio, influence = ratio_of_sums(rows.true, rows.other)
    variance = influence_variance(influence, rows.units)
    error = None if variance is None else math.sqrt(variance)
    half = None if error is None else t_value(confidence, (rows.units.count() or n) - 1) * error
    return Measurement(
        metric="loss_change",
        value=ratio - 1,
        n=n,
        low=None if half is None else max(ratio - 1 - half, -1.0),
        high=None if half is None else ratio - 1 + half,
        confidence=confidence,
        unit="share",
        subject=subject,
        facts={"loss": float(rows.true.mean()), "loss_before": float(rows.other.mean()), "standard_error": error},
    )
