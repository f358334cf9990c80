"""Live numbers: how far off predicted numbers and quantiles were in a window, and how much worse than at release."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ml_platform.core.measurement import Measurement
from ml_platform.stages.measure_numbers import coverage_error
from ml_platform.stages.row_losses import constant_scores, quantile_of, row_losses
from ml_platform.stats.bias import bias
from ml_platform.stats.bias_share import bias_share
from ml_platform.stats.coverage import coverage
from ml_platform.stats.loss_change import loss_change
from ml_platform.stats.mean_absolute_error import mean_absolute_error
from ml_platform.stats.mean_interval import mean_interval
from ml_platform.stats.square_and_add import bounds_of_difference

if TYPE_CHECKING:
    from ml_platform.policy.spec import ModelSpec
    from ml_platform.stages.reference import Reference

Floats = NDArray[np.float64]


def measure_live_numbers(spec: ModelSpec, label: Floats, score: Floats, reference: Reference) -> Iterator[Measurement]:
    """Measure a window's labelled predictions against the release's holdout and against the best constant then."""
    losses = row_losses(spec.learner, label, score)
    yield live_loss_change(losses, reference)
    trained = reference.rows[spec.target].to_numpy(dtype=np.float64, na_value=np.nan)
    constant = constant_scores(spec.learner, trained[np.isfinite(trained)], label.size, classes=0)
    against = loss_change(losses, row_losses(spec.learner, label, constant))
    yield dataclasses.replace(against, metric="live_loss_against_constant")
    yield dataclasses.replace(mean_absolute_error(label, score), metric="live_mean_absolute_error")
    if spec.learner.task == "quantile":
        error = coverage_error(coverage(label, score), quantile_of(spec.learner))
        yield dataclasses.replace(error, metric="live_coverage_error")
        return
    yield dataclasses.replace(bias(label, score), metric="live_bias")
    yield dataclasses.replace(bias_share(label, score), metric="live_bias_share")


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
