"""False-positive-rate difference: how unequally the groups' negative rows are decided positive."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ml_platform.stats.group_differences import group_differences

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from ml_platform.core.measurement import Measurement


def false_positive_rate_difference(
    y_true: ArrayLike,
    decisions: ArrayLike,
    group: ArrayLike,
    *,
    entity: ArrayLike | None = None,
    attribute: str = "",
    reference: str | None = None,
    confidence: float = 0.95,
) -> tuple[Measurement, ...]:
    """Return, per group, the distance of its share of false alarms from the reference group's.

    `y_true` and `decisions` hold 0/1, `group` one level per row (missing is a group), all of shape (n,). Only negative
    rows count; a group without one is undefined. The default reference is the group whose share is surely highest;
    interval, subject and facts are those of `selection_rate_difference`. ValueError when lengths differ.
    Source: Hardt et al. 2016, NeurIPS 29 (equalised odds, its second half).

    >>> [one.text() for one in false_positive_rate_difference([0, 0, 0, 0], [1, 0, 1, 1], list("aabb"))]
    ['false_positive_rate_difference of a vs b = 0.5 share [0, 0.9055] (n = 2)']
    """
    return group_differences(
        decisions,
        group,
        metric="false_positive_rate_difference",
        y_true=y_true,
        outcome=0,
        entity=entity,
        attribute=attribute,
        reference=reference,
        confidence=confidence,
    )
