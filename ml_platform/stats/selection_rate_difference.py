"""Selection-rate difference: how far apart two groups' shares of positive decisions are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ml_platform.stats.group_differences import group_differences

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from ml_platform.core.measurement import Measurement


def selection_rate_difference(
    decisions: ArrayLike,
    group: ArrayLike,
    *,
    entity: ArrayLike | None = None,
    attribute: str = "",
    reference: str | None = None,
    confidence: float = 0.95,
) -> tuple[Measurement, ...]:
    """Return, per group, the distance of its selection rate from the reference group's, with Newcombe's interval.

    `decisions` holds 0/1, `group` one level per row (missing is a group), both of shape (n,); 0 means equal rates.
    With `entity`, rates count at their effective sample size. The reference is the named group or the one whose rate
    is surely highest. With one group, or flawed decisions, one undefined measurement. ValueError when lengths differ.
    Subject: "black=1 vs black=0"; n: the smaller group; facts: signed (group - reference), group, reference, group_n,
    reference_n. Sources: Calders and Verwer 2010, Data Min. Knowl. Discov. 21; Newcombe 1998, Stat. Med. 17.

    >>> [one.text() for one in selection_rate_difference([1, 0, 0, 1, 1, 0], list("aaabbb"))]
    ['selection_rate_difference of a vs b = 0.3333 share [0, 0.7178] (n = 3)']
    """
    return group_differences(
        decisions,
        group,
        metric="selection_rate_difference",
        entity=entity,
        attribute=attribute,
        reference=reference,
        confidence=confidence,
    )
