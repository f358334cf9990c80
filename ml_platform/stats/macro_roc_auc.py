"""Macro ROC AUC: the chance that a row of a class is scored above one of another, averaged over the classes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ml_platform.core.measurement import Measurement
from ml_platform.stats.bounded_interval import bounded_interval
from ml_platform.stats.classes import ClassScores, class_scores
from ml_platform.stats.delong import delong
from ml_platform.stats.influence import influence_variance
from ml_platform.stats.satterthwaite import freedom_of

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

METRIC = "macro_roc_auc"


def macro_roc_auc(
    y_true: ArrayLike,
    y_score: ArrayLike,
    *,
    entity: ArrayLike | None = None,
    confidence: float = 0.95,
    subject: str = "",
) -> Measurement:
    """Return the mean over classes of the ROC AUC of the class's probability against all others (one versus rest).

    `y_true` holds class numbers from 0, shape (n,), `y_score` probabilities, shape (n, classes). The interval is
    Wilson's at the effective size that DeLong's influence of the rows gives, with `entity` by entities. Undefined
    without rows, when a class never or always came true, and with scores that are no probabilities. ValueError for
    other shapes. Facts: worst_class, worst. Sources: Hand and Till 2001, Mach. Learn. 45; DeLong et al. 1988,
    Biometrics 44.

    >>> score = [[0.7, 0.2, 0.1], [0.1, 0.8, 0.1], [0.2, 0.2, 0.6], [0.3, 0.3, 0.4]]
    >>> macro_roc_auc([0, 1, 2, 0], score).value
    1.0
    """
    rows = class_scores(y_true, y_score, entity)
    reason = rows.flaw or _lacking(rows)
    if reason:
        return Measurement(metric=METRIC, value=None, n=rows.n, subject=subject, reason=reason)
    found = [delong(rows.of(code), rows.score[:, code]) for code in range(rows.score.shape[1])]
    areas = [area for area, _ in found]
    value = float(np.mean(areas))
    influence = np.mean([each for _, each in found], axis=0)
    variance, freedom = influence_variance(influence, rows.units), freedom_of(influence, rows.units)
    fewest = min(int(np.bincount(rows.true).min()), rows.units.count() or rows.n)
    low, high = bounded_interval(value, variance, fewest=fewest, freedom=freedom, confidence=confidence)
    return Measurement(
        metric=METRIC,
        value=value,
        n=rows.n,
        low=low,
        high=high,
        confidence=confidence,
        subject=subject,
        facts={"worst_class": int(np.argmin(areas)), "worst": min(areas)},
    )


def _lacking(rows: ClassScores) -> str:
    for code in range(rows.score.shape[1]):
        count = int(rows.of(code).sum())
        if count in {0, rows.n}:
            return f"class {code} came true in {count} of {rows.n} rows"
    return ""
