"""Difference interval: how far apart two independent shares are."""

from __future__ import annotations

from ml_platform.core.measurement import Measurement
from ml_platform.stats.square_and_add import bounds_of_difference
from ml_platform.stats.wilson import wilson


def difference_interval(
    successes_a: float,
    n_a: float,
    successes_b: float,
    n_b: float,
    *,
    metric: str = "share_difference",
    confidence: float = 0.95,
    subject: str = "",
) -> Measurement:
    """Return share a - share b of two independent samples with Newcombe's hybrid score interval.

    `n` is the smaller sample. Undefined when either share is. Source: Newcombe 1998, Stat. Med. 17, method 10.

    >>> difference_interval(56, 70, 48, 80).text()
    'share_difference = 0.2 share [0.05243, 0.3339] (n = 70)'
    """
    a, b = wilson(successes_a, n_a, confidence=confidence), wilson(successes_b, n_b, confidence=confidence)
    low, high = bounds_of_difference(a, b)
    return Measurement(
        metric=metric,
        value=None if a.value is None or b.value is None else a.value - b.value,
        n=min(a.n, b.n),
        low=low,
        high=high,
        confidence=confidence,
        unit="share",
        subject=subject,
        reason=a.reason or b.reason,
    )
