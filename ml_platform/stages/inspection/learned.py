"""Learned: small gradient-boosted trees that predict each column from the others, on fitting rows only."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ml_platform.stages.inspection.residuals import normal_scores
from ml_platform.stages.inspection.scored import held_against_batch
from ml_platform.stages.inspection.tables import count_of

if TYPE_CHECKING:
    from ml_platform.stages.inspection.evidence import Evidence
    from ml_platform.stages.inspection.table import Column
    from ml_platform.stages.inspection.tables import Tables

Floats = NDArray[np.float64]
ROUNDS = 15
PARAMETERS: dict[str, Any] = {
    "objective": "regression", "num_leaves": 15, "learning_rate": 0.25, "min_data_in_leaf": 20, "max_bin": 63,
    "num_threads": 1, "verbose": -1, "force_col_wise": True, "seed": 1, "deterministic": True,
}  # fmt: skip
LEAST_EXPLAINED = 0.02
KEPT = 8


@dataclass(frozen=True, slots=True)
class _Model:
    """A model of one column and the residuals of the held rows."""

    place: int
    booster: Any  # lightgbm.Booster: dear to import, and dataclasses' annotations are read
    held: Floats


_KNOWN: OrderedDict[str, tuple[_Model, ...]] = OrderedDict()


def surprises(tables: Tables) -> Iterator[Evidence]:
    """Compare residuals of each column that the others tell about; models of one reference are kept in memory."""
    chosen = tables.chosen
    if len(chosen) < 2:
        return
    features = np.column_stack([ordinal(column, tables.fit) for column in chosen])
    batch = features[tables.reference_rows :]
    for model in _models(tables, features):
        column = chosen[model.place]
        answers = _answers(column, features[:, model.place], tables.fit)[tables.reference_rows :]
        predicted = np.asarray(model.booster.predict(batch, num_threads=1))
        residual = np.concatenate([model.held, answers - predicted])
        yield held_against_batch("surprise", (column.name,), [residual], tables)


def _models(tables: Tables, features: Floats) -> tuple[_Model, ...]:
    """Return the models of this reference, learned now or before; they depend on its rows alone."""
    mine = np.ascontiguousarray(features[: tables.reference_rows])
    kinds = "".join(column.kind[0] for column in tables.chosen)
    key = hashlib.blake2b(mine.tobytes(), key=kinds.encode()[:64]).hexdigest()
    if key not in _KNOWN:
        _KNOWN[key] = tuple(_learn(tables, features))
        while len(_KNOWN) > KEPT:
            _KNOWN.popitem(last=False)
    _KNOWN.move_to_end(key)
    return _KNOWN[key]


def _learn(tables: Tables, features: Floats) -> Iterator[_Model]:
    import lightgbm as lgb

    fit, held = tables.fit, tables.held
    rows = lgb.Dataset(features[fit], np.zeros(fit.size), params=PARAMETERS, free_raw_data=False)
    rows.construct()
    for place, column in enumerate(tables.chosen):
        answers = _answers(column, features[:, place], fit)
        known = answers[fit]
        if np.isnan(known).mean() > 0.5 or np.nanvar(known) == 0:
            continue
        rows.set_label(np.nan_to_num(known))
        others = [other for other in range(features.shape[1]) if other != place]
        booster = lgb.train({**PARAMETERS, "interaction_constraints": [others]}, rows, ROUNDS)
        residual = answers[held] - np.asarray(booster.predict(features[held], num_threads=1))
        spread = np.nanvar(answers[held])
        if spread > 0 and 1 - np.nanvar(residual) / spread >= LEAST_EXPLAINED:
            yield _Model(place, booster, residual)


def ordinal(column: Column, fit: NDArray[np.int64]) -> Floats:
    """Return numbers as they are, and texts numbered from the most frequent level on; -1 was never seen."""
    if column.kind != "levels":
        return column.numbers()
    counts = count_of(column.codes[fit], column.values.size)
    rank = np.empty(counts.size)
    rank[np.argsort(-counts, kind="stable")] = np.arange(counts.size)
    rank[counts == 0] = -1
    return np.append(rank, np.nan)[column.codes]


def _answers(column: Column, values: Floats, fit: NDArray[np.int64]) -> Floats:
    """Return what trees learn of a column: its normal scores, or whether it holds its most frequent level."""
    if column.kind != "levels":
        return normal_scores(column, fit)
    return np.where(np.isnan(values), np.nan, values == 0)
