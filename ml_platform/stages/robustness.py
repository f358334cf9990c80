"""Robustness: what noise, a missing feature or a category never seen does to scores and decisions."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ml_platform.core.measurement import Measurement
from ml_platform.stats.prediction_flip_share import prediction_flip_share
from ml_platform.stats.roc_auc_difference import roc_auc_difference

if TYPE_CHECKING:
    from ml_platform.stages.matrix import Matrix
    from ml_platform.stages.scored_part import ScoredPart

NOISE = 0.05
ROWS = 3000

Floats = NDArray[np.float64]


def measure_robustness(holdout: ScoredPart, train: Matrix, *, seed: int) -> Iterator[Measurement]:
    """Measure flips under noise, and AUC lost and flips for every feature that goes missing, on up to 3,000 rows.

    The noise is normal with 5 % of the feature's standard deviation on the training rows. A category never seen is a
    missing value to the model, so one scoring answers both questions.
    """
    rows = holdout.spread(ROWS)
    yield _noise(rows, train, np.random.default_rng(seed))
    unseen = []
    for place, name in enumerate(rows.matrix.names):
        values = rows.matrix.values.copy()
        values[:, place] = np.nan
        score = rows.score_again(values)
        yield _drop(rows, score, name)
        if name in rows.matrix.categorical:
            unseen.append(_flips(rows, score, "unseen_level_flip_share", name))
    yield from unseen or [_nothing_to_be_unseen(rows)]


def noisy_values(rows: Matrix, train: Matrix, rng: np.random.Generator, *, noise: float = NOISE) -> Floats:
    """Return the rows' values with normal noise, a share of each numeric feature's standard deviation when trained."""
    numeric = np.array([name not in train.categorical for name in train.names])
    sample = train.values[:, numeric]
    spread = np.nan_to_num(np.nanstd(np.where(np.isnan(sample).all(axis=0), 0.0, sample), axis=0))
    values = rows.values.copy()
    values[:, numeric] += rng.normal(size=(len(values), int(numeric.sum()))) * noise * spread
    return values


def _noise(rows: ScoredPart, train: Matrix, rng: np.random.Generator) -> Measurement:
    score = rows.score_again(noisy_values(rows.matrix, train, rng))
    found = _flips(rows, score, "noise_flip_share", "")
    return dataclasses.replace(found, facts={**found.facts, "noise_of_standard_deviation": NOISE})


def _drop(rows: ScoredPart, score: Floats, name: str) -> Measurement:
    found = roc_auc_difference(rows.target, rows.score, score, entity=rows.entity, subject=name)
    return dataclasses.replace(found, metric="missing_feature_auc_drop")


def _flips(rows: ScoredPart, score: Floats, metric: str, subject: str) -> Measurement:
    found = prediction_flip_share(rows.decision, rows.decide(score), entity=rows.entity, subject=subject)
    return dataclasses.replace(found, metric=metric)


def _nothing_to_be_unseen(rows: ScoredPart) -> Measurement:
    return Measurement(
        metric="unseen_level_flip_share", value=0.0, n=rows.score.size, unit="share", facts={"category_features": 0}
    )
