"""Live numbers: how far off predicted numbers and quantiles were in a window, and how much worse than at release."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ml_platform.core.measurement import Measurement
from ml_platform.stages.live_losses import measure_live_losses
from ml_platform.stages.measure_numbers import coverage_error
from ml_platform.stages.row_losses import quantile_of
from ml_platform.stats.bias import bias
from ml_platform.stats.bias_share import bias_share
from ml_platform.stats.coverage import coverage
from ml_platform.stats.mean_absolute_error import mean_absolute_error
from ml_platform.stats.square_and_add import bounds_of_difference

if TYPE_CHECKING:
    from ml_platform.policy.spec import ModelSpec
    from ml_platform.stages.reference import Reference

Floats = NDArray[np.float64]


def measure_live_numbers(spec: ModelSpec, label: Floats, score: Floats, reference: Reference) -> Iterator[Measurement]:
    """Measure a window's labelled predictions against the release's holdout and against the best constant then."""
    yield from measure_live_losses(spec, label, score, reference)
    yield dataclasses.replace(mean_absolute_error(label, score), metric="live_mean_absolute_error")
    if spec.learner.task == "quantile":
        error = coverage_error(coverage(label, score), quantile_of(spec.learner))
        yield dataclasses.replace(error, metric="live_coverage_error")
        return
    yield dataclasses.replace(bias(label, score), metric="live_bias")
    yield dataclasses.replace(bias_share(label, score), metric="live_bias_share")
    yield _bias_change(label, score, reference)


def _bias_change(label: Floats, score: Floats, reference: Reference) -> Measurement:
    """Measure the window's mean error less the holdout's at release, with the uncertainty of both."""
    metric, now = "live_bias_change", bias(label, score)
    if reference.proven is None or now.value is None:
        reason = now.reason or "the release keeps no outcomes of its holdout to compare with"
        return Measurement(metric=metric, value=None, n=now.n, reason=reason)
    outcome, proven = reference.proven
    then = bias(outcome, proven[:, 0])
    low, high = bounds_of_difference(now, then)
    value = None if then.value is None else now.value - then.value
    facts = {"bias": now.value, "bias_at_release": then.value}
    return dataclasses.replace(now, metric=metric, value=value, low=low, high=high, reason=then.reason, facts=facts)
