"""Dominance: which features explain alone what nothing else explains, as a leak does."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, assert_never

import numpy as np
from numpy.typing import NDArray

from ml_platform.core.measurement import Measurement
from ml_platform.learners.lightgbm_native import contributions, fit, predict
from ml_platform.learners.rows import Rows
from ml_platform.policy.spec import Learner
from ml_platform.stages.after_the_fact import ranks
from ml_platform.stages.matrix import Matrix
from ml_platform.stages.row_losses import constant_scores, row_losses
from ml_platform.stages.spread import spread
from ml_platform.stats.feature_dominance import METRIC, feature_dominance

if TYPE_CHECKING:
    from ml_platform.policy.spec import ModelSpec

Floats = NDArray[np.float64]

MOST_ROWS = 6_000
LEAST_ROWS = 100
STRONGEST = 5
EXPLAINED_ROWS = 500
RELATED = 0.7
_LACKING = {"binary": "one class only", "multiclass": "no row of one of the classes"}
# Small trees on few bins: they need to see what is strong, not to be good.
QUICK = Learner(
    kind="lightgbm",
    objective="binary",
    seed=1,
    threads=1,
    rounds=20,
    parameters={"num_leaves": 8, "learning_rate": 0.2, "min_data_in_leaf": 20, "max_bin": 63},
)


def measure_dominance(spec: ModelSpec, learned: Matrix) -> tuple[Measurement, ...]:
    """Measure the strongest features, each taken away alone and together with those that rank the rows as it does.

    Two quick models, each trained on every other row of at most 6,000 training rows, score the rows that they haven't
    seen. Of the two ways to take a feature away the one that costs more counts, so that copies of a leak don't hide
    one another. A feature beyond the five strongest has at most a sixth of all contributions.
    """
    rows = learned.rows_of(spread(learned.target.size, MOST_ROWS))
    flaw = _flaw(spec, rows.target)
    if flaw:
        return (Measurement(metric=METRIC, value=None, n=rows.target.size, reason=flaw),)
    quick = _quick(spec)
    full, strength = _full(quick, rows)
    related = _related(rows)
    strongest = [rows.names[place] for place in np.argsort(-strength, kind="stable")[:STRONGEST]]
    return tuple(
        _dominance(quick, rows, name, full, [other for other in related[name] if other != name]) for name in strongest
    )


@dataclasses.dataclass(frozen=True, slots=True)
class _Quick:
    """A quick learner of the model's task, with the names of its classes."""

    learner: Learner
    classes: tuple[str, ...]

    def losses(self, target: Floats, score: Floats) -> Floats:
        """Return the loss of each row; squares of a number's, because that is what explained variance is made of."""
        if self.learner.task == "regression":
            squares: Floats = np.square(score - target)
            return squares
        return row_losses(self.learner, target, score)

    def losses_of_none(self, target: Floats) -> Floats:
        """Return the losses when nothing is known of a row."""
        if self.learner.task == "regression":
            squares: Floats = np.square(target - target.mean())
            return squares
        return row_losses(
            self.learner, target, constant_scores(self.learner, target, target.size, classes=len(self.classes))
        )


def _quick(spec: ModelSpec) -> _Quick:
    task = spec.learner.task
    learner = QUICK.model_copy(update={"objective": task, "quantile": spec.learner.quantile})
    return _Quick(learner, spec.classes)


def _flaw(spec: ModelSpec, target: Floats) -> str:
    if target.size < LEAST_ROWS:
        return f"{target.size} training rows; {LEAST_ROWS} are needed to compare models"
    match spec.learner.task:
        case "binary" | "multiclass":
            lacking = any(np.unique(target[half]).size < len(spec.classes) for half in _halves(target.size))
            return f"one half of the training rows has {_LACKING[spec.learner.task]}" if lacking else ""
        case "regression" | "quantile":
            same = any(np.unique(target[half]).size < 2 for half in _halves(target.size))
            return "the outcomes of one half of the training rows are all the same" if same else ""
        case task:
            assert_never(task)


