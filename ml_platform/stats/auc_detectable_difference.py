"""Detectable difference of ROC AUC: what a holdout of this size can show at all."""

from __future__ import annotations

import math
from statistics import NormalDist

from ml_platform.core.measurement import Measurement
from ml_platform.stats.confidence import z_value


def auc_detectable_difference(
    n_pos: int, n_neg: int, auc: float, *, power: float = 0.8, confidence: float = 0.95, subject: str = ""
) -> Measurement:
    """Return the smallest distance from an AUC that so many rows show with this power, two-sided at this confidence.

    The AUC it is compared with counts as known. The standard error is Hanley and McNeil's: exponential scores, no
    paired gain. Undefined without rows of both classes and for an AUC outside (0, 1). ValueError when `power` or
    `confidence` isn't between 0 and 1. Fact: standard_error. Source: Hanley and McNeil 1982, Radiology 143.

    >>> auc_detectable_difference(500, 2000, 0.75).text()
    'auc_detectable_difference = 0.03754 (n = 2,500)'
    """
    if not 0 < power < 1:
        raise ValueError(f"power: is {power}; a share between 0 and 1 is needed, such as 0.8")
    z = z_value(confidence) + NormalDist().inv_cdf(power)
    reason = "" if n_pos > 0 and n_neg > 0 else "no rows of both classes"
    reason = reason or ("" if 0 < auc < 1 else f"the AUC is {auc}, not between 0 and 1")
    error = None if reason else _hanley_mcneil(n_pos, n_neg, auc)
    return Measurement(
        metric="auc_detectable_difference",
        value=None if error is None else z * error,
        n=n_pos + n_neg,
        confidence=None if error is None else confidence,
        subject=subject,
        reason=reason,
        facts={"standard_error": error, "power": power},
    )


def _hanley_mcneil(n_pos: int, n_neg: int, auc: float) -> float:
    two_positives, two_negatives = auc / (2 - auc), 2 * auc**2 / (1 + auc)
    spread = auc * (1 - auc) + (n_pos - 1) * (two_positives - auc**2) + (n_neg - 1) * (two_negatives - auc**2)
    return math.sqrt(spread / (n_pos * n_neg))
