"""Wilson: the interval of a share."""

from __future__ import annotations

import math

from ml_platform.core.measurement import Measurement
from ml_platform.stats.confidence import z_value


def wilson(
    successes: float, n: float, *, metric: str = "share", confidence: float = 0.95, subject: str = ""
) -> Measurement:
    """Return the share successes / n with its score interval, which stays honest at 0, at n and for small n.

    Both may be fractional (effective sample sizes). Undefined when n is 0 or the counts contradict each other.
    Source: Wilson 1927, J. Am. Stat. Assoc. 22.

    >>> wilson(0, 10).text()
    'share = 0 share [0, 0.2775] (n = 10)'
    """
    z2 = z_value(confidence) ** 2
    rows = int(n) if math.isfinite(n) else 0
    if not n > 0 or not 0 <= successes <= n or not math.isfinite(n):
        reason = "no rows" if n == 0 and successes == 0 else f"{successes} successes of {n} rows is no share"
        return Measurement(metric=metric, value=None, n=max(rows, 0), unit="share", subject=subject, reason=reason)
    share = successes / n
    centre = (share + z2 / (2 * n)) / (1 + z2 / n)
    half = math.sqrt(z2 * (share * (1 - share) / n + z2 / (4 * n * n))) / (1 + z2 / n)
    return Measurement(
        metric=metric,
        value=share,
        n=rows,
        low=0.0 if successes == 0 else centre - half,
        high=1.0 if successes == n else centre + half,
        confidence=confidence,
        unit="share",
        subject=subject,
    )
