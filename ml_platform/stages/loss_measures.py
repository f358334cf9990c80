"""Loss measures: what is measured alike of numbers, quantiles and several classes, all of it as a loss per row."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ml_platform.core.measurement import Measurement
from ml_platform.stages.group_gaps import measure_gaps, treated
from ml_platform.stages.robustness import NOISE, ROWS, noisy_values
from ml_platform.stages.row_losses import constant_scores, row_losses
from ml_platform.stages.simple_model import NAMES, simple_predictions
from ml_platform.stages.slices import cuts
from ml_platform.stats.loss_change import loss_change
from ml_platform.stats.mean_interval import mean_interval

if TYPE_CHECKING:
    from ml_platform.policy.spec import ModelSpec
    from ml_platform.stages.scored_part import ScoredPart

Floats = NDArray[np.float64]


def losses_of(spec: ModelSpec, part: ScoredPart, score: Floats | None = None) -> Floats:
    """Return the loss of each row under its own scores, or under others."""
    return row_losses(spec.learner, part.target, part.score if score is None else score)


def constant_losses(spec: ModelSpec, part: ScoredPart, train: Floats) -> Floats:
    """Return the loss of each row under the constant that is best for training outcomes."""
    constant = constant_scores(spec.learner, train, part.target.size, classes=len(spec.classes))
    return row_losses(spec.learner, part.target, constant)


def measure_losses(
    spec: ModelSpec, holdout: ScoredPart, train: ScoredPart, levels: Mapping[str, Sequence[str]]
) -> Iterator[Measurement]:
    """Measure the loss against a constant and a simple model, its gap to training, its slices and its groups."""
    own = losses_of(spec, holdout)
    base = constant_losses(spec, holdout, train.target)
    yield _renamed(loss_change(own, base, entity=holdout.entity), "loss_against_constant")
    yield _against_simple(spec, holdout, train, own)
    yield _gap(spec, own, float(base.mean()), train, holdout)
    yield from _slices(holdout, own, levels)
    yield from measure_gaps(treated(spec, holdout, own), holdout.matrix.groups)


def _against_simple(spec: ModelSpec, holdout: ScoredPart, train: ScoredPart, own: Floats) -> Measurement:
    metric = "loss_against_simple_model"
    simple = simple_predictions(spec.learner, train.matrix, holdout.matrix, classes=len(spec.classes))
    if simple is None:
        reason = f"the simple model, {NAMES[spec.learner.task]}, has no finite fit on the training rows"
        return Measurement(metric=metric, value=None, n=own.size, unit="share", reason=reason)
    found = loss_change(own, losses_of(spec, holdout, simple), entity=holdout.entity)
    return _renamed(found, metric, simple_model=NAMES[spec.learner.task])


def _gap(spec: ModelSpec, own: Floats, unit: float, train: ScoredPart, holdout: ScoredPart) -> Measurement:
    from ml_platform.stats.square_and_add import bounds_of_difference

    if not unit > 0:
        reason = "the constant has no loss on the holdout to compare with"
        return Measurement(metric="loss_gap", value=None, n=own.size, unit="share", reason=reason)
    seen = mean_interval(losses_of(spec, train) / unit, entity=train.entity)
    new = mean_interval(own / unit, entity=holdout.entity)
    low, high = bounds_of_difference(new, seen)
    return Measurement(
        metric="loss_gap",
        value=None if new.value is None or seen.value is None else new.value - seen.value,
        n=min(new.n, seen.n),
        low=low,
        high=high,
        confidence=new.confidence,
        unit="share",
        reason=new.reason or seen.reason,
        facts={"train": seen.value, "holdout": new.value, "train_n": seen.n, "holdout_n": new.n},
    )


def _slices(holdout: ScoredPart, own: Floats, levels: Mapping[str, Sequence[str]]) -> Iterator[Measurement]:
    mean = float(own.mean())
    if not mean > 0:
        yield Measurement(
            metric="slice_loss_change", value=0.0, n=own.size, unit="share", subject="all rows", facts={"loss": mean}
        )
        return
    found = list(cuts(holdout, levels)) or [("", np.full(own.size, "all rows", dtype=object))]
    for name, cut in found:
        for value in sorted(set(cut.tolist())):
            rows = cut == value
            entity = None if holdout.entity is None else holdout.entity[rows]
            subject = f"{name}={value}" if name else value
            one = mean_interval(
                own[rows] / mean - 1, entity=entity, metric="slice_loss_change", unit="share", subject=subject
            )
            yield dataclasses.replace(one, facts={**one.facts, "loss": float(own[rows].mean())})


def measure_missing(holdout: ScoredPart) -> Iterator[tuple[str, ScoredPart, Floats]]:
    """Yield every feature with up to 3,000 rows and their scores when it goes missing."""
    rows = holdout.spread(ROWS)
    for place, name in enumerate(rows.matrix.names):
        values = rows.matrix.values.copy()
        values[:, place] = np.nan
        yield name, rows, rows.score_again(values)


def missing_change(spec: ModelSpec, rows: ScoredPart, score: Floats, name: str, metric: str) -> Measurement:
    """Measure how much the loss grows with other scores of the same rows."""
    before, after = losses_of(spec, rows), losses_of(spec, rows, score)
    return _renamed(loss_change(after, before, entity=rows.entity, subject=name), metric)


def noisy_scores(holdout: ScoredPart, train: ScoredPart, *, seed: int) -> tuple[ScoredPart, Floats]:
    """Return up to 3,000 rows and their scores with normal noise of 5 % of each feature's standard deviation."""
    rows = holdout.spread(ROWS)
    return rows, rows.score_again(noisy_values(rows.matrix, train.matrix, np.random.default_rng(seed)))


def noise_change(spec: ModelSpec, holdout: ScoredPart, train: ScoredPart, *, seed: int) -> Measurement:
    """Measure how much the loss grows under noise."""
    rows, score = noisy_scores(holdout, train, seed=seed)
    found = loss_change(losses_of(spec, rows, score), losses_of(spec, rows), entity=rows.entity)
    return _renamed(found, "noise_loss_change", noise_of_standard_deviation=NOISE)


def compare_losses(spec: ModelSpec, holdout: ScoredPart, champion: Floats, new: NDArray[np.bool_]) -> Measurement:
    """Measure the candidate's loss against the champion's on the rows that are new to it."""
    entity = None if holdout.entity is None else holdout.entity[new]
    own, theirs = losses_of(spec, holdout)[new], losses_of(spec, holdout, champion)[new]
    return _renamed(loss_change(own, theirs, entity=entity), "loss_against_champion")


def _renamed(found: Measurement, metric: str, **facts: str | float) -> Measurement:
    return dataclasses.replace(found, metric=metric, facts={**found.facts, **facts})
