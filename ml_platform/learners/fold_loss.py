"""Fold loss: what a learner's own objective costs on held rows after training on others."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from ml_platform.core.errors import DataInvalid
from ml_platform.learners.lightgbm_native import fit, library

if TYPE_CHECKING:
    from ml_platform.learners.rows import Rows
    from ml_platform.policy.spec import Learner


def fold_loss(learner: Learner, train: Rows, held: Rows) -> float:
    """Return the mean loss on the held rows, at the best round when the learner stops early on them.

    Raises DataInvalid, with what was said, when the parameters can't be trained with or give no finite loss.
    """
    refused: type[Exception] = library().basic.LightGBMError
    try:
        loss = fit(learner, train, held, watch=True).validation_loss
    except refused as error:
        message = f"learner.parameters: LightGBM can't train with them ({error}); change the named one"
        raise DataInvalid(message) from error
    if loss is None or not math.isfinite(loss):
        raise DataInvalid(f"learner.parameters: the loss on held rows is {loss}; a number is needed; change them")
    return loss


def fold_outcome(fold: tuple[Rows, Rows], learner: Learner) -> float | str:
    """Return the loss of a fold (rows to train on, held rows), or why there is none."""
    try:
        return fold_loss(learner, *fold)
    except DataInvalid as error:
        return str(error)
