"""Paired: how much better one model's predictions of the same rows are than another's, metric by metric."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ml_platform.core.measurement import Measurement
from ml_platform.stages.evaluation.statistics import decided
from ml_platform.stats.average_precision import average_precision
from ml_platform.stats.balanced_accuracy import balanced_accuracy
from ml_platform.stats.classes import class_scores
from ml_platform.stats.entities import entities
from ml_platform.stats.f1 import f1
from ml_platform.stats.log_loss import row_log_losses
from ml_platform.stats.macro_f1 import macro_f1
from ml_platform.stats.macro_precision import macro_precision
from ml_platform.stats.macro_recall import macro_recall
from ml_platform.stats.macro_roc_auc import macro_roc_auc
from ml_platform.stats.mean_interval import mean_interval
from ml_platform.stats.multiclass_log_loss import row_class_losses
from ml_platform.stats.paired_bootstrap import Statistic, paired_bootstrap
from ml_platform.stats.paired_share_difference import paired_share_difference
from ml_platform.stats.pinball_loss import row_pinball_losses
from ml_platform.stats.precision import precision
from ml_platform.stats.r_squared import r_squared
from ml_platform.stats.recall import recall
from ml_platform.stats.roc_auc_difference import roc_auc_difference
from ml_platform.stats.scored import probabilities

Floats = NDArray[np.float64]
REPETITIONS = 1000
Takes = Literal["probability", "classes", "number"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """Outcomes and two models' predictions of the same rows; `a` is the challenger, `b` the champion."""

    true: Floats
    a: Floats
    b: Floats
    entity: NDArray[np.generic] | None
    seed: int
    threshold: float
    quantile: float
    confidence: float


@dataclass(frozen=True, slots=True)
class Metric:
    """How a metric is compared: on which predictions, and by what; the gain is positive where a is better."""

    takes: Takes
    gain: Callable[[Pair], Measurement]


def _ranking(pair: Pair) -> Measurement:
    return roc_auc_difference(pair.true, pair.a, pair.b, entity=pair.entity, confidence=pair.confidence)


def _losses(of_row: Callable[[Pair, Floats], Floats], pair: Pair) -> Measurement:
    """Compare mean losses: the mean of the champion's minus the challenger's, by row."""
    with np.errstate(over="ignore", invalid="ignore"):  # what isn't finite is said by the mean
        saved = of_row(pair, pair.b) - of_row(pair, pair.a)
    return mean_gain(saved, entity=pair.entity, confidence=pair.confidence)


def mean_gain(saved: Floats, *, entity: NDArray[np.generic] | None, confidence: float) -> Measurement:
    """Return the mean of what each row saves, shape (n,), with Student's interval; fact `freedom` beside its error."""
    found = mean_interval(saved, entity=entity, confidence=confidence)
    units = entities(entity, saved).count() or saved.size
    return dataclasses.replace(found, facts={**found.facts, "freedom": units - 1})


def _row_log_losses(pair: Pair, score: Floats) -> Floats:
    flaw = probabilities(pair.true, score).flaw
    return np.full(score.size, np.nan) if flaw else row_log_losses(pair.true == 1, score)


def _row_squares(pair: Pair, score: Floats) -> Floats:
    return np.square(score - pair.true)


def _row_errors(pair: Pair, score: Floats) -> Floats:
    return np.abs(score - pair.true)


def _row_pinballs(pair: Pair, score: Floats) -> Floats:
    return row_pinball_losses(pair.true, score, pair.quantile)


def _row_class_losses(pair: Pair, score: Floats) -> Floats:
    rows = class_scores(pair.true, score)
    return np.full(rows.n, np.nan) if rows.flaw else row_class_losses(rows.true, score)


def _row_class_squares(pair: Pair, score: Floats) -> Floats:
    rows = class_scores(pair.true, score)
    if rows.flaw:
        return np.full(rows.n, np.nan)
    squares: Floats = np.square(score - np.eye(score.shape[1])[rows.true]).sum(axis=1)
    return squares


def _right(pair: Pair) -> Measurement:
    """Compare how often each decides right; a decision that isn't one makes the comparison undefined."""
    hits = [
        np.where(np.isfinite(made), made == pair.true, np.nan)
        for made in (decided(one, pair.threshold) for one in (pair.a, pair.b))
    ]
    return paired_share_difference(*hits, entity=pair.entity, confidence=pair.confidence)


def _redrawn(statistic: Callable[..., Measurement], pair: Pair, *, decisions: bool) -> Measurement:
    """Compare any statistic over rows drawn again."""
    a, b = ((decided(one, pair.threshold) if decisions else one) for one in (pair.a, pair.b))

    def value(true: Floats, predicted: NDArray[np.generic]) -> float | None:
        return statistic(true, predicted).value

    return _bootstrapped(value, pair, a, b)


def _root_mean_square(pair: Pair) -> Measurement:
    def value(true: Floats, predicted: NDArray[np.generic]) -> float:
        with np.errstate(over="ignore", invalid="ignore"):  # an endless or missing error is no value
            return -float(np.sqrt(np.square(predicted.astype(np.float64) - true).mean()))

    return _bootstrapped(value, pair, pair.a, pair.b)


def _bootstrapped(statistic: Statistic, pair: Pair, a: Floats, b: Floats) -> Measurement:
    return paired_bootstrap(
        statistic, pair.true, a, b, seed=pair.seed, repetitions=REPETITIONS, entity=pair.entity,
        confidence=pair.confidence,
    )  # fmt: skip


def _of_decisions(takes: Takes, statistic: Callable[..., Measurement]) -> Metric:
    return Metric(takes, partial(_redrawn, statistic, decisions=True))


METRICS: Mapping[str, Metric] = MappingProxyType(
    {
        "roc_auc": Metric("probability", _ranking),
        "average_precision": Metric("probability", partial(_redrawn, average_precision, decisions=False)),
        "log_loss": Metric("probability", partial(_losses, _row_log_losses)),
        "brier": Metric("probability", partial(_losses, _row_squares)),
        "accuracy": Metric("probability", _right),
        "balanced_accuracy": _of_decisions("probability", balanced_accuracy),
        "precision": _of_decisions("probability", precision),
        "recall": _of_decisions("probability", recall),
        "f1": _of_decisions("probability", f1),
        "multiclass_log_loss": Metric("classes", partial(_losses, _row_class_losses)),
        "multiclass_brier": Metric("classes", partial(_losses, _row_class_squares)),
        "class_accuracy": Metric("classes", _right),
        "macro_roc_auc": Metric("classes", partial(_redrawn, macro_roc_auc, decisions=False)),
        "macro_recall": _of_decisions("classes", macro_recall),
        "macro_precision": _of_decisions("classes", macro_precision),
        "macro_f1": _of_decisions("classes", macro_f1),
        "mean_absolute_error": Metric("number", partial(_losses, _row_errors)),
        "mean_squared_error": Metric("number", partial(_losses, _row_squares)),
        "root_mean_squared_error": Metric("number", _root_mean_square),
        "r_squared": Metric("number", partial(_redrawn, r_squared, decisions=False)),
        "pinball_loss": Metric("number", partial(_losses, _row_pinballs)),
    }
)
