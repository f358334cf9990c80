"""Average precision: how pure the rows are that a score puts first."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from ml_platform.core.measurement import Measurement
from ml_platform.stats.influence import influence_variance
from ml_platform.stats.logit_interval import logit_interval
from ml_platform.stats.satterthwaite import freedom_of
from ml_platform.stats.scored import scored

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from ml_platform.stats.columns import Flags, Floats


def average_precision(
    y_true: ArrayLike,
    y_score: ArrayLike,
    *,
    entity: ArrayLike | None = None,
    confidence: float = 0.95,
    subject: str = "",
) -> Measurement:
    """Return the mean, over positive rows, of the precision among rows scored at least as high.

    `y_true` holds 0/1, `y_score` finite numbers (any scale), both of shape (n,). The interval is computed on the logit
    scale from the infinitesimal jackknife, with `entity` by entities and Student's; a perfect ranking has a value but
    no interval. Undefined without rows, with one class and with values that aren't finite. ValueError when lengths
    differ. Facts: positives, standard_error. Sources: Boyd et al. 2013, ECML PKDD (logit scale); Efron 1982, The
    Jackknife, the Bootstrap and Other Resampling Plans, ch. 6.

    >>> average_precision([0, 0, 1, 1, 0, 1], [0.1, 0.4, 0.35, 0.8, 0.2, 0.9]).text()
    'average_precision = 0.9167 [0.4037, 0.9944] (n = 6)'
    """
    rows = scored(y_true, y_score, entity)
    reason = rows.flaw or rows.one_class
    if reason:
        return Measurement(metric="average_precision", value=None, n=rows.n, subject=subject, reason=reason)
    value, influence = _precision_and_influence(rows.positive, rows.score)
    variance = influence_variance(influence, rows.units)
    error = None if variance is None else math.sqrt(variance)
    low, high = logit_interval(value, error, freedom=freedom_of(influence, rows.units), confidence=confidence)
    return Measurement(
        metric="average_precision",
        value=value,
        n=rows.n,
        low=low,
        high=high,
        confidence=confidence,
        subject=subject,
        facts={"positives": rows.positives, "standard_error": error},
    )


def _precision_and_influence(positive: Flags, score: Floats) -> tuple[float, Floats]:
    """Return the average precision and its derivative by the weight of each row, in O(n log n).

    A row counts at every threshold that it reaches: it adds to the precision of all positive rows scored at most as
    high, a positive row to the hits, a negative one to the false alarms.
    """
    levels, place = np.unique(-score, return_inverse=True)
    positives_at = np.bincount(place, weights=positive, minlength=levels.size)
    hits = np.cumsum(positives_at)
    reached = np.cumsum(np.bincount(place, minlength=levels.size))
    precision = hits / reached
    total = hits[-1]
    value = float((positives_at * precision).sum() / total)
    gain = _from_here_on(positives_at * (reached - hits) / reached**2)
    loss = _from_here_on(positives_at * hits / reached**2)
    influence = np.where(positive, precision[place] - value + gain[place], -loss[place]) / total
    return value, influence


def _from_here_on(values: Floats) -> Floats:
    sums: Floats = np.cumsum(values[::-1])[::-1]
    return sums
