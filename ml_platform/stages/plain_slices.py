"""Plain slices: every level, quarter of a number, group and week on its own, named as a report may show it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ml_platform.stages.probes.slice_cuts import hidden_features, slice_cuts
from ml_platform.stages.slices import weeks_of

if TYPE_CHECKING:
    from ml_platform.policy.spec import ModelSpec
    from ml_platform.stages.matrix import Matrix

FEWEST = 100
QUARTERS = 4
Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Slice:
    """Some of the rows, shape (n,), and what they have in common."""

    name: str
    rows: Flags


def plain_slices(
    spec: ModelSpec, matrix: Matrix, levels: Mapping[str, Sequence[str]], lineage: Mapping[str, Sequence[str]]
) -> tuple[Slice, ...]:
    """Return the slices of one condition with 100 rows or more inside and outside; nobody searched for them."""
    every = (*_of_features(spec, matrix, levels, lineage), *_of_groups(matrix), *_of_weeks(matrix))
    return tuple(one for one in every if FEWEST <= int(one.rows.sum()) <= one.rows.size - FEWEST)


def _of_features(
    spec: ModelSpec, matrix: Matrix, levels: Mapping[str, Sequence[str]], lineage: Mapping[str, Sequence[str]]
) -> Iterator[Slice]:
    known = {name: levels.get(name, ()) for name in matrix.categorical}
    everything = np.ones(matrix.target.size, dtype=np.bool_)
    hidden = hidden_features(spec, lineage)
    for named in slice_cuts(matrix.values, everything, matrix.names, known, hidden=hidden, bins=QUARTERS):
        single = np.flatnonzero(named.cut.conditions.sum(axis=1) == 1)
        yield from (Slice(named.words[place], named.cut.rows(place)) for place in single.tolist())


def _of_groups(matrix: Matrix) -> Iterator[Slice]:
    for name, values in matrix.groups.items():
        if name not in matrix.names:
            texts = np.array(["missing" if value is None else value for value in values.tolist()], dtype=object)
            yield from (Slice(f"{name} = {level}", texts == level) for level in sorted(set(texts.tolist())))


def _of_weeks(matrix: Matrix) -> Iterator[Slice]:
    weeks = weeks_of(matrix)
    if weeks is not None:
        yield from (Slice(f"week = {week}", weeks == week) for week in sorted(set(weeks.tolist())))
