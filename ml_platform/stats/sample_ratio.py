"""Sample ratio: whether the arms of a comparison get the shares of the requests that they should, at any look."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from ml_platform.core.measurement import Measurement
from ml_platform.stats.columns import Floats, flaw_of_numbers, numbers, require_same_length
from ml_platform.stats.confidence import z_value

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

METRIC = "sample_ratio"
ROWS = 100.0  # how many rows' worth the alternative is drawn to the stated shares


def sample_ratio(
    counts: ArrayLike, shares: ArrayLike, *, confidence: float = 0.95, metric: str = METRIC, subject: str = ""
) -> Measurement:
    """Return the largest distance of an arm's share of the rows from its stated share, for any number of arms.

    `counts` are whole numbers and `shares` chances above 0 that add up to 1, shape (k,). The evidence is the Bayes
    factor of shares drawn from a Dirichlet distribution around the stated ones: it holds at all looks together, as do
    the bounds (those of the arm that is furthest off). Facts: evidence (logarithm), p_value, arm (its place), share,
    expected. Undefined without rows, and with counts or shares that aren't any. ValueError when lengths differ.
    Source: Lindon and Malek 2022, NeurIPS 35 (anytime-valid inference for multinomial count data).

    >>> found = sample_ratio([980, 20], [0.9, 0.1])
    >>> round(found.value, 3), found.facts["p_value"] < 1e-9
    (0.08, True)
    """
    z_value(confidence)
    seen, stated = numbers(counts, "counts"), numbers(shares, "shares")
    require_same_length(counts=seen, shares=stated)
    flaw = flaw_of_numbers(counts=seen, shares=stated) or _flaw(seen, stated)
    rows = 0 if flaw else int(seen.sum())
    if flaw or not rows:
        reason = flaw or "no rows"
        return Measurement(metric=metric, value=None, n=rows, unit="share", subject=subject, reason=reason)
    apart = seen / rows - stated
    arm = int(np.abs(apart).argmax())
    evidence = _log_factor(seen, stated)
    low, high = _bounds(seen, stated, arm, confidence)
    ends = sorted((low - stated[arm], high - stated[arm]), key=abs)
    return Measurement(
        metric=metric,
        value=float(abs(apart[arm])),
        n=rows,
        low=0.0 if low <= stated[arm] <= high else float(abs(ends[0])),
        high=float(abs(ends[1])),
        confidence=confidence,
        unit="share",
        subject=subject,
        facts={
            "evidence": evidence,
            "p_value": math.exp(min(0.0, -evidence)),
            "arm": arm,
            "share": float(seen[arm] / rows),
            "expected": float(stated[arm]),
        },
    )


def _flaw(counts: Floats, shares: Floats) -> str:
    if (counts < 0).any() or (counts != np.floor(counts)).any():
        return "counts that aren't whole numbers from 0"
    whole = (shares > 0).all() and math.isclose(float(shares.sum()), 1.0, abs_tol=1e-9)
    return "" if whole else "shares that aren't above 0 or don't add up to 1"


def _log_factor(counts: Floats, shares: Floats) -> float:
    """Return the logarithm of the chance of the rows under the drawn shares over that under the stated ones."""
    from scipy.special import gammaln

    drawn = ROWS * shares
    mixed = gammaln(drawn + counts).sum() - gammaln(drawn).sum() + math.lgamma(ROWS) - math.lgamma(ROWS + counts.sum())
    return float(mixed - (counts * np.log(shares)).sum())


def _bounds(counts: Floats, shares: Floats, arm: int, confidence: float) -> tuple[float, float]:
    """Return the shares of one arm against all others that aren't refuted; the mixture stays as it was drawn."""
    from scipy.optimize import brentq
    from scipy.special import betaln

    hits, rest = float(counts[arm]), float(counts.sum() - counts[arm])
    a, b = ROWS * float(shares[arm]), ROWS * float(1 - shares[arm])
    mixed = float(betaln(a + hits, b + rest) - betaln(a, b))

    def refuted(share: float) -> float:
        return mixed - hits * math.log(share) - rest * math.log1p(-share) + math.log1p(-confidence)

    tiny, best = 1e-12, min(max(hits / (hits + rest), 1e-9), 1 - 1e-9)
    low = float(brentq(refuted, tiny, best)) if refuted(tiny) > 0 else 0.0
    high = float(brentq(refuted, best, 1 - tiny)) if refuted(1 - tiny) > 0 else 1.0
    return low, high
