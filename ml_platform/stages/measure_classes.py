"""Measure classes: how well several classes are told apart, decided, and given probabilities that hold."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from ml_platform.core.measurement import Measurement
from ml_platform.stages.loss_measures import measure_losses, measure_missing, missing_change, noisy_scores
from ml_platform.stages.robustness import NOISE
from ml_platform.stats.class_accuracy import class_accuracy
from ml_platform.stats.f1 import f1
from ml_platform.stats.macro_f1 import macro_f1
from ml_platform.stats.macro_precision import macro_precision
from ml_platform.stats.macro_recall import macro_recall
from ml_platform.stats.macro_roc_auc import macro_roc_auc
from ml_platform.stats.multiclass_brier import multiclass_brier
from ml_platform.stats.multiclass_log_loss import multiclass_log_loss
from ml_platform.stats.precision import precision
from ml_platform.stats.prediction_flip_share import prediction_flip_share
from ml_platform.stats.recall import recall
from ml_platform.stats.roc_auc import roc_auc
from ml_platform.stats.top_label_calibration_error import top_label_calibration_error

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ml_platform.policy.spec import ModelSpec
    from ml_platform.stages.scored_part import ScoredPart


def measure_classes(
    spec: ModelSpec, holdout: ScoredPart, train: ScoredPart, levels: Mapping[str, Sequence[str]]
) -> Iterator[Measurement]:
    """Measure decisions and probabilities, of all classes and of each; the log loss comes first."""
    target, score, entity = holdout.target, holdout.score, holdout.entity
    decided = score.argmax(axis=1)
    of_scores = (multiclass_log_loss, multiclass_brier, macro_roc_auc, top_label_calibration_error)
    yield from (statistic(target, score, entity=entity) for statistic in of_scores)
    found = macro_recall(target, decided, entity=entity)
    yield found
    yield recall_gain(found, len(spec.classes))
    of_decisions = (class_accuracy, macro_precision, macro_f1)
    yield from (statistic(target, decided, entity=entity) for statistic in of_decisions)
    yield from _of_each_class(spec, holdout, decided)
    yield from measure_losses(spec, holdout, train, levels)
    yield from _robustness(spec, holdout, train)


def recall_gain(found: Measurement, classes: int) -> Measurement:
    """Return a macro recall as the part of the way from guessing, 1 / classes, to 1."""
    least = 1 / classes
    value, low, high = (
        None if one is None else (one - least) / (1 - least) for one in (found.value, found.low, found.high)
    )
    return dataclasses.replace(found, metric="macro_recall_gain", value=value, low=low, high=high, unit="share")


def _of_each_class(spec: ModelSpec, holdout: ScoredPart, decided: NDArray[np.intp]) -> Iterator[Measurement]:
    for code, name in enumerate(spec.classes):
        for statistic in (recall, precision, f1):
            one = statistic(holdout.target == code, decided == code, entity=holdout.entity, subject=name)
            yield dataclasses.replace(one, metric=f"class_{one.metric}")
        area = roc_auc(holdout.target == code, holdout.score[:, code], entity=holdout.entity, subject=name)
        yield dataclasses.replace(area, metric="class_roc_auc")


def _robustness(spec: ModelSpec, holdout: ScoredPart, train: ScoredPart) -> Iterator[Measurement]:
    rows, score = noisy_scores(holdout, train, seed=spec.learner.seed)
    noisy = _flips(rows, score, "noise_flip_share", "")
    yield dataclasses.replace(noisy, facts={**noisy.facts, "noise_of_standard_deviation": NOISE})
    unseen = []
    for name, kept, missing in measure_missing(holdout):
        yield missing_change(spec, kept, missing, name, "missing_feature_loss_change")
        if name in kept.matrix.categorical:
            unseen.append(_flips(kept, missing, "unseen_level_flip_share", name))
    facts = {"category_features": 0}
    nothing = Measurement(metric="unseen_level_flip_share", value=0.0, n=rows.target.size, unit="share", facts=facts)
    yield from unseen or [nothing]


def _flips(rows: ScoredPart, score: NDArray[np.float64], metric: str, subject: str) -> Measurement:
    changed = rows.score.argmax(axis=1) != score.argmax(axis=1)
    found = prediction_flip_share(np.zeros(changed.size), changed, entity=rows.entity, subject=subject)
    return dataclasses.replace(found, metric=metric)
