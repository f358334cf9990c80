"""Group AUC gap: how much worse the score ranks one group than another."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ml_platform.core.measurement import Measurement
from ml_platform.stats.groups import group_gaps, group_rows, groups
from ml_platform.stats.roc_auc import roc_auc_of
from ml_platform.stats.scored import scored

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

METRIC = "group_auc_gap"


def group_auc_gap(
    y_true: ArrayLike,
    y_score: ArrayLike,
    group: ArrayLike,
    *,
    entity: ArrayLike | None = None,
    attribute: str = "",
    reference: str | None = None,
    confidence: float = 0.95,
) -> tuple[Measurement, ...]:
    """Return, per group, the distance of its ROC AUC from the reference group's.

    `y_true` holds 0/1, `y_score` finite numbers, `group` one level per row (missing is a group), all of shape (n,).
    Bounds come from the groups' own DeLong intervals by squaring and adding. The reference is the named group or the
    one whose AUC is surely highest. A group with one class is undefined. ValueError when lengths differ.
    Subject: "black=1 vs black=0"; n: the smaller group; facts: signed (group - reference), group, reference, group_n,
    reference_n. Sources: DeLong et al. 1988, Biometrics 44; Zou and Donner 2008, Stat. Med. 27.

    >>> group_auc_gap([0, 1, 0, 1, 0, 1], [0.1, 0.9, 0.8, 0.3, 0.4, 0.5], list("aaabbb"))[0].value
    0.5
    """
    rows = scored(y_true, y_score, entity)
    found = groups(group, rows.positive)
    if rows.flaw and rows.n:
        return (Measurement(metric=METRIC, value=None, n=rows.n, subject=attribute, reason=rows.flaw),)
    measured = tuple(
        roc_auc_of(rows.of(chosen), confidence=confidence, subject=name)
        for name, chosen in group_rows(found, attribute)
    )
    return group_gaps(measured, metric=METRIC, attribute=attribute, reference=reference)
