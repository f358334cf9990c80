"""Feasible: the values that a subject could give a column, thinned to those between which the model can tell."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ml_platform.learners.tree_text import split_thresholds
from ml_platform.policy.movable import Move
from ml_platform.stages.spread import spread

if TYPE_CHECKING:
    from ml_platform.core.records import FeaturesRecord
    from ml_platform.stages.raw_rows import RawRows

Floats = NDArray[np.float64]
# Of a column's values in one row; more are thinned evenly.
MOST_VALUES = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Feasible:
    """A column that can be moved: the values to try in each row, and what moves are measured in; None for levels."""

    name: str
    values: tuple[Floats, ...]
    scale: float | None
    thinned: bool


def feasible(raw: RawRows, features: FeaturesRecord, moves: Mapping[str, Move]) -> tuple[Feasible, ...]:
    """Return the values to try of every movable column, one array per row of `raw`.

    Where a feature is the column itself, the model tells apart only what its trees' thresholds part, so that one value
    beside each threshold stands for all. Where a column enters a feature that is made of it, values that other rows
    have are tried too, and the ends of what is feasible.
    """
    thresholds = split_thresholds(raw.rows.model_text)
    return tuple(_feasible(raw, features, thresholds, name, move) for name, move in moves.items())


def _feasible(
    raw: RawRows, features: FeaturesRecord, thresholds: Mapping[str, tuple[float, ...]], name: str, move: Move
) -> Feasible:
    own, made = raw.inputs[name], [one for one, sources in features.lineage.items() if name in sources]
    if move.to is not None:
        codes = raw.encode([{name: level} for level in move.to])[name]
        known = codes[~np.isnan(codes)]
        return Feasible(name=name, values=tuple(known[known != each] for each in own), scale=None, thinned=False)
    same = [one for one in made if np.array_equal(raw.rows.matrix.column(one), own, equal_nan=True)]
    cuts = np.unique([cut for one in same for cut in thresholds.get(one, ())])
    seen = np.unique(own[~np.isnan(own)]) if len(made) > len(same) else np.empty(0)
    whole = raw.spec.contract[name].type == "integer"
    found = [values_to_try(each, cuts, seen, _bounds(raw, name, move, each), whole=whole) for each in own.tolist()]
    spread_of = float(np.nanstd(own)) if not np.isnan(own).all() else 0.0
    return Feasible(
        name=name,
        values=tuple(each[spread(each.size, MOST_VALUES)] for each in found),
        scale=spread_of or 1.0,
        thinned=any(each.size > MOST_VALUES for each in found),
    )


def _bounds(raw: RawRows, name: str, move: Move, own: float) -> tuple[float, float]:
    """Return the lowest and highest value that a row can be given, within the contract's range."""
    least, most = raw.spec.contract[name].range or (-np.inf, np.inf)
    down, up = move.by or (0.0, 0.0)
    low, high = move.range or (own + down, own + up)
    return max(low, least), min(high, most)


def values_to_try(own: float, cuts: Floats, seen: Floats, bounds: tuple[float, float], *, whole: bool) -> Floats:
    """Return the values within bounds that a model with these cuts can tell from a row's own, ascending.

    A value at a cut goes left, one above it right. `seen` holds values to try besides, and lets the bounds be tried.
    Nothing can be tried of a missing value: nobody knows how far it would be moved.

    >>> values_to_try(3.0, np.array([1.5, 4.5, 7.5]), np.empty(0), (0.0, 6.0), whole=True).tolist()
    [1.0, 5.0]
    >>> values_to_try(3.0, np.array([1.5]), np.array([2.0, 9.0]), (0.0, 6.0), whole=False).tolist()
    [0.0, 1.5, 2.0, 6.0]
    """
    low, high = bounds
    if np.isnan(own):
        return np.empty(0)
    below, above = cuts[(cuts >= low) & (cuts < own)], cuts[(cuts >= own) & (cuts < high)]
    beyond = np.floor(above) + 1 if whole else np.nextafter(above, np.inf)
    ends = np.array(bounds)[np.isfinite(bounds)] if seen.size else np.empty(0)
    found = np.unique(np.concatenate([np.floor(below) if whole else below, beyond, seen, ends]))
    usable: Floats = found[(found >= low) & (found <= high) & (found != own)]
    return usable
