"""ROC AUC: the chance that a positive row is scored above a negative one."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from ml_platform.core.measurement import Measurement
from ml_platform.stats.delong import delong, delong_variance
from ml_platform.stats.logit_interval import logit_interval
from ml_platform.stats.satterthwaite import freedom_of
from ml_platform.stats.scored import Scored, scored
from ml_platform.stats.wilson import wilson

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from ml_platform.stats.square_and_add import Bounds


def roc_auc(
    y_true: ArrayLike,
    y_score: ArrayLike,
    *,
    entity: ArrayLike | None = None,
    confidence: float = 0.95,
    subject: str = "",
) -> Measurement:
    """Return the area under the ROC curve with DeLong's interval on the logit scale.

    `y_true` holds 0/1, `y_score` finite numbers (any scale), both of shape (n,). With `entity`, shape (n,), rows of
    one entity count as dependent. Where the classes are separated without a miss DeLong's variance is 0; the interval
    is then Wilson's for the rarer class. Undefined without rows, with one class, with a constant score and with values
    that aren't finite. ValueError when lengths differ. Facts: positives, negatives, standard_error.
    Sources: DeLong et al. 1988, Biometrics 44; Sun and Xu 2014, IEEE Signal Process. Lett. 21; Obuchowski 1997,
    Biometrics 53 (entities).

    >>> roc_auc([0, 0, 1, 1, 0, 1], [0.1, 0.4, 0.35, 0.8, 0.2, 0.9]).text()
    'roc_auc = 0.8889 [0.2614, 0.9945] (n = 6)'
    """
    rows = scored(y_true, y_score, entity)
    return roc_auc_of(rows, confidence=confidence, subject=subject)


def roc_auc_of(rows: Scored, *, metric: str = "roc_auc", confidence: float = 0.95, subject: str = "") -> Measurement:
    """Return the same for rows that were already checked."""
    reason = rows.flaw or rows.one_class or _constant(rows)
    if reason:
        return Measurement(metric=metric, value=None, n=rows.n, subject=subject, reason=reason)
    auc, influence = delong(rows.positive, rows.score)
    variance = delong_variance(influence, rows.positive, rows.units)
    error = None if variance is None else math.sqrt(variance)
    low, high = _bounds(rows, auc, error, freedom_of(influence, rows.units), confidence)
    return Measurement(
        metric=metric,
        value=auc,
        n=rows.n,
        low=low,
        high=high,
        confidence=confidence,
        subject=subject,
        facts={"positives": rows.positives, "negatives": rows.n - rows.positives, "standard_error": error},
    )


def _constant(rows: Scored) -> str:
    return "the score is constant: it ranks nothing" if rows.score.min() == rows.score.max() else ""


def _bounds(rows: Scored, auc: float, error: float | None, freedom: float, confidence: float) -> Bounds:
    if 0 < auc < 1:
        return logit_interval(auc, error, freedom=freedom, confidence=confidence)
    rarer = min(rows.positives, rows.n - rows.positives, rows.units.count() or rows.n)
    separated = wilson(auc * rarer, rarer, confidence=confidence)
    return separated.low, separated.high
