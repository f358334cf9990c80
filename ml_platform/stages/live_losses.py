"""Live losses: how much a window's predictions cost, against the release's holdout and against a constant."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ml_platform.core.measurement import Measurement
from ml_platform.stages.outcome_codes import outcome_codes
from ml_platform.stages.row_losses import constant_scores, row_losses
from ml_platform.stats.loss_change import loss_change
from ml_platform.stats.mean_interval import mean_interval
from ml_platform.stats.square_and_add import bounds_of_difference

if TYPE_CHECKING:
    from ml_platform.policy.spec import ModelSpec
    from ml_platform.stages.reference import Reference

Floats = NDArray[np.float64]


def measure_live_losses(spec: ModelSpec, label: Floats, score: Floats, reference: Reference) -> Iterator[Measurement]:
    """Measure a window's mean loss against the holdout's at release, and against the best constant of training then."""
    losses = row_losses(spec.learner, label, score)
    yield live_loss_change(losses, reference)
    outcomes = reference.rows[spec.target].astype(object)
    trained = outcome_codes(spec.learner.task, reference.classes, outcomes.where(outcomes.notna(), None))
    known = trained[np.isfinite(trained)]
    constant = constant_scores(spec.learner, known, label.size, classes=len(reference.classes))
    against = loss_change(losses, row_losses(spec.learner, label, constant))
    yield dataclasses.replace(against, metric="live_loss_against_constant")


def live_loss_change(losses: Floats, reference: Reference) -> Measurement:
    """Measure the window's mean loss over the holdout's at release, minus 1, with the uncertainty of both.

    The two are independent samples; bounds of the difference come by squaring and adding, in units of the holdout's.
    """
    metric, then = "live_loss_change", reference.headline
    if then is None or not then > 0 or reference.standard_error is None:
        reason = "the release has no loss with an uncertainty on its holdout to compare with"
        return Measurement(metric=metric, value=None, n=losses.size, unit="share", reason=reason)
    now = mean_interval(losses / then)
    half = 1.96 * reference.standard_error / then
    before = Measurement(metric=metric, value=1.0, n=0, low=1.0 - half, high=1.0 + half, confidence=0.95)
    low, high = bounds_of_difference(now, before)
    return dataclasses.replace(
        now,
        metric=metric,
        value=None if now.value is None else now.value - 1.0,
        low=low,
        high=high,
        unit="share",
        facts={"loss": float(losses.mean()), "loss_at_release": then},
    )
