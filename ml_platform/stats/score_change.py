"""Score change: how far scores move when the input, or the model, changes a little."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ml_platform.core.measurement import Measurement
from ml_platform.stats.compared import compared
from ml_platform.stats.mean_interval import mean_of

if TYPE_CHECKING:
    from numpy.typing import ArrayLike


def score_change(
    scores_before: ArrayLike,
    scores_after: ArrayLike,
    *,
    entity: ArrayLike | None = None,
    confidence: float = 0.95,
    subject: str = "",
) -> Measurement:
    """Return the mean of |score after - score before|, with the interval of a mean, cut off at 0.

    Both hold finite numbers, shape (n,). With `entity` the interval is cluster-robust. Undefined without rows and with
    values that aren't finite. ValueError when lengths differ. Source: Milani Fard et al. 2016, Launch and Iterate,
    NeurIPS 29 (churn, here of scores).

    >>> score_change([0.1, 0.5, 0.9], [0.1, 0.6, 0.7]).text()
    'score_change = 0.1 [0, 0.3484] (n = 3)'
    """
    rows = compared(scores_before, scores_after, entity, names=("scores_before", "scores_after"))
    if rows.flaw:
        return Measurement(metric="score_change", value=None, n=rows.true.size, subject=subject, reason=rows.flaw)
    moved = np.abs(rows.other - rows.true)
    return mean_of(moved, rows.units, metric="score_change", least=0.0, confidence=confidence, subject=subject)
