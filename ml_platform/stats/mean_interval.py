"""Mean interval: the mean of a column, with an interval that knows when rows belong together."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from ml_platform.core.measurement import Measurement
from ml_platform.stats.columns import Floats, flaw_of_sizes, numbers
from ml_platform.stats.confidence import t_value
from ml_platform.stats.entities import Entities, entities
from ml_platform.stats.influence import influence_variance

if TYPE_CHECKING:
    from numpy.typing import ArrayLike


def mean_interval(
    values: ArrayLike,
    *,
    entity: ArrayLike | None = None,
    metric: str = "mean",
    unit: str = "",
    confidence: float = 0.95,
    subject: str = "",
) -> Measurement:
    """Return the mean of finite values, shape (n,), with Student's interval.

    With `entity`, shape (n,), the variance is cluster-robust and the degrees of freedom are entities - 1. One row or
    one entity has a mean but no interval. Undefined without rows and with values that aren't finite. ValueError when
    lengths differ. Fact: standard_error. Source: Liang and Zeger 1986, Biometrika 73 (entities).

    >>> mean_interval([1.0, 2.0, 3.0]).text()
    'mean = 2 [-0.4841, 4.484] (n = 3)'
    """
    column = numbers(values, "values")
    units = entities(entity, column)
    reason = flaw_of_sizes(values=column) or units.flaw
    if reason:
        return Measurement(metric=metric, value=None, n=column.size, unit=unit, subject=subject, reason=reason)
    return mean_of(column, units, metric=metric, unit=unit, confidence=confidence, subject=subject)


def mean_of(
    values: Floats,
    units: Entities,
    *,
    metric: str,
    unit: str = "",
    least: float = -math.inf,
    confidence: float = 0.95,
    subject: str = "",
) -> Measurement:
    """Return the same for at least one value, already checked; `least` is the least mean that is possible."""
    mean = float(values.mean())
    variance = influence_variance((values - mean) / values.size, units)
    error = None if variance is None else math.sqrt(variance)
    half = None if error is None else t_value(confidence, (units.count() or values.size) - 1) * error
    return Measurement(
        metric=metric,
        value=mean,
        n=values.size,
        low=None if half is None else max(mean - half, least),
        high=None if half is None else mean + half,
        confidence=confidence,
        unit=unit,
        subject=subject,
        facts={"standard_error": error},
    )
