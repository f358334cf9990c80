"""Bootstrap: an interval for a statistic that has no formula."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from statistics import NormalDist
from typing import TYPE_CHECKING

import numpy as np

from ml_platform.core.measurement import Measurement
from ml_platform.stats.columns import Codes, Floats, column, require_same_length
from ml_platform.stats.confidence import z_value
from ml_platform.stats.entities import entities
from ml_platform.stats.levels import levels
from ml_platform.stats.resampling import resampling

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

Statistic = Callable[..., float | None]
JACKKNIFE_GROUPS = 200


def bootstrap(
    statistic: Statistic,
    *arrays: ArrayLike,
    seed: int,
    repetitions: int = 1000,
    entity: ArrayLike | None = None,
    strata: ArrayLike | None = None,
    bias_corrected: bool = False,
    metric: str = "bootstrap",
    confidence: float = 0.95,
    subject: str = "",
) -> Measurement:
    """Return statistic(*arrays) with a percentile interval over tables drawn again with replacement.

    The arrays are columns of one table, shape (n,). With `entity` whole entities are drawn; with `strata` every
    stratum (for instance a class) keeps its number of rows, or of entities by the stratum of their first row. With
    `bias_corrected` the quantiles are BCa's (acceleration from a jackknife over at most 200 groups). One draw on which
    the statistic is undefined leaves the value without an interval (fact `undefined_draws`). Undefined where the
    statistic is, without rows, and with missing entities. ValueError when lengths differ. Sources: Efron and
    Tibshirani 1993, An Introduction to the Bootstrap, ch. 13-14; Davison and Hinkley 1997, Bootstrap Methods,
    section 3.8 (entities).

    >>> bootstrap(lambda x: float(np.median(x)), np.arange(101.0), seed=1, metric="median").text()
    'median = 50 [40, 60.02] (n = 101)'
    """
    columns = [column(values, "arrays") for values in arrays]
    n = columns[0].size
    layers = levels(np.zeros(n) if strata is None else strata, "strata").codes
    require_same_length(strata=layers, **{f"arrays[{place}]": values for place, values in enumerate(columns)})
    units = entities(entity, layers)
    value = _value(statistic, columns) if n and not units.flaw else math.nan
    if not math.isfinite(value):
        reason = units.flaw or ("the statistic is undefined" if n else "no rows")
        return Measurement(metric=metric, value=None, n=n, subject=subject, reason=reason)
    plan = resampling(units, layers)
    drawn = _values(statistic, columns, plan.draws(np.random.default_rng(seed), repetitions))
    undefined = int((~np.isfinite(drawn)).sum())
    tails = _tails(confidence)
    if bias_corrected and not undefined:
        tails = _corrected(tails, drawn, value, _values(statistic, columns, plan.leave_outs(JACKKNIFE_GROUPS)))
    known = plan.units > 1 and not undefined
    low, high = (float(np.quantile(drawn, tail)) if known else None for tail in tails)
    return Measurement(
        metric=metric,
        value=value,
        n=n,
        low=low,
        high=high,
        confidence=confidence,
        subject=subject,
        facts={"repetitions": repetitions, "undefined_draws": undefined},
    )


def _value(statistic: Statistic, columns: Sequence[NDArray[np.generic]]) -> float:
    found = statistic(*columns)
    return math.nan if found is None else float(found)


def _values(statistic: Statistic, columns: Sequence[NDArray[np.generic]], tables: Iterable[Codes]) -> Floats:
    return np.array([_value(statistic, [values[rows] for values in columns]) for rows in tables])


def _tails(confidence: float) -> tuple[float, float]:
    z_value(confidence)
    return (1 - confidence) / 2, (1 + confidence) / 2


def _corrected(tails: tuple[float, float], drawn: Floats, value: float, left_out: Floats) -> tuple[float, float]:
    """Return BCa's quantiles: moved by the draws' bias in median and by the skew of the jackknife."""
    normal = NormalDist()
    below = float((drawn < value).mean() + (drawn == value).mean() / 2)
    shift = normal.inv_cdf(min(max(below, 1 / drawn.size), 1 - 1 / drawn.size))
    apart = left_out.mean() - left_out
    squares = float((apart**2).sum())
    skew = float((apart**3).sum()) / (6 * squares**1.5) if squares > 0 else 0.0
    low, high = (shift + normal.inv_cdf(tail) for tail in tails)
    return normal.cdf(shift + low / (1 - skew * low)), normal.cdf(shift + high / (1 - skew * high))
