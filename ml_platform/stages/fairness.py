"""Fairness: how decisions and ranking differ between the groups that the contract declares."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ml_platform.stats.false_positive_rate_difference import false_positive_rate_difference
from ml_platform.stats.group_auc_gap import group_auc_gap
from ml_platform.stats.selection_rate_difference import selection_rate_difference
from ml_platform.stats.selection_rate_ratio import selection_rate_ratio
from ml_platform.stats.true_positive_rate_difference import true_positive_rate_difference

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ml_platform.core.measurement import Measurement
    from ml_platform.stages.scored_part import ScoredPart


def measure_fairness(holdout: ScoredPart) -> Iterator[Measurement]:
    """Measure every group of every declared attribute against the attribute's reference group."""
    target, decision, entity = holdout.target, holdout.decision, holdout.entity
    for name, group in holdout.matrix.groups.items():
        yield from selection_rate_ratio(decision, group, entity=entity, attribute=name)
        yield from selection_rate_difference(decision, group, entity=entity, attribute=name)
        yield from true_positive_rate_difference(target, decision, group, entity=entity, attribute=name)
        yield from false_positive_rate_difference(target, decision, group, entity=entity, attribute=name)
        yield from group_auc_gap(target, holdout.score, group, entity=entity, attribute=name)
