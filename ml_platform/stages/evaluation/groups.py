"""Groups: the same metrics of every group, and how far groups are apart, many comparisons counted."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from typing import assert_never

import numpy as np
from numpy.typing import NDArray

from ml_platform.core.measurement import Measurement
from ml_platform.stages.evaluation.statistics import Scores, decided, statistics
from ml_platform.stats.false_positive_rate_difference import false_positive_rate_difference
from ml_platform.stats.group_accuracy_gap import group_accuracy_gap
from ml_platform.stats.group_auc_gap import group_auc_gap
from ml_platform.stats.group_bias_gap import group_bias_gap
from ml_platform.stats.group_loss_gap import group_loss_gap
from ml_platform.stats.groups import group_names
from ml_platform.stats.intersections import intersections
from ml_platform.stats.levels import levels
from ml_platform.stats.multiclass_log_loss import row_class_losses
from ml_platform.stats.pinball_loss import row_pinball_losses
from ml_platform.stats.selection_rate_difference import selection_rate_difference
from ml_platform.stats.selection_rate_ratio import selection_rate_ratio
from ml_platform.stats.true_positive_rate_difference import true_positive_rate_difference

Attributes = Mapping[str, NDArray[np.generic]]


def with_intersections(attributes: Attributes) -> dict[str, NDArray[np.generic]]:
    """Return the attributes and, of two or more, their combinations under the name "" (each level names its own)."""
    return {**attributes, **({"": intersections(attributes)} if len(attributes) > 1 else {})}


def of_each_group(scores: Scores, attributes: Attributes) -> Iterator[Measurement]:
    """Measure the task's statistics within each group; the subject is the group's name."""
    for name, column in attributes.items():
        found = levels(column, name)
        for code, group in enumerate(group_names(found, name)):
            for one in statistics(scores.of(found.codes == code)):
                yield dataclasses.replace(one, subject=f"{group}, {one.subject}" if one.subject else group)


def between_groups(scores: Scores, attributes: Attributes) -> Iterator[Measurement]:
    """Measure the differences between groups; together their intervals hold at the scores' confidence (Bonferroni)."""
    comparisons = sum(len(levels(column, name).names) - 1 for name, column in attributes.items())
    confidence = 1 - (1 - scores.confidence) / max(comparisons, 1)
    for name, column in attributes.items():
        for one in _differences(dataclasses.replace(scores, confidence=confidence), name, column):
            yield dataclasses.replace(one, facts={**one.facts, "comparisons": comparisons})


def _differences(scores: Scores, name: str, group: NDArray[np.generic]) -> Iterator[Measurement]:
    true, score, entity, confidence = scores.true, scores.score, scores.entity, scores.confidence
    match scores.task:
        case "binary":
            mine = decided(scores)
            for selected in (selection_rate_ratio, selection_rate_difference):
                yield from selected(mine, group, entity=entity, attribute=name, confidence=confidence)
            for rates in (true_positive_rate_difference, false_positive_rate_difference):
                yield from rates(true, mine, group, entity=entity, attribute=name, confidence=confidence)
            yield from group_auc_gap(true, score, group, entity=entity, attribute=name, confidence=confidence)
        case "multiclass":
            mine = decided(scores)
            yield from group_accuracy_gap(true, mine, group, entity=entity, attribute=name, confidence=confidence)
            losses = (
                row_class_losses(true.astype(np.intp), score) if _sound(true, score) else np.full(true.size, np.nan)
            )
            yield from group_loss_gap(losses, group, entity=entity, attribute=name, confidence=confidence)
        case "regression":
            yield from group_bias_gap(true, score, group, entity=entity, attribute=name, confidence=confidence)
            yield from group_loss_gap(np.abs(score - true), group, entity=entity, attribute=name, confidence=confidence)
        case "quantile":
            losses = row_pinball_losses(true, score, scores.quantile)
            yield from group_loss_gap(losses, group, entity=entity, attribute=name, confidence=confidence)
        case task:
            assert_never(task)


def _sound(true: NDArray[np.float64], score: NDArray[np.float64]) -> bool:
    """Say whether each outcome is a class with a probability."""
    return bool(np.isin(true, np.arange(score.shape[1])).all() and np.isfinite(score).all())
