"""Paired share difference: which of two deciders is right more often about the same rows."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from ml_platform.core.measurement import Measurement
from ml_platform.stats.columns import flaw_of_flags, numbers, require_same_length
from ml_platform.stats.confidence import two_sided_p, z_value
from ml_platform.stats.entities import entities
from ml_platform.stats.mean_interval import mean_of

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from ml_platform.core.measurement import Fact

METRIC = "paired_share_difference"
ADDED = 1.0  # to either count of disagreements, as Bonett and Price do


def paired_share_difference(
    hits_a: ArrayLike,
    hits_b: ArrayLike,
    *,
    entity: ArrayLike | None = None,
    confidence: float = 0.95,
    subject: str = "",
) -> Measurement:
    """Return share of hits a - share of hits b on the same rows, with Bonett and Price's interval.

    Both hold 0/1, shape (n,). The p-value is McNemar's mid-p, two-sided. With `entity`, shape (n,), interval and
    p-value are those of a cluster-robust mean of the rows' differences. Undefined without rows and with values other
    than 0 and 1. ValueError when lengths differ. Facts: a_alone, b_alone (rows that only one hits), standard_error,
    p_value. Sources: Bonett and Price 2012, J. Educ. Behav. Stat. 37 (interval); McNemar 1947, Psychometrika 12;
    Fagerland et al. 2013, BMC Med. Res. Methodol. 13 (mid-p).

    >>> paired_share_difference([1, 1, 1, 0, 1], [1, 0, 0, 0, 1]).text()
    'paired_share_difference = 0.4 share [-0.2327, 0.8042] (n = 5)'
    """
    a, b = numbers(hits_a, "hits_a"), numbers(hits_b, "hits_b")
    require_same_length(hits_a=a, hits_b=b)
    units = entities(entity, a)
    flaw = flaw_of_flags(hits_a=a, hits_b=b) or units.flaw
    if flaw:
        return Measurement(metric=METRIC, value=None, n=a.size, unit="share", subject=subject, reason=flaw)
    only = {"a_alone": int((a > b).sum()), "b_alone": int((b > a).sum())}
    low: float | None
    high: float | None
    if units.codes is None:
        low, high, facts = _independent(only["a_alone"], only["b_alone"], a.size, confidence)
    else:
        mean = mean_of(a - b, units, metric=METRIC, confidence=confidence)
        error = mean.facts["standard_error"]
        p_value = two_sided_p(float((a - b).mean()) / error) if isinstance(error, float) and error > 0 else None
        low, high, facts = mean.low, mean.high, {"standard_error": error, "p_value": p_value}
    return Measurement(
        metric=METRIC,
        value=float((a - b).mean()),
        n=a.size,
        low=low,
        high=high,
        confidence=confidence,
        unit="share",
        subject=subject,
        facts={**only, **facts},
    )


def _independent(a_alone: int, b_alone: int, n: int, confidence: float) -> tuple[float, float, dict[str, Fact]]:
    one, two = (a_alone + ADDED) / (n + 2), (b_alone + ADDED) / (n + 2)
    error = math.sqrt(max(one + two - (one - two) ** 2, 0.0) / (n + 2))
    half = z_value(confidence) * error
    facts: dict[str, Fact] = {"standard_error": error, "p_value": _mid_p(a_alone, b_alone)}
    return max(one - two - half, -1.0), min(one - two + half, 1.0), facts


def _mid_p(a_alone: int, b_alone: int) -> float:
    """Return McNemar's two-sided mid-p; 1 where the two never disagree."""
    from scipy.special import bdtr

    fewer, both = min(a_alone, b_alone), a_alone + b_alone
    if fewer * 2 == both:
        return 1.0
    below = float(bdtr(fewer - 1, both, 0.5)) if fewer else 0.0
    return float(min(1.0, bdtr(fewer, both, 0.5) + below))
