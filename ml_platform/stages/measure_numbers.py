"""Measure numbers: how far predicted numbers and quantiles are off, and in which direction."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from ml_platform.core.measurement import Measurement
from ml_platform.stages.loss_measures import measure_losses, measure_missing, missing_change, noise_change
from ml_platform.stages.row_losses import quantile_of
from ml_platform.stats.bias import bias
from ml_platform.stats.bias_share import bias_share
from ml_platform.stats.coverage import coverage
from ml_platform.stats.mean_absolute_error import mean_absolute_error
from ml_platform.stats.median_absolute_error import median_absolute_error
from ml_platform.stats.pinball_loss import pinball_loss
from ml_platform.stats.r_squared import r_squared
from ml_platform.stats.root_mean_squared_error import root_mean_squared_error

if TYPE_CHECKING:
    from ml_platform.policy.spec import ModelSpec
    from ml_platform.stages.scored_part import ScoredPart

Levels = Mapping[str, Sequence[str]]


def measure_regression(
    spec: ModelSpec, holdout: ScoredPart, train: ScoredPart, levels: Levels
) -> Iterator[Measurement]:
    """Measure predicted numbers; the mean absolute error comes first."""
    rows, entity = (holdout.target, holdout.score), holdout.entity
    statistics = (
        mean_absolute_error, median_absolute_error, root_mean_squared_error, bias, bias_share, r_squared,
    )  # fmt: skip
    yield from (statistic(*rows, entity=entity) for statistic in statistics)
    yield from measure_losses(spec, holdout, train, levels)
    yield from _robustness(spec, holdout, train)


def measure_quantile(spec: ModelSpec, holdout: ScoredPart, train: ScoredPart, levels: Levels) -> Iterator[Measurement]:
    """Measure predicted quantiles; the pinball loss comes first."""
    rows, entity, quantile = (holdout.target, holdout.score), holdout.entity, quantile_of(spec.learner)
    yield pinball_loss(*rows, quantile=quantile, entity=entity)
    covered = coverage(*rows, entity=entity)
    yield covered
    yield coverage_error(covered, quantile)
    yield from (statistic(*rows, entity=entity) for statistic in (mean_absolute_error, median_absolute_error))
    yield from measure_losses(spec, holdout, train, levels)
    yield from _robustness(spec, holdout, train)


def coverage_error(covered: Measurement, quantile: float) -> Measurement:
    """Return a coverage as its distance from the quantile that was to be covered."""
    value, low, high = (None if one is None else one - quantile for one in (covered.value, covered.low, covered.high))
    facts = {**covered.facts, "quantile": quantile}
    return dataclasses.replace(covered, metric="coverage_error", value=value, low=low, high=high, facts=facts)


def _robustness(spec: ModelSpec, holdout: ScoredPart, train: ScoredPart) -> Iterator[Measurement]:
    yield noise_change(spec, holdout, train, seed=spec.learner.seed)
    unseen = []
    for name, rows, score in measure_missing(holdout):
        yield missing_change(spec, rows, score, name, "missing_feature_loss_change")
        if name in rows.matrix.categorical:
            # A category never seen is a missing value to the model, so one scoring answers both questions.
            unseen.append(missing_change(spec, rows, score, name, "unseen_level_loss_change"))
    facts = {"category_features": 0}
    nothing = Measurement(
        metric="unseen_level_loss_change", value=0.0, n=holdout.target.size, unit="share", facts=facts
    )
    yield from unseen or [nothing]
