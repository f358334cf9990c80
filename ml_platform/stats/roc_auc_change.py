"""Change of ROC AUC: how much worse a model in use has become than it was at its release."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ml_platform.core.measurement import Measurement
from ml_platform.stats.logit_interval import logit_interval
from ml_platform.stats.roc_auc import roc_auc
from ml_platform.stats.square_and_add import bounds_of_difference

if TYPE_CHECKING:
    from numpy.typing import ArrayLike


def roc_auc_change(
    live_y: ArrayLike,
    live_score: ArrayLike,
    *,
    reference_auc: float,
    reference_se: float | None,
    entity: ArrayLike | None = None,
    confidence: float = 0.95,
    subject: str = "",
) -> Measurement:
    """Return the live ROC AUC - the reference AUC (below 0: worse), with an interval from both standard errors.

    `live_y` holds 0/1, `live_score` finite numbers, shape (n,); the reference is known by its AUC and standard error
    (fact `standard_error` of `roc_auc`). Undefined when the live AUC is, and when the reference isn't in 0..1; without
    a standard error there is no interval. ValueError when lengths differ. Facts: live, reference. Sources: DeLong et
    al. 1988, Biometrics 44; Zou and Donner 2008, Stat. Med. 27.

    >>> roc_auc_change([0, 1, 0, 1], [0.1, 0.4, 0.5, 0.8], reference_auc=0.8, reference_se=0.01).text()
    'roc_auc_change = -0.05 [-0.7309, 0.1926] (n = 4)'
    """
    live = roc_auc(live_y, live_score, entity=entity, confidence=confidence)
    low, high = logit_interval(reference_auc, reference_se, confidence=confidence)
    reference = Measurement(metric="roc_auc", value=reference_auc, n=0, low=low, high=high, confidence=confidence)
    reason = live.reason or ("" if 0 <= reference_auc <= 1 else f"the reference AUC is {reference_auc}, not in 0..1")
    value = None if reason or live.value is None else live.value - reference_auc
    low, high = bounds_of_difference(live, reference)
    return Measurement(
        metric="roc_auc_change",
        value=value,
        n=live.n,
        low=low,
        high=high,
        confidence=confidence,
        subject=subject,
        reason=reason,
        facts={"live": live.value, "reference": reference.value},
    )
