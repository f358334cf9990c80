"""Share: how many rows are so, with an interval that knows when rows belong together."""

from __future__ import annotations

import dataclasses
import math
from typing import TYPE_CHECKING

import numpy as np

from ml_platform.core.measurement import Fact, Measurement
from ml_platform.stats.columns import Flags, Floats, flaw_of_flags, numbers
from ml_platform.stats.confidence import t_value, z_value
from ml_platform.stats.entities import Entities, entities
from ml_platform.stats.influence import unit_sums
from ml_platform.stats.wilson import wilson

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

FEWEST = 1.0


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
    Sources: Korn and Graubard 1998, Survey Methodology 24 (effective sample sizes); Satterthwaite 1946, Biometrics
    Bull. 2 (how sure these are).

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

    Without entities that is n; a single entity is one row. Where few entities tell how dependent their rows are, the
    size is less, as Student's t says.
    """
    count = units.count()
    if count is None:
        return float(hits.size)
    value = float(hits.mean())
    size = unit_sums(np.full(hits.size, 1 / hits.size), units)
    sums = unit_sums((hits - value) / hits.size, units)[size > 0]
    size = size[size > 0]
    if count < 2 or not np.square(sums).sum() > 0:
        return float(count)
    without = sums / (1 - size)
    variance = float(np.square(without).sum()) * (count - 1) / count
    doubt = (z_value(confidence) / t_value(confidence, _freedom(sums, size, value))) ** 2
    return min(value * (1 - value) / variance * doubt, float(hits.size))


def _freedom(sums: Floats, size: Floats, value: float) -> float:
    """Return Satterthwaite's degrees of freedom of the design effect, from the entities' influence and size.

    Only what the entities don't tell is in doubt: where all rows of an entity are equal, and entities equally large,
    the design effect is the entities' size whatever the share is.
    """
    spread = float(np.square(sums).sum())
    of_share = (1 - 2 * value) / (value * (1 - value)) + 2 * float((sums * size).sum()) / spread
    change = of_share * sums - (np.square(sums) / spread - 1 / sums.size) + 2 * (size - 1 / sums.size)
    doubt = float(np.square(change).sum())
    return max(2 / doubt, FEWEST) if doubt > 0 else math.inf
