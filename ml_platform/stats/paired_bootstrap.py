"""Paired bootstrap: how far apart a statistic of two predictions of the same rows is, for any statistic."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from ml_platform.core.measurement import Measurement
from ml_platform.stats.columns import Floats, numbers, require_same_length
from ml_platform.stats.confidence import z_value
from ml_platform.stats.entities import entities
from ml_platform.stats.resampling import resampling

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

METRIC = "paired_bootstrap"
Statistic = Callable[[Floats, "NDArray[np.generic]"], float | None]


def paired_bootstrap(
    statistic: Statistic,
    y_true: ArrayLike,
    a: NDArray[np.generic],
    b: NDArray[np.generic],
    *,
    seed: int,
    repetitions: int = 1000,
    entity: ArrayLike | None = None,
    confidence: float = 0.95,
    metric: str = METRIC,
    subject: str = "",
) -> Measurement:
    """Return statistic(y_true, a) - statistic(y_true, b), with a percentile interval over rows drawn again together.

    `y_true` holds numbers, shape (n,); `a` and `b` have n rows each, of any further shape. With `entity` whole entities
    are drawn. The two-sided p-value is twice the smaller share of draws on one side of 0, a draw at 0 on both. One draw
    on which the statistic is undefined leaves the value without interval and p-value. Undefined where the statistic is,
    without rows, and with missing entities. ValueError when lengths differ. Facts: a, b, standard_error, p_value,
    repetitions, undefined_draws. Source: Efron and Tibshirani 1993, An Introduction to the Bootstrap, ch. 13 and 15;
    Davison and Hinkley 1997, Bootstrap Methods, section 3.8 (entities).

    >>> y = np.arange(40.0)
    >>> error = lambda y, prediction: float(np.abs(y - prediction).mean())
    >>> paired_bootstrap(error, y, y + 1, y - 3, seed=1).text()
    'paired_bootstrap = -2 [-2, -2] (n = 40)'
    """
    z_value(confidence)
    truth = numbers(y_true, "y_true")
    require_same_length(y_true=truth, a=np.empty(len(a)), b=np.empty(len(b)))
    units = entities(entity, truth)
    of_a, of_b = (_value(statistic, truth, one) if truth.size and not units.flaw else math.nan for one in (a, b))
    if not math.isfinite(of_a - of_b):
        reason = units.flaw or ("the statistic is undefined" if truth.size else "no rows")
        return Measurement(metric=metric, value=None, n=truth.size, subject=subject, reason=reason)
    plan = resampling(units, np.zeros(truth.size, dtype=np.intp))
    draws = plan.draws(np.random.default_rng(seed), repetitions)
    drawn = np.array([_value(statistic, truth[r], a[r]) - _value(statistic, truth[r], b[r]) for r in draws])
    undefined = int((~np.isfinite(drawn)).sum())
    known = plan.units > 1 and not undefined
    low, high = np.quantile(drawn, [(1 - confidence) / 2, (1 + confidence) / 2]) if known else (None, None)
    return Measurement(
        metric=metric,
        value=of_a - of_b,
        n=truth.size,
        low=low,
        high=high,
        confidence=confidence,
        subject=subject,
        facts={
            "a": of_a,
            "b": of_b,
            "standard_error": float(drawn.std(ddof=1)) if known else None,
            "p_value": _two_sided(drawn) if known else None,
            "repetitions": repetitions,
            "undefined_draws": undefined,
        },
    )


def _value(statistic: Statistic, truth: Floats, predicted: NDArray[np.generic]) -> float:
    found = statistic(truth, predicted)
    return math.nan if found is None else float(found)


def _two_sided(drawn: Floats) -> float:
    """Return the p-value of no difference; one draw more than there were counts, so that it is never 0."""
    least = min(int((drawn <= 0).sum()), int((drawn >= 0).sum()))
    return min(1.0, 2 * (least + 1) / (drawn.size + 1))
