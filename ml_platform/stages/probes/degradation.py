"""Degradation: how fast a model gets worse with more and more noise, and with more and more values missing."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ml_platform.stages.loss_measures import losses_of
from ml_platform.stages.robustness import ROWS, noisy_values
from ml_platform.stages.spread import spread
from ml_platform.stats.loss_change import loss_change
from ml_platform.stats.roc_auc_difference import roc_auc_difference

if TYPE_CHECKING:
    from ml_platform.core.measurement import Measurement
    from ml_platform.stages.probes.subject import Subject
    from ml_platform.stages.scored_part import ScoredPart

NOISES = (0.01, 0.02, 0.05, 0.1, 0.2)
MISSINGS = (0.01, 0.05, 0.1, 0.2, 0.35, 0.5)
TRAIN_ROWS = 15_000

Floats = NDArray[np.float64]


def measure_degradation(subject: Subject) -> Iterator[Measurement]:
    """Measure what is lost at each level of noise and of missing values, on up to 3,000 holdout rows, paired by row.

    Noise is a share of a feature's standard deviation when trained, in all numbers; values are missing at random in all
    features. Every level uses the same draws, so that a value missing at one is missing at all higher ones.
    """
    rows, seed = subject.holdout.spread(ROWS), subject.spec.learner.seed
    train = subject.matrix.part_of("train")
    train = train.rows_of(spread(train.target.size, TRAIN_ROWS))
    for level in NOISES:
        values = noisy_values(rows.matrix, train, np.random.default_rng(seed), noise=level)
        yield _lost(subject, rows, values, "noise", level)
    chance = np.random.default_rng(seed).random(rows.matrix.values.shape)
    for level in MISSINGS:
        yield _lost(subject, rows, np.where(chance < level, np.nan, rows.matrix.values), "missing", level)


def _lost(subject: Subject, rows: ScoredPart, values: Floats, kind: str, level: float) -> Measurement:
    score, name = rows.score_again(values), f"{kind} {100 * level:g} %"
    if subject.spec.learner.task == "binary":
        found = roc_auc_difference(rows.target, rows.score, score, entity=rows.entity, subject=name)
        metric = "degraded_auc_drop"
    else:
        after, before = losses_of(subject.spec, rows, score), losses_of(subject.spec, rows)
        found = loss_change(after, before, entity=rows.entity, subject=name)
        metric = "degraded_loss_change"
    return dataclasses.replace(found, metric=metric, facts={**found.facts, "kind": kind, "level": level})
