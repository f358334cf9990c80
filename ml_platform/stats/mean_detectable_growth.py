"""Detectable growth of a mean: what so many rows can show of a loss that grows at all."""

from __future__ import annotations

import math
from statistics import NormalDist

from ml_platform.core.measurement import Measurement
from ml_platform.stats.confidence import z_value


def mean_detectable_growth(
    n: int, variation: float, *, power: float = 0.8, confidence: float = 0.95, subject: str = ""
) -> Measurement:
    """Return the smallest growth of a positive mean, as a part of it, that n rows show with this power, two-sided.

    `variation` is the rows' standard deviation over their mean. The mean that it is compared with counts as known, and
    the spread stays what it is. Undefined without rows and for a variation that isn't a finite number of at least 0.
    ValueError when `power` or `confidence` isn't between 0 and 1. Fact: power. Source: Cohen 1988, Statistical Power
    Analysis for the Behavioral Sciences, chapter 2.

    >>> mean_detectable_growth(400, 1.0).text()
    'mean_detectable_growth = 0.1401 share (n = 400)'
    """
    if not 0 < power < 1:
        raise ValueError(f"power: is {power}; a share between 0 and 1 is needed, such as 0.8")
    z = z_value(confidence) + NormalDist().inv_cdf(power)
    known = math.isfinite(variation) and variation >= 0
    reason = "no rows" if n < 1 else "" if known else f"the variation is {variation}, no finite number of at least 0"
    return Measurement(
        metric="mean_detectable_growth",
        value=None if reason else z * variation / math.sqrt(n),
        n=n,
        unit="share",
        confidence=None if reason else confidence,
        subject=subject,
        reason=reason,
        facts={"power": power},
    )
