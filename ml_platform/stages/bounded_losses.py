"""Bounded losses: what a prediction cost once its outcome is known, from 0 to 1, so that it can be bet on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, assert_never

import numpy as np
from numpy.typing import NDArray

from ml_platform.stages.outcome_codes import outcome_codes
from ml_platform.stages.row_losses import row_losses

if TYPE_CHECKING:
    from ml_platform.core.traffic import Outcome, Prediction
    from ml_platform.policy.spec import Learner

Floats = NDArray[np.float64]
BoundedLoss = Callable[[Sequence["Prediction"], Sequence["Outcome"]], Floats]
MOST = 8.0  # times the usual loss of a number; what is further off counts as that


def bounded_losses(learner: Learner, classes: Sequence[str], *, usual: float | None) -> BoundedLoss:
    """Return what scored predictions lost, shape (n,), in 0 to 1; NaN where a label is no outcome of the target.

    Squared distance to the outcome (halved for several classes); of numbers and quantiles their own loss as a part of
    eight times the `usual` one, that of the release's holdout. Without a usual loss above 0 all are NaN.
    """

    def losses(predictions: Sequence[Prediction], outcomes: Sequence[Outcome]) -> Floats:
        codes = outcome_codes(learner.task, classes, outcomes)
        match learner.task:
            case "binary":
                return np.square(_scores(predictions) - codes)
            case "multiclass":
                return _of_classes(predictions, codes, len(classes))
            case "regression" | "quantile":
                most = MOST * (usual or 0.0)
                lost = row_losses(learner, codes, _scores(predictions))
                return np.minimum(lost / most, 1.0) if most > 0 else np.full(codes.size, np.nan)
            case task:
                assert_never(task)

    return losses


def _scores(predictions: Sequence[Prediction]) -> Floats:
    return np.array([one.score for one in predictions], dtype=np.float64)


def _of_classes(predictions: Sequence[Prediction], codes: Floats, count: int) -> Floats:
    lost = np.full(codes.size, np.nan)
    for row, (one, code) in enumerate(zip(predictions, codes, strict=True)):
        if len(one.scores) == count and np.isfinite(code):
            lost[row] = np.square(np.array(one.scores) - (np.arange(count) == code)).sum() / 2
    most: Floats = np.minimum(lost, 1.0)
    return most