def _halves(n: int) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    even = np.arange(n) % 2 == 0
    return even, ~even


def _dominance(quick: _Quick, rows: Matrix, name: str, full: Floats, relatives: Sequence[str]) -> Measurement:
    none = quick.losses_of_none(rows.target)
    found = []
    for gone in [(name,), (name, *relatives)] if relatives else [(name,)]:
        rest = _held_out(quick, rows, [other for other in rows.names if other not in gone])
        measured = feature_dominance(full, rest, none, entity=rows.entity, subject=name)
        taken = {"taken_away_with": ", ".join(gone[1:]) or "nothing"}
        found.append(dataclasses.replace(measured, facts={**measured.facts, **taken}))
    return max(found, key=lambda each: -np.inf if each.value is None else each.value)


def _full(quick: _Quick, rows: Matrix) -> tuple[Floats, Floats]:
    """Return each row's log loss under a model of all features, and the mean contribution of each feature to scores."""
    losses, explained = np.empty(rows.target.size), []
    for held, text, values in _models(quick, rows, rows.names):
        losses[held] = quick.losses(rows.target[held], predict(text, values))
        explained.append(_sizes(contributions(text, values[spread(len(values), EXPLAINED_ROWS)])))
    strength: Floats = np.vstack(explained).mean(axis=0)
    return losses, strength


def _sizes(contributed: Floats) -> Floats:
    """Return the mean size of contributions of each feature, over rows and over classes, if there are several."""
    sizes: Floats = np.abs(contributed).mean(axis=tuple(range(contributed.ndim - 1)))
    return sizes


def _held_out(quick: _Quick, rows: Matrix, names: Sequence[str]) -> Floats:
    """Return each row's log loss under a model that hasn't seen it."""
    if not names:
        return quick.losses_of_none(rows.target)
    losses = np.empty(rows.target.size)
    for held, text, values in _models(quick, rows, names):
        losses[held] = quick.losses(rows.target[held], predict(text, values))
    return losses


def _models(quick: _Quick, rows: Matrix, names: Sequence[str]) -> Iterator[tuple[NDArray[np.bool_], str, Floats]]:
    """Yield for each half of the rows a model of the other half, and the half's values."""
    places = [rows.names.index(name) for name in names]
    values = np.where(np.isinf(rows.values[:, places]), np.nan, rows.values[:, places])
    categorical = tuple(name for name in names if name in rows.categorical)
    for held in _halves(rows.target.size):
        seen = Rows(
            values=values[~held],
            target=rows.target[~held],
            names=tuple(names),
            categorical=categorical,
            classes=quick.classes,
        )
        yield held, fit(quick.learner, seen).text, values[held]


def _related(rows: Matrix) -> dict[str, list[str]]:
    """Name for each feature those that rank the rows much as it does, up or down; levels rank by their outcomes."""
    ranked = np.column_stack([ranks(_ordered(rows, name)) for name in rows.names])
    varying = ranked.std(axis=0) > 0
    alike = np.zeros((len(rows.names), len(rows.names)))
    alike[np.ix_(varying, varying)] = np.abs(np.atleast_2d(np.corrcoef(ranked[:, varying].T))) if varying.any() else 0
    return {
        name: [other for other, near in zip(rows.names, line, strict=True) if near >= RELATED]
        for name, line in zip(rows.names, alike, strict=True)
    }


def _ordered(rows: Matrix, name: str) -> Floats:
    values = rows.column(name)
    present = np.isfinite(values)
    if name not in rows.categorical:
        least = values[present].min() - 1 if present.any() else 0.0
        return np.where(np.isnan(values), least, values)
    codes = np.where(present, values, -1.0).astype(np.intp) + 1
    rows_of_level = np.bincount(codes)
    rate: Floats = (np.bincount(codes, weights=rows.target) + rows.target.mean()) / (rows_of_level + 1)
    return rate[codes]
