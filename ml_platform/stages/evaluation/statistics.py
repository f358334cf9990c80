"""Statistics of a task: what is measured of its scores, each with its interval."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from typing import assert_never

import numpy as np
from numpy.typing import NDArray

from ml_platform.core.measurement import Measurement
from ml_platform.policy.spec import Task
from ml_platform.stages.group_gaps import ones_of
from ml_platform.stats.accuracy import accuracy
from ml_platform.stats.average_precision import average_precision
from ml_platform.stats.balanced_accuracy import balanced_accuracy
from ml_platform.stats.bias import bias
from ml_platform.stats.bias_share import bias_share
from ml_platform.stats.brier import brier
from ml_platform.stats.calibration_intercept import calibration_intercept
from ml_platform.stats.calibration_slope import calibration_slope
from ml_platform.stats.class_accuracy import class_accuracy
from ml_platform.stats.coverage import coverage
from ml_platform.stats.expected_calibration_error import expected_calibration_error
from ml_platform.stats.expected_cost import expected_cost
from ml_platform.stats.expected_cost_gain import expected_cost_gain
from ml_platform.stats.f1 import f1
from ml_platform.stats.lift import lift
from ml_platform.stats.log_loss import log_loss
from ml_platform.stats.macro_f1 import macro_f1
from ml_platform.stats.macro_precision import macro_precision
from ml_platform.stats.macro_recall import macro_recall
from ml_platform.stats.macro_roc_auc import macro_roc_auc
from ml_platform.stats.mean_absolute_error import mean_absolute_error
from ml_platform.stats.median_absolute_error import median_absolute_error
from ml_platform.stats.multiclass_brier import multiclass_brier
from ml_platform.stats.multiclass_log_loss import multiclass_log_loss
from ml_platform.stats.pinball_loss import pinball_loss
from ml_platform.stats.precision import precision
from ml_platform.stats.r_squared import r_squared
from ml_platform.stats.recall import recall
from ml_platform.stats.roc_auc import roc_auc
from ml_platform.stats.root_mean_squared_error import root_mean_squared_error
from ml_platform.stats.top_label_calibration_error import top_label_calibration_error

Floats = NDArray[np.float64]
Column = NDArray[np.generic]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scores:
    """Outcomes and scores of the same rows, and what they are measured with.

    `true` holds numbers, shape (n,); `score` one number per row, or per row and class. A binary decision is positive
    from the threshold on. `costs` has a row per outcome and a column per decision.
    """

    task: Task
    true: Floats
    score: Floats
    entity: Column | None
    threshold: float
    quantile: float
    seed: int
    confidence: float
    costs: Floats | None = None

    def of(self, rows: NDArray[np.bool_]) -> Scores:
        """Return some of the rows."""
        entity = None if self.entity is None else self.entity[rows]
        return dataclasses.replace(self, true=self.true[rows], score=self.score[rows], entity=entity)


def statistics(scores: Scores) -> Iterator[Measurement]:
    """Measure everything that the task has; the first one is what models are compared by."""
    match scores.task:
        case "binary":
            yield from _binary(scores)
        case "multiclass":
            yield from _classes(scores)
        case "regression":
            yield from _numbers(scores)
        case "quantile":
            yield from _quantile(scores)
        case task:
            assert_never(task)


def _binary(scores: Scores) -> Iterator[Measurement]:
    for ranked in (roc_auc, average_precision, log_loss, brier):
        yield ranked(scores.true, scores.score, entity=scores.entity, confidence=scores.confidence)
    yield expected_calibration_error(
        scores.true, scores.score, entity=scores.entity, seed=scores.seed, confidence=scores.confidence
    )
    for calibrated in (calibration_slope, calibration_intercept, lift):
        yield calibrated(scores.true, scores.score, entity=scores.entity, confidence=scores.confidence)
    decisions = decided(scores.score, scores.threshold)
    for decisive in (accuracy, balanced_accuracy, precision, recall, f1):
        yield decisive(scores.true, decisions, entity=scores.entity, confidence=scores.confidence)
    yield from _costs(scores, decisions)


def _costs(scores: Scores, decisions: Floats) -> Iterator[Measurement]:
    if scores.costs is None:
        return
    for costly in (expected_cost, expected_cost_gain):
        yield costly(scores.true, decisions, costs=scores.costs, entity=scores.entity, confidence=scores.confidence)


def decided(score: Floats, threshold: float) -> Floats:
    """Return decisions as numbers: 0 or 1, or the likeliest class; not a number where a score isn't one."""
    if score.ndim == 1:
        return np.where(np.isfinite(score), score >= threshold, np.nan)
    return np.where(np.isfinite(score).all(axis=1), score.argmax(axis=1), np.nan)


def _classes(scores: Scores) -> Iterator[Measurement]:
    for scored in (multiclass_log_loss, multiclass_brier, macro_roc_auc):
        yield scored(scores.true, scores.score, entity=scores.entity, confidence=scores.confidence)
    yield top_label_calibration_error(
        scores.true, scores.score, entity=scores.entity, seed=scores.seed, confidence=scores.confidence
    )
    decisions = decided(scores.score, scores.threshold)
    for decisive in (class_accuracy, macro_recall, macro_precision, macro_f1):
        yield decisive(scores.true, decisions, entity=scores.entity, confidence=scores.confidence)
    yield from _costs(scores, decisions)
    for code in range(scores.score.shape[1]):
        for single in (recall, precision, f1):
            rows, mine = ones_of(scores.true, code), ones_of(decisions, code)
            one = single(rows, mine, entity=scores.entity, confidence=scores.confidence, subject=str(code))
            yield dataclasses.replace(one, metric=f"class_{one.metric}")


def _numbers(scores: Scores) -> Iterator[Measurement]:
    measured = (mean_absolute_error, median_absolute_error, root_mean_squared_error, bias, bias_share, r_squared)
    for statistic in measured:
        yield statistic(scores.true, scores.score, entity=scores.entity, confidence=scores.confidence)


def _quantile(scores: Scores) -> Iterator[Measurement]:
    yield pinball_loss(
        scores.true, scores.score, quantile=scores.quantile, entity=scores.entity, confidence=scores.confidence
    )
    for statistic in (coverage, mean_absolute_error, median_absolute_error):
        yield statistic(scores.true, scores.score, entity=scores.entity, confidence=scores.confidence)
