"""Share: how many rows are so, with an interval that knows when rows belong together."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from ml_platform.core.measurement import Fact, Measurement
from ml_platform.stats.columns import Flags, Floats, flaw_of_flags, numbers
from ml_platform.stats.confidence import t_value, z_value
from ml_platform.stats.entities import Entities, entities
from ml_platform.stats.influence import influence_variance
from ml_platform.stats.wilson import wilson

if TYPE_CHECKING:
    from numpy.typing import ArrayLike


def share(
    hits: ArrayLike,
    *,
    entity: ArrayLike | None = None,
    metric: str = "share",
    confidence: float = 0.95,
    subject: str = "",
) -> Measurement:
    """Return the share of rows whose flag is 1, with a Wilson interval at the effective sample size.

    `hits` holds 0/1, shape (n,). With `entity`, shape (n,), rows of one entity count as dependent: the interval
    uses the sample size at which independent rows would be as uncertain (fact `effective_n`, never above n).
    Undefined without rows, with values other than 0 and 1, and with missing entities. ValueError when lengths differ.
    Source: Korn and Graubard 1998, Survey Methodology 24.

    >>> share([1, 1, 0, 1]).text()
    'share = 0.75 share [0.3006, 0.9544] (n = 4)'
    """
    values = numbers(hits, "hits")
    units = entities(entity, values)
    flaw = flaw_of_flags(hits=values) or units.flaw
    return conditional_share(values == 1, units, flaw=flaw, metric=metric, confidence=confidence, subject=subject)


def conditional_share(
    hits: Flags,
    units: Entities,
    *,
    among: Flags | None = None,
    flaw: str = "",
    nobody: str = "no rows",
    metric: str = "share",
    confidence: float = 0.95,
    subject: str = "",
) -> Measurement:
    """Return the share of hits among some of the rows, all by default; undefined with a flaw or without rows."""
    chosen = hits if among is None else hits[among]
    reason = flaw or ("" if chosen.size else nobody)
    if reason:
        n = hits.size if flaw else 0
        return Measurement(metric=metric, value=None, n=n, unit="share", subject=subject, reason=reason)
    value = float(chosen.mean())
    size = effective_size(chosen, units if among is None else units.of(among), confidence)
    found = wilson(value * size, size, metric=metric, confidence=confidence, subject=subject)
    facts: dict[str, Fact] = {"successes": int(chosen.sum()), "effective_n": size}
    return dataclasses.replace(found, value=value, n=chosen.size, facts=facts)


def effective_size(hits: Flags | Floats, units: Entities, confidence: float) -> float:
    """Return how many independent rows would be as uncertain about the mean of values in [0, 1], shape (n,).

    Without entities that is n; a single entity is one row; few entities count less, as Student's t says.
    """
    count = units.count()
    if count is None:
        return float(hits.size)
    value = float(hits.mean())
    variance = influence_variance((hits - value) / hits.size, units)
    if not variance:
        return float(count)
    few_entities = (z_value(confidence) / t_value(confidence, count - 1)) ** 2
    return min(value * (1 - value) / variance * few_entities, float(hits.size))
