"""Simple model: what a linear model predicts, for every task; a gain over it is what the trees are for."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, assert_never

import numpy as np
from numpy.typing import NDArray

from ml_platform.stages.baseline import MOST_ROWS, designs, simple_scores
from ml_platform.stages.row_losses import quantile_of
from ml_platform.stages.spread import spread

if TYPE_CHECKING:
    from ml_platform.policy.spec import Learner
    from ml_platform.stages.matrix import Matrix

Floats = NDArray[np.float64]
NAMES = {
    "binary": "logistic regression",
    "multiclass": "a logistic regression per class",
    "regression": "linear regression",
    "quantile": "linear regression, moved to the quantile",
}


def simple_predictions(learner: Learner, train: Matrix, rows: Matrix, *, classes: int) -> Floats | None:
    """Return the simple model's prediction of each row, in the form of the model's own scores; None without a fit.

    It learns on up to 8,000 training rows, spread evenly. Probabilities of several classes are the classes' own,
    divided by their sum.
    """
    match learner.task:
        case "binary":
            odds = simple_scores(train, rows)
            return None if odds is None else _probability(odds)
        case "multiclass":
            return _of_classes(train, rows, classes)
        case "regression":
            return _linear(train, rows)[1]
        case "quantile":
            fitted, predicted = _linear(train, rows)
            own = train.target[spread(train.target.size, MOST_ROWS)]
            return predicted + np.quantile(own - fitted, quantile_of(learner))
        case task:
            assert_never(task)


def _of_classes(train: Matrix, rows: Matrix, classes: int) -> Floats | None:
    found = []
    for code in range(classes):
        odds = simple_scores(dataclasses.replace(train, target=(train.target == code).astype(np.float64)), rows)
        if odds is None:
            return None
        found.append(_probability(odds))
    table = np.maximum(np.column_stack(found), np.finfo(np.float64).tiny)
    shares: Floats = table / table.sum(axis=1, keepdims=True)
    return shares


def _linear(train: Matrix, rows: Matrix) -> tuple[Floats, Floats]:
    train = train.rows_of(spread(train.target.size, MOST_ROWS))
    design, other = designs(train, rows, _level_means)
    coefficients = np.linalg.lstsq(design, train.target, rcond=None)[0]
    return design @ coefficients, other @ coefficients


def _level_means(codes: Floats, target: Floats) -> Floats:
    """Return the mean of each level, shrunken towards all rows' by 20 rows; the last is for no level."""
    known = ~np.isnan(codes)
    places, mean = codes[known].astype(np.intp), float(target.mean())
    count = np.bincount(places)
    total = np.bincount(places, weights=target[known])
    return np.append((total + 20 * mean) / (count + 20), mean)


def _probability(odds: Floats) -> Floats:
    probability: Floats = 0.5 * (1 + np.tanh(odds / 2))
    return probability
