"""Dominance: which features explain alone what nothing else explains, as a leak does."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from ml_platform.core.measurement import Measurement
from ml_platform.learners.lightgbm_native import contributions, fit, predict
from ml_platform.learners.rows import Rows
from ml_platform.policy.spec import Learner
from ml_platform.stages.after_the_fact import ranks
from ml_platform.stages.matrix import Matrix
from ml_platform.stages.spread import spread
from ml_platform.stats.feature_dominance import METRIC, feature_dominance
from ml_platform.stats.log_loss import row_log_losses

Floats = NDArray[np.float64]

MOST_ROWS = 6_000
LEAST_ROWS = 100
STRONGEST = 5
EXPLAINED_ROWS = 500
RELATED = 0.7
# Small trees on few bins: they need to see what is strong, not to be good.
QUICK = Learner(
    kind="lightgbm",
    objective="binary",
    seed=1,
    threads=1,
    rounds=20,
    parameters={"num_leaves": 8, "learning_rate": 0.2, "min_data_in_leaf": 20, "max_bin": 63},
)


def measure_dominance(learned: Matrix) -> tuple[Measurement, ...]:
    """Measure the strongest features, each taken away alone and together with those that rank the rows as it does.

    Two quick models, each trained on every other row of at most 6,000 training rows, score the rows that they haven't
    seen. Of the two ways to take a feature away the one that costs more counts, so that copies of a leak don't hide
    one another. A feature beyond the five strongest has at most a sixth of all contributions.
    """
    rows = learned.rows_of(spread(learned.target.size, MOST_ROWS))
    flaw = _flaw(rows.target)
    if flaw:
        return (Measurement(metric=METRIC, value=None, n=rows.target.size, reason=flaw),)
    names = list(rows.names)
    full, strength = _full(rows)
    related = _related(rows)
    strongest = [names[place] for place in np.argsort(-strength, kind="stable")[:STRONGEST]]
    return tuple(
        _dominance(rows, name, full, [other for other in related[name] if other != name]) for name in strongest
    )


def _flaw(target: Floats) -> str:
    if target.size < LEAST_ROWS:
        return f"{target.size} training rows; {LEAST_ROWS} are needed to compare models"
    if any(not 0 < target[half].mean() < 1 for half in _halves(target.size)):
        return "one half of the training rows has one class only"
    return ""


def _halves(n: int) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    even = np.arange(n) % 2 == 0
    return even, ~even


def _dominance(rows: Matrix, name: str, full: Floats, relatives: Sequence[str]) -> Measurement:
    none = _losses_of_none(rows.target)
    found = []
    for gone in [(name,), (name, *relatives)] if relatives else [(name,)]:
        rest = _held_out(rows, [other for other in rows.names if other not in gone])
        measured = feature_dominance(full, rest, none, entity=rows.entity, subject=name)
        taken = {"taken_away_with": ", ".join(gone[1:]) or "nothing"}
        found.append(dataclasses.replace(measured, facts={**measured.facts, **taken}))
    return max(found, key=lambda each: -np.inf if each.value is None else each.value)


def _full(rows: Matrix) -> tuple[Floats, Floats]:
    """Return each row's log loss under a model of all features, and the mean contribution of each feature to scores."""
    losses, explained = np.empty(rows.target.size), []
    for held, text, values in _models(rows, rows.names):
        losses[held] = row_log_losses(rows.target[held] == 1, predict(text, values))
        explained.append(contributions(text, values[spread(len(values), EXPLAINED_ROWS)]))
    strength: Floats = np.abs(np.vstack(explained)).mean(axis=0)
    return losses, strength


def _held_out(rows: Matrix, names: Sequence[str]) -> Floats:
    """Return each row's log loss under a model that hasn't seen it."""
    if not names:
        return _losses_of_none(rows.target)
    losses = np.empty(rows.target.size)
    for held, text, values in _models(rows, names):
        losses[held] = row_log_losses(rows.target[held] == 1, predict(text, values))
    return losses


def _models(rows: Matrix, names: Sequence[str]) -> Iterator[tuple[NDArray[np.bool_], str, Floats]]:
    """Yield for each half of the rows a model of the other half, and the half's values."""
    places = [rows.names.index(name) for name in names]
    values = np.where(np.isinf(rows.values[:, places]), np.nan, rows.values[:, places])
    categorical = tuple(name for name in names if name in rows.categorical)
    for held in _halves(rows.target.size):
        seen = Rows(values=values[~held], target=rows.target[~held], names=tuple(names), categorical=categorical)
        yield held, fit(QUICK, seen).text, values[held]


def _losses_of_none(target: Floats) -> Floats:
    return row_log_losses(target == 1, np.full(target.size, target.mean()))


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
