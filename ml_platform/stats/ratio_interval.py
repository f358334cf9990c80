"""Ratio interval: one share as a multiple of another."""

from __future__ import annotations

import math

from ml_platform.core.measurement import Measurement
from ml_platform.stats.confidence import z_value
from ml_platform.stats.wilson import wilson


def ratio_interval(
    successes_a: float,
    n_a: float,
    successes_b: float,
    n_b: float,
    *,
    metric: str = "share_ratio",
    confidence: float = 0.95,
    subject: str = "",
) -> Measurement:
    """Return share a / share b of two independent samples with Katz's log interval.

    When a has no success (the ratio is then 0), or either has nothing else, the bounds come from counts with half a
    success and half a failure added to each sample: one lucky row is no certainty. Undefined when b has no success and
    when either share is undefined. `n` is the smaller sample. Sources: Katz et al. 1978, Biometrics 34; Gart and Nam
    1988, Biometrics 44 (the halves).

    >>> ratio_interval(30, 100, 60, 120).text()
    'share_ratio = 0.6 [0.4233, 0.8504] (n = 100)'
    """
    a, b = wilson(successes_a, n_a, confidence=confidence), wilson(successes_b, n_b, confidence=confidence)
    reason = a.reason or b.reason or ("" if b.value else "the share it is compared with is 0")
    value, low, high = None, None, None
    if a.value is not None and b.value and not reason:
        value = a.value / b.value
        low, high = _bounds(successes_a, n_a, successes_b, n_b, z_value(confidence))
    return Measurement(
        metric=metric,
        value=value,
        n=min(a.n, b.n),
        low=low,
        high=high,
        confidence=confidence,
        subject=subject,
        reason=reason,
    )


def _bounds(hits_a: float, n_a: float, hits_b: float, n_b: float, z: float) -> tuple[float, float]:
    none = hits_a == 0
    if none or hits_a == n_a or hits_b == n_b:
        hits_a, n_a, hits_b, n_b = hits_a + 0.5, n_a + 1, hits_b + 0.5, n_b + 1
    ratio = hits_a / n_a * n_b / hits_b
    factor = math.exp(z * math.sqrt(1 / hits_a - 1 / n_a + 1 / hits_b - 1 / n_b))
    return 0.0 if none else ratio / factor, ratio * factor
