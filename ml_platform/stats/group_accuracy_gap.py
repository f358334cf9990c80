"""Group accuracy gap: how much more often one group's class is decided right than another's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ml_platform.core.measurement import Measurement
from ml_platform.stats.classes import classed
from ml_platform.stats.group_differences import group_differences

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

METRIC = "group_accuracy_gap"


def group_accuracy_gap(
    y_true: ArrayLike,
    decisions: ArrayLike,
    group: ArrayLike,
    *,
    entity: ArrayLike | None = None,
    attribute: str = "",
    reference: str | None = None,
    confidence: float = 0.95,
) -> tuple[Measurement, ...]:
    """Return, per group, the distance of its share of right decisions from the reference group's.

    `y_true` and `decisions` hold class numbers from 0, `group` one level per row (missing is a group), all of shape
    (n,). Bounds are Newcombe's, with `entity` at the effective sample size. The reference is the named group or the
    one whose share is surely highest. Undefined with values that are no class numbers. ValueError when lengths differ.
    Subject: "black=1 vs black=0"; n: the smaller group; facts: signed (group - reference), group, reference, group_n,
    reference_n. Sources: Berk et al. 2021, Sociol. Methods Res. 50 (overall accuracy equality); Newcombe 1998, Stat.
    Med. 17.

    >>> group_accuracy_gap([0, 1, 2, 0], [0, 1, 1, 1], list("aabb"))[0].value
    1.0
    """
    rows = classed(y_true, decisions, entity)
    if rows.flaw and rows.n:
        return (Measurement(metric=METRIC, value=None, n=rows.n, subject=attribute, reason=rows.flaw),)
    return group_differences(
        rows.true == rows.decided,
        group,
        metric=METRIC,
        entity=entity,
        attribute=attribute,
        reference=reference,
        confidence=confidence,
    )
