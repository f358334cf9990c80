"""Group bias gap: how much more predictions lean to one side for one group than for another."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ml_platform.core.measurement import Measurement
from ml_platform.stats.compared import compared
from ml_platform.stats.groups import group_gaps, group_means, groups

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

METRIC = "group_bias_gap"


def group_bias_gap(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    group: ArrayLike,
    *,
    entity: ArrayLike | None = None,
    attribute: str = "",
    reference: str | None = None,
    confidence: float = 0.95,
) -> tuple[Measurement, ...]:
    """Return, per group, the distance of its mean error from the reference group's, as a part of all rows' mean size.

    `y_true` and `y_pred` hold finite numbers, `group` one level per row (missing is a group), all of shape (n,). The
    mean of |prediction - outcome| over all rows is the unit and counts as known; bounds come from the groups' own by
    squaring and adding. The reference is the named group or the one whose predictions surely are highest. Undefined
    without rows or any error. ValueError when lengths differ. Subject: "black=1 vs black=0"; n: the smaller group;
    facts: signed (group - reference), group, reference, group_n, reference_n. Sources: Calders et al. 2013, Controlling
    Attribute Effect in Linear Regression, ICDM (mean differences of errors); Zou and Donner 2008, Stat. Med. 27.

    >>> [one.value for one in group_bias_gap([1.0, 1.0, 1.0, 1.0], [2.0, 2.0, 0.0, 0.0], list("aabb"))]
    [2.0]
    """
    rows = compared(y_true, y_pred, entity)
    found = groups(group, rows.true == 0)
    errors = rows.other - rows.true
    size = float(np.abs(errors).mean()) if errors.size else 1.0
    reason = (rows.flaw if errors.size else "") or ("" if size > 0 else "no prediction has any error")
    if reason:
        return (Measurement(metric=METRIC, value=None, n=errors.size, subject=attribute, reason=reason),)
    measured = group_means(errors / size, found, rows.units, metric=METRIC, attribute=attribute, confidence=confidence)
    return group_gaps(measured, metric=METRIC, attribute=attribute, reference=reference)
