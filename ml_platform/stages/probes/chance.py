"""Chance: whether the learner finds more in the outcomes than in the same outcomes dealt at random."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np

from ml_platform.core.errors import DataInvalid
from ml_platform.core.measurement import Measurement
from ml_platform.stages.loss_measures import losses_of
from ml_platform.stages.probes.refit import refit, taught
from ml_platform.stages.spread import spread

if TYPE_CHECKING:
    from ml_platform.stages.matrix import Matrix
    from ml_platform.stages.probes.subject import Subject

METRIC = "permutation_p_value"
ROWS, ROUNDS = 2_000, 30
DEALT = 39


def measure_chance(subject: Subject) -> Measurement:
    """Measure the p-value of what a small training learned, against 39 trainings on outcomes in random order.

    Up to 2,000 training and 2,000 holdout rows, spread evenly, and at most 30 rounds; the statistic is the mean loss
    on the holdout. No p-value is below 1 in 40. Facts: the loss, and the smallest and the mean one of the permuted.
    Source: Ojala and Garriga 2010, Permutation tests for studying classifier performance, JMLR 11 (test 1).
    """
    train = taught(subject)
    train = train.rows_of(spread(train.target.size, ROWS))
    held = subject.holdout.matrix
    held = held.rows_of(spread(held.target.size, ROWS))
    rng = np.random.default_rng(subject.spec.learner.seed)
    try:
        own = _loss(subject, train, held)
        dealt = [_loss(subject, _permuted(train, rng), held) for _ in range(DEALT)]
    except DataInvalid as error:
        return Measurement(metric=METRIC, value=None, n=held.target.size, reason=str(error))
    return Measurement(
        metric=METRIC,
        value=(1 + sum(one <= own for one in dealt)) / (1 + DEALT),
        n=held.target.size,
        facts={
            "loss": own, "smallest_permuted_loss": min(dealt), "mean_permuted_loss": float(np.mean(dealt)),
            "permutations": DEALT, "train_n": train.target.size,
        },
    )  # fmt: skip


def _loss(subject: Subject, train: Matrix, held: Matrix) -> float:
    rounds = min(ROUNDS, subject.spec.learner.rounds)
    part = refit(subject, train, holdout=held, rounds=rounds)
    return float(losses_of(subject.spec, part).mean())


def _permuted(train: Matrix, rng: np.random.Generator) -> Matrix:
    return dataclasses.replace(train, target=rng.permutation(train.target))
