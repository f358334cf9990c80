"""Drift: how well training and holdout rows can be told apart by their features."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ml_platform.learners.lightgbm_native import fit, predict
from ml_platform.learners.rows import Rows
from ml_platform.policy.spec import Learner
from ml_platform.stages.spread import spread
from ml_platform.stats.roc_auc import roc_auc

if TYPE_CHECKING:
    from ml_platform.core.measurement import Measurement
    from ml_platform.stages.matrix import Matrix

ROWS = 3000
ROUNDS = 40
LEAVES = 7


def measure_drift(train: Matrix, holdout: Matrix, *, seed: int) -> Measurement:
    """Measure `holdout_drift_auc`: the AUC of a small model told to tell holdout rows from training rows.

    It learns on every second of up to 3,000 rows of each and is measured on the others; rows of one entity are on one
    side. Source: Lopez-Paz and Oquab 2017, Revisiting Classifier Two-Sample Tests, ICLR.
    """
    ours, theirs = (rows.rows_of(spread(len(rows.values), ROWS)) for rows in (train, holdout))
    values = np.vstack([ours.values, theirs.values])
    origin = np.repeat([0.0, 1.0], [len(ours.values), len(theirs.values)])
    learning = np.concatenate([_side(ours), _side(theirs)])
    entity = None if ours.entity is None or theirs.entity is None else np.concatenate([ours.entity, theirs.entity])
    learner = Learner(
        kind="lightgbm", objective="binary", seed=seed, threads=1, rounds=ROUNDS, parameters={"num_leaves": LEAVES}
    )
    rows = Rows(values=values[learning], target=origin[learning], names=train.names, categorical=train.categorical)
    score = predict(fit(learner, rows).text, values[~learning])
    found = roc_auc(origin[~learning], score, entity=None if entity is None else entity[~learning])
    return dataclasses.replace(found, metric="holdout_drift_auc")


def _side(matrix: Matrix) -> NDArray[np.bool_]:
    keys = np.arange(len(matrix.values), dtype=np.uint64) if matrix.entity is None else matrix.entity
    first: NDArray[np.bool_] = keys % np.uint64(2) == 0
    return first
