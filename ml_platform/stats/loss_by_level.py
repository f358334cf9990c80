"""Loss by level: how much more rows of each level cost than all others, many levels in one pass."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from ml_platform.core.measurement import Measurement
from ml_platform.stats.columns import Codes, Floats, flaw_of_sizes, numbers, require_same_length
from ml_platform.stats.confidence import t_value

if TYPE_CHECKING:
    from numpy.typing import ArrayLike


def loss_by_level(
    losses: ArrayLike, codes: Codes, names: Sequence[str], *, confidence: float = 0.95
) -> tuple[Measurement, ...]:
    """Return per level mean loss inside / mean loss outside - 1, with the interval of the ratio's logarithm.

    `losses` holds finite losses, at least 0, shape (n,), `codes` the place of each row's level among `names`. Rows are
    independent. Undefined without two rows on each side or a loss on each, and with values that aren't finite.
    ValueError when lengths differ. Facts: loss, loss_elsewhere. Source: Cochran 1977, Sampling Techniques, ch. 6.

    >>> [one.text() for one in loss_by_level([1.0, 2.0, 1.0, 2.0], np.array([0, 0, 1, 1]), ["a", "b"])][0]
    'loss_by_level of a = 0 share [-0.9975, 398.3] (n = 2)'
    """
    column = numbers(losses, "losses")
    require_same_length(losses=column, codes=codes)
    flaw = flaw_of_sizes(losses=column)
    if flaw:
        return tuple(
            Measurement(metric="loss_by_level", subject=one, value=None, n=column.size, reason=flaw) for one in names
        )
    size, total, square = (
        np.bincount(codes, weights=rows, minlength=len(names))
        for rows in (np.ones(column.size), column, np.square(column))
    )
    inside = np.stack([size, total, square])
    outside = inside.sum(axis=1, keepdims=True) - inside
    pairs = zip(names, inside.T, outside.T, strict=True)
    return tuple(_compare(name, here, elsewhere, confidence) for name, here, elsewhere in pairs)


def _compare(name: str, here: Floats, elsewhere: Floats, confidence: float) -> Measurement:
    sides = [_mean(one) for one in (here, elsewhere)]
    n = int(here[0])
    (mean, error), (mean_elsewhere, error_elsewhere) = sides
    if min(here[0], elsewhere[0]) < 2 or not min(mean, mean_elsewhere) > 0:
        reason = "two rows and a loss are needed on each side"
        return Measurement(metric="loss_by_level", subject=name, value=None, n=n, unit="share", reason=reason)
    ratio = mean / mean_elsewhere
    spread = math.hypot(error / mean, error_elsewhere / mean_elsewhere)
    half = t_value(confidence, int(min(here[0], elsewhere[0])) - 1) * spread
    return Measurement(
        metric="loss_by_level",
        subject=name,
        value=ratio - 1,
        n=n,
        low=ratio * math.exp(-half) - 1,
        high=ratio * math.exp(half) - 1,
        confidence=confidence,
        unit="share",
        facts={"loss": mean, "loss_elsewhere": mean_elsewhere},
    )


def _mean(sums: Floats) -> tuple[float, float]:
    """Return the mean and its standard error from a count, a sum and a sum of squares."""
    n, total, square = (float(one) for one in sums)
    if n < 2:
        return 0.0, 0.0
    mean = total / n
    return mean, math.sqrt(max(square - n * mean * mean, 0.0) / (n - 1) / n)
