"""Generalisation gap: how much better a model looks on the rows it has seen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ml_platform.core.measurement import Measurement
from ml_platform.stats.roc_auc import roc_auc
from ml_platform.stats.square_and_add import bounds_of_difference

if TYPE_CHECKING:
    from numpy.typing import ArrayLike


def generalisation_gap(
    train_y: ArrayLike,
    train_score: ArrayLike,
    holdout_y: ArrayLike,
    holdout_score: ArrayLike,
    *,
    train_entity: ArrayLike | None = None,
    holdout_entity: ArrayLike | None = None,
    confidence: float = 0.95,
    subject: str = "",
) -> Measurement:
    """Return ROC AUC on training rows - ROC AUC on the holdout, with an interval from both DeLong intervals.

    Outcomes hold 0/1, scores finite numbers; shapes (n,) and (m,). Undefined when either AUC is. `n` is the smaller
    table; facts: train, holdout, train_n, holdout_n. ValueError when lengths differ within a table. Sources: DeLong
    et al. 1988, Biometrics 44; Zou and Donner 2008, Stat. Med. 27.

    >>> generalisation_gap([0, 1, 0, 1], [0.1, 0.9, 0.2, 0.8], [0, 1, 0, 1], [0.1, 0.4, 0.35, 0.3]).value
    0.25
    """
    train = roc_auc(train_y, train_score, entity=train_entity, confidence=confidence)
    holdout = roc_auc(holdout_y, holdout_score, entity=holdout_entity, confidence=confidence)
    low, high = bounds_of_difference(train, holdout)
    reasons = [f"{name}: {one.reason}" for name, one in (("training", train), ("holdout", holdout)) if one.reason]
    return Measurement(
        metric="generalisation_gap",
        value=None if train.value is None or holdout.value is None else train.value - holdout.value,
        n=min(train.n, holdout.n),
        low=low,
        high=high,
        confidence=confidence,
        subject=subject,
        reason="; ".join(reasons),
        facts={"train": train.value, "holdout": holdout.value, "train_n": train.n, "holdout_n": holdout.n},
    )
