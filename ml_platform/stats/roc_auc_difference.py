"""Difference of ROC AUC: which of two scores ranks the same rows better."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from ml_platform.core.measurement import Measurement
from ml_platform.stats.confidence import two_sided_p, z_value
from ml_platform.stats.delong import delong, delong_variance
from ml_platform.stats.scored import scored

if TYPE_CHECKING:
    from numpy.typing import ArrayLike


def roc_auc_difference(
    y_true: ArrayLike,
    score_a: ArrayLike,
    score_b: ArrayLike,
    *,
    entity: ArrayLike | None = None,
    confidence: float = 0.95,
    subject: str = "",
) -> Measurement:
    """Return AUC of a - AUC of b on the same rows, with DeLong's paired normal interval.

    `y_true` holds 0/1, the scores finite numbers, all of shape (n,). With `entity` rows of one entity count as
    dependent. Undefined without rows, with one class and with values that aren't finite. ValueError when lengths
    differ. Facts: auc_a, auc_b, standard_error, p_value (two-sided; None where the two rank every row alike).
    Source: DeLong et al. 1988, Biometrics 44.

    >>> roc_auc_difference([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8], [0.4, 0.3, 0.2, 0.1]).text()
    'roc_auc_difference = 0.75 [0.05705, 1.443] (n = 4)'
    """
    rows, others = scored(y_true, score_a, entity), scored(y_true, score_b, entity)
    reason = rows.flaw or others.flaw or rows.one_class
    if reason:
        return Measurement(metric="roc_auc_difference", value=None, n=rows.n, subject=subject, reason=reason)
    auc_a, influence_a = delong(rows.positive, rows.score)
    auc_b, influence_b = delong(rows.positive, others.score)
    variance = delong_variance(influence_a - influence_b, rows.positive, rows.units)
    error = None if variance is None else math.sqrt(variance)
    difference = auc_a - auc_b
    half = None if error is None else z_value(confidence) * error
    return Measurement(
        metric="roc_auc_difference",
        value=difference,
        n=rows.n,
        low=None if half is None else difference - half,
        high=None if half is None else difference + half,
        confidence=confidence,
        subject=subject,
        facts={
            "auc_a": auc_a,
            "auc_b": auc_b,
            "standard_error": error,
            "p_value": two_sided_p(difference / error) if error else None,
        },
    )
