"""Prediction flip share: how many decisions change when the input, or the model, changes a little."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ml_platform.stats.columns import flaw_of_flags, numbers, require_same_length
from ml_platform.stats.entities import entities
from ml_platform.stats.share import conditional_share

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from ml_platform.core.measurement import Measurement


def prediction_flip_share(
    decisions_before: ArrayLike,
    decisions_after: ArrayLike,
    *,
    entity: ArrayLike | None = None,
    confidence: float = 0.95,
    subject: str = "",
) -> Measurement:
    """Return the share of rows whose decision differs, with Wilson's interval.

    Both hold 0/1, shape (n,). With `entity` rows of one entity count as dependent. Undefined without rows and with
    values other than 0 and 1. ValueError when lengths differ. Source: Milani Fard et al. 2016, Launch and Iterate,
    NeurIPS 29 (churn).

    >>> prediction_flip_share([0, 1, 1, 0], [0, 1, 0, 0]).text()
    'prediction_flip_share = 0.25 share [0.04559, 0.6994] (n = 4)'
    """
    before, after = numbers(decisions_before, "decisions_before"), numbers(decisions_after, "decisions_after")
    require_same_length(decisions_before=before, decisions_after=after)
    units = entities(entity, before)
    return conditional_share(
        before != after,
        units,
        flaw=flaw_of_flags(decisions_before=before, decisions_after=after) or units.flaw,
        metric="prediction_flip_share",
        confidence=confidence,
        subject=subject,
    )
