"""Feature share: how much of what moves the scores one feature does."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from ml_platform.core.measurement import Measurement
from ml_platform.stats.columns import flaw_of_numbers, numbers, require_same_length
from ml_platform.stats.confidence import t_value
from ml_platform.stats.entities import entities
from ml_platform.stats.influence import influence_variance
from ml_platform.stats.ratio_of_sums import ratio_of_sums

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

METRIC = "feature_share"


def feature_share(
    sizes: ArrayLike,
    totals: ArrayLike,
    *,
    entity: ArrayLike | None = None,
    confidence: float = 0.95,
    subject: str = "",
) -> Measurement:
    """Return sum(sizes) / sum(totals): a feature's part of the size of all features' contributions.

    `sizes` are how far the feature moves each row's score, `totals` how far all features do together, both shape (n,),
    none below 0 and no size above its total. The interval is the linearised ratio's, cut off at 0 and 1; with `entity`
    it is cluster-robust. Undefined without rows, when nothing moves a score, and for other values. ValueError when
    lengths differ. Sources: Lundberg et al. 2020, Nature Machine Intelligence 2 (mean absolute SHAP values as
    importance); Cochran 1977, Sampling Techniques, ch. 6 (the interval).

    >>> feature_share([0.1, 0.3, 0.2], [0.4, 0.5, 0.6]).text()
    'feature_share = 0.4 share [0, 0.8331] (n = 3)'
    """
    part, whole = numbers(sizes, "sizes"), numbers(totals, "totals")
    require_same_length(sizes=part, totals=whole)
    units = entities(entity, part)
    reason = flaw_of_numbers(sizes=part, totals=whole) or units.flaw
    if not reason and ((part < 0) | (part > whole)).any():
        reason = "a size is below 0 or above its total"
    if not reason and not whole.any():
        reason = "no feature moves a score"
    if reason:
        return Measurement(metric=METRIC, value=None, n=part.size, unit="share", subject=subject, reason=reason)
    value, influence = ratio_of_sums(part, whole)
    variance = influence_variance(influence, units)
    freedom = (units.count() or part.size) - 1
    half = None if variance is None else t_value(confidence, freedom) * math.sqrt(variance)
    return Measurement(
        metric=METRIC,
        value=value,
        n=part.size,
        low=None if half is None else max(value - half, 0.0),
        high=None if half is None else min(value + half, 1.0),
        confidence=confidence,
        unit="share",
        subject=subject,
    )
