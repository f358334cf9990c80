"""Groups: the same metrics of every group, and how far groups are apart."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from typing import assert_never

import numpy as np
from numpy.typing import NDArray

from ml_platform.core.measurement import Measurement
from ml_platform.stages.evaluation.statistics import Scores, decided, statistics
from ml_platform.stages.group_gaps import Treated, measure_gaps
from ml_platform.stats.groups import group_names
from ml_platform.stats.levels import levels
from ml_platform.stats.multiclass_log_loss import row_class_losses
from ml_platform.stats.pinball_loss import row_pinball_losses

Attributes = Mapping[str, NDArray[np.generic]]


def of_each_group(scores: Scores, attributes: Attributes) -> Iterator[Measurement]:
    """Measure the task's statistics within each group; the subject is the group's name."""
    for name, column in attributes.items():
        found = levels(column, name)
        for code, group in enumerate(group_names(found, name)):
            for one in statistics(scores.of(found.codes == code)):
                yield dataclasses.replace(one, subject=f"{group}, {one.subject}" if one.subject else group)


def between_groups(scores: Scores, attributes: Attributes) -> Iterator[Measurement]:
    """Measure the differences between groups; their intervals hold together at the scores' confidence."""
    names = tuple(str(code) for code in range(scores.score.shape[1])) if scores.score.ndim > 1 else ()
    decisions = decided(scores.score, scores.threshold)
    rows = Treated(
        task=scores.task, true=scores.true, score=scores.score, decision=decisions, losses=_losses(scores),
        classes=names, entity=scores.entity,
    )  # fmt: skip
    yield from measure_gaps(rows, attributes, confidence=scores.confidence)


def _losses(scores: Scores) -> NDArray[np.float64]:
    """Return what each row's prediction costs; not a number where outcomes or scores can't be used."""
    match scores.task:
        case "binary" | "regression":
            return np.abs(scores.score - scores.true)
        case "multiclass":
            usable = np.isin(scores.true, np.arange(scores.score.shape[1])) & np.isfinite(scores.score).all(axis=1)
            losses = np.full(scores.true.size, np.nan)
            losses[usable] = row_class_losses(scores.true[usable].astype(np.intp), scores.score[usable])
            return losses
        case "quantile":
            return row_pinball_losses(scores.true, scores.score, scores.quantile)
        case task:
            assert_never(task)
