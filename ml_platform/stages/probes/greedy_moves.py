"""Greedy moves: rows moved one column at a time towards another answer of the model, as far as is feasible."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from ml_platform.stages.probes.feasible import Feasible
    from ml_platform.stages.raw_rows import RawRows

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Places = NDArray[np.intp]
MOST_COLUMNS = 3
BLOCK = 20_000


class Aim(Protocol):
    """Where rows are moved to: how near scores are to it, and which have reached it."""

    def nearness(self, score: Floats, row: Places) -> Floats:
        """Return how near the scores of rows are, shape (n,); larger is nearer."""

    def reached(self, score: Floats, row: Places) -> Flags:
        """Return which scores of rows are there, shape (n,)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """How each row fared, shape (n,): whether it reached the aim, how far it was moved, by how many columns."""

    reached: Flags
    length: Floats
    columns: Places
    nearness: Floats
    tried: int


@dataclass(frozen=True, slots=True)
class _Tries:
    """Rows with the column that is moved and the value that it is given, shape (k,)."""

    row: Places
    column: Places
    value: Floats


def greedy_moves(raw: RawRows, columns: Sequence[Feasible], aim: Aim) -> Moved:
    """Move each row by up to three columns: the one that reaches the aim with the smallest move, else the nearest.

    A length is in standard deviations of each column moved, a level counting 1. With one column nothing is missed:
    every value that the model can tell apart is tried. With more, a row that isn't brought there may still be
    brought there some other way, and a smaller move may do.
    """
    n = len(raw.rows.score)
    now = {one.name: raw.inputs[one.name].copy() for one in columns}
    reached, length, count = np.zeros(n, dtype=np.bool_), np.zeros(n), np.zeros(n, dtype=np.intp)
    moved, going = np.zeros((n, len(columns)), dtype=np.bool_), np.ones(n, dtype=np.bool_)
    near, tried = aim.nearness(raw.rows.score, np.arange(n)), 0
    for _ in range(MOST_COLUMNS):
        tries = _tries(columns, going, moved)
        if not tries.row.size:
            break
        score, tried = _scores(raw, columns, now, tries), tried + tries.row.size
        there, nearness = aim.reached(score, tries.row), aim.nearness(score, tries.row)
        total = length[tries.row] + _lengths(raw, columns, tries)
        best = _best(tries.row, there, nearness, total)
        best = best[there[best] | (nearness[best] > near[tries.row[best]])]
        row = tries.row[best]
        for place, one in enumerate(columns):
            here = best[tries.column[best] == place]
            now[one.name][tries.row[here]] = tries.value[here]
        moved[row, tries.column[best]] = True
        length[row], near[row], reached[row] = total[best], nearness[best], there[best]
        count[row] += 1
        going = np.zeros(n, dtype=np.bool_)
        going[row] = ~there[best]
    return Moved(reached=reached, length=length, columns=count, nearness=near, tried=tried)


def _tries(columns: Sequence[Feasible], going: Flags, moved: Flags) -> _Tries:
    """Return what to try of the rows that are still going: every value of every column that wasn't moved yet."""
    chosen = [
        (row, place, one.values[row])
        for row in np.flatnonzero(going).tolist()
        for place, one in enumerate(columns)
        if not moved[row, place]
    ]
    sizes = [values.size for _, _, values in chosen]
    return _Tries(
        np.repeat(np.array([row for row, _, _ in chosen], dtype=np.intp), sizes),
        np.repeat(np.array([place for _, place, _ in chosen], dtype=np.intp), sizes),
        np.concatenate([np.empty(0), *(values for _, _, values in chosen)]),
    )


def _scores(raw: RawRows, columns: Sequence[Feasible], now: dict[str, Floats], tries: _Tries) -> Floats:
    return np.concatenate(list(_score_blocks(raw, columns, now, tries)))


def _score_blocks(raw: RawRows, columns: Sequence[Feasible], now: dict[str, Floats], tries: _Tries) -> Iterator[Floats]:
    for start in range(0, tries.row.size, BLOCK):
        part = slice(start, start + BLOCK)
        row = tries.row[part]
        inputs = {name: now.get(name, values)[row] for name, values in raw.inputs.items()}
        for place, one in enumerate(columns):
            here = tries.column[part] == place
            inputs[one.name][here] = tries.value[part][here]
        for values in inputs.values():
            values.flags.writeable = False
        yield raw.score(inputs)


def _lengths(raw: RawRows, columns: Sequence[Feasible], tries: _Tries) -> Floats:
    lengths = np.empty(tries.row.size)
    for place, one in enumerate(columns):
        here = tries.column == place
        apart = np.abs(tries.value[here] - raw.inputs[one.name][tries.row[here]])
        lengths[here] = 1.0 if one.scale is None else apart / one.scale
    return lengths


def _best(row: Places, there: Flags, nearness: Floats, total: Floats) -> Places:
    """Return one try per row: the shortest that is there, else the nearest, and of those the shortest."""
    order = np.lexsort((total, np.where(there, total, -nearness), ~there, row))
    _, first = np.unique(row[order], return_index=True)
    return order[first]
