"""Group differences: how far apart the groups' shares are among the rows that count."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ml_platform.core.measurement import Measurement
from ml_platform.stats.columns import flaw_of_flags, numbers, require_same_length
from ml_platform.stats.entities import entities
from ml_platform.stats.groups import group_gaps, group_shares, groups

if TYPE_CHECKING:
    from numpy.typing import ArrayLike


def group_differences(
    decisions: ArrayLike,
    group: ArrayLike,
    *,
    metric: str,
    y_true: ArrayLike | None = None,
    outcome: int = 1,
    entity: ArrayLike | None = None,
    attribute: str = "",
    reference: str | None = None,
    confidence: float = 0.95,
) -> tuple[Measurement, ...]:
    """Return, per group, the distance of its share of positive decisions from the reference group's.

    `decisions` and `y_true` hold 0/1, `group` one level per row, all of shape (n,). With `y_true` only rows of the
    outcome count; a group without one is undefined. Flawed columns give one undefined measurement. ValueError when
    lengths differ.

    >>> group_differences([1, 0, 1, 1], list("aabb"), metric="distance")[0].value
    0.5
    """
    values = numbers(decisions, "decisions")
    truth = np.full(values.size, outcome, dtype=np.float64) if y_true is None else numbers(y_true, "y_true")
    require_same_length(decisions=values, y_true=truth)
    units, found = entities(entity, values), groups(group, values == 1)
    flaw = (flaw_of_flags(decisions=values, y_true=truth) if values.size else "") or units.flaw
    if flaw:
        return (Measurement(metric=metric, value=None, n=values.size, subject=attribute, reason=flaw),)
    shares = group_shares(values == 1, found, units, among=truth == outcome, attribute=attribute, confidence=confidence)
    return group_gaps(shares, metric=metric, attribute=attribute, reference=reference)
