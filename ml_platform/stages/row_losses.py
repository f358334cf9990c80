"""Row losses: what each row's prediction costs under the learner's task, and the constant that costs least."""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

import numpy as np
from numpy.typing import NDArray

from ml_platform.stats.log_loss import row_log_losses
from ml_platform.stats.multiclass_log_loss import row_class_losses
from ml_platform.stats.pinball_loss import row_pinball_losses

if TYPE_CHECKING:
    from ml_platform.policy.spec import Learner

Floats = NDArray[np.float64]


def row_losses(learner: Learner, target: Floats, score: Floats) -> Floats:
    """Return the loss of each row, shape (n,): log loss in nats, absolute error, or pinball loss of the quantile."""
    match learner.task:
        case "binary":
            return row_log_losses(target == 1, score)
        case "multiclass":
            return row_class_losses(target.astype(np.intp), score)
        case "regression":
            return np.abs(score - target)
        case "quantile":
            return row_pinball_losses(target, score, quantile_of(learner))
        case task:
            assert_never(task)


def constant_scores(learner: Learner, train: Floats, rows: int, *, classes: int) -> Floats:
    """Return the prediction that is best for training outcomes when nothing is known of a row, for as many rows.

    The base rate, the classes' shares, the median, or the quantile; shape (rows,), or (rows, classes).
    """
    match learner.task:
        case "binary":
            return np.full(rows, train.mean())
        case "multiclass":
            counts = np.bincount(train.astype(np.intp), minlength=classes) + 1.0
            return np.tile(counts / counts.sum(), (rows, 1))
        case "regression":
            return np.full(rows, np.median(train))
        case "quantile":
            return np.full(rows, np.quantile(train, quantile_of(learner)))
        case task:
            assert_never(task)


def quantile_of(learner: Learner) -> float:
    """Return the quantile that a learner predicts; the median unless it says another."""
    return 0.5 if learner.quantile is None else learner.quantile
