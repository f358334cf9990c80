"""True-positive-rate difference: how unequally well the groups' positive rows are found."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ml_platform.stats.group_differences import group_differences

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from ml_platform.core.measurement import Measurement


def true_positive_rate_difference(
    y_true: ArrayLike,
    decisions: ArrayLike,
    group: ArrayLike,
    *,
    entity: ArrayLike | None = None,
    attribute: str = "",
    reference: str | None = None,
    confidence: float = 0.95,
) -> tuple[Measurement, ...]:
    """Return, per group, the distance of its recall from the reference group's (equal opportunity).

    `y_true` and `decisions` hold 0/1, `group` one level per row (missing is a group), all of shape (n,). Only positive
    rows count; a group without one is undefined. Interval, reference, subject and facts are those of
    `selection_rate_difference`. ValueError when lengths differ. Source: Hardt et al. 2016, NeurIPS 29.

    >>> [one.text() for one in true_positive_rate_difference([1, 1, 1, 1], [1, 0, 1, 1], list("aabb"))]
    ['true_positive_rate_difference of a vs b = 0.5 share [0, 0.9055] (n = 2)']
    """
    return group_differences(
        decisions,
        group,
        metric="true_positive_rate_difference",
        y_true=y_true,
        outcome=1,
        entity=entity,
        attribute=attribute,
        reference=reference,
        confidence=confidence,
    )
