"""Group loss gap: how much worse the predictions for one group are than for another."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from ml_platform.core.measurement import Measurement
from ml_platform.stats.columns import flaw_of_sizes, numbers
from ml_platform.stats.entities import entities
from ml_platform.stats.groups import group_gaps, group_means, groups

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

METRIC = "group_loss_gap"
_NEGATED = frozenset({"signed", "group", "reference"})


def group_loss_gap(
    losses: ArrayLike,
    group: ArrayLike,
    *,
    entity: ArrayLike | None = None,
    attribute: str = "",
    reference: str | None = None,
    confidence: float = 0.95,
) -> tuple[Measurement, ...]:
    """Return, per group, the distance of its mean loss from the reference group's, as a part of all rows' mean loss.

    `losses` holds finite losses, at least 0, `group` one level per row (missing is a group), both of shape (n,); 0.2
    means that a group's predictions are worse by a fifth of what they are on average. All rows' mean counts as known;
    bounds come from the groups' own by squaring and adding. The reference is the named group or the one whose loss is
    surely least. Undefined without rows or any loss. ValueError when lengths differ. Subject: "black=1 vs black=0"; n:
    the smaller group; facts: signed (group - reference), group, reference, group_n, reference_n. Sources: Agarwal,
    Dudik and Wu 2019, Fair Regression, ICML (bounded group loss); Zou and Donner 2008, Stat. Med. 27.

    >>> [one.value for one in group_loss_gap([1.0, 1.0, 3.0, 3.0], list("aabb"))]
    [1.0]
    """
    values = numbers(losses, "losses")
    found, units = groups(group, values == 0), entities(entity, values)
    flaw = (flaw_of_sizes(losses=values) if values.size else "") or units.flaw
    reason = flaw or ("" if not values.size or values.mean() > 0 else "no prediction has any loss")
    if reason:
        return (Measurement(metric=METRIC, value=None, n=values.size, subject=attribute, reason=reason),)
    mean = float(values.mean()) if values.size else 1.0
    # Negated, so that the best group is the one with the greatest lower bound, as in every other comparison.
    measured = group_means(-values / mean, found, units, metric=METRIC, attribute=attribute, confidence=confidence)
    return tuple(map(_turned, group_gaps(measured, metric=METRIC, attribute=attribute, reference=reference)))


def _turned(gap: Measurement) -> Measurement:
    turned = {name: -fact for name, fact in gap.facts.items() if name in _NEGATED and isinstance(fact, float)}
    return dataclasses.replace(gap, facts={**gap.facts, **turned})
