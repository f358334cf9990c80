"""Standstill: a value that repeats from row to row longer, or more often, than rows dealt at random would show."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ml_platform.stages.inspection.evidence import Evidence
from ml_platform.stages.inspection.tables import count_of

if TYPE_CHECKING:
    from ml_platform.stages.inspection.table import Column
    from ml_platform.stages.inspection.tables import Tables

Codes = NDArray[np.int64]
ORDERED = 4.0
LONGER = 3


@dataclass(frozen=True, slots=True)
class _Run:
    code: int
    start: int
    length: int


def standstill(tables: Tables) -> Iterator[Evidence]:
    """Judge each column's longest run of one value; where both tables lie in order, one unlike any other is needed.

    A batch that was sorted by something the reference wasn't has long runs everywhere, and nothing is claimed.
    """
    looks = [_look(tables, column) for column in tables.columns]
    sorted_anew = any(one.now > ORDERED >= one.before for one in looks)
    for column, look in zip(tables.columns, looks, strict=True):
        run, rows = look.run, tables.batch_rows
        if sorted_anew:
            p = 1.0
        elif look.before > ORDERED:
            p = _p_ordered(run, _before(tables, column), look.outside, rows)
        else:
            p = _p_value(run, rows, _chance(_before(tables, column), look.outside, run.code))
        yield Evidence(
            kind="standstill", columns=(column.name,), effect=run.length / rows, p_value=p, n=rows,
            facts={"run": run.length, "row": run.start},
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Look:
    """A column's longest run, the batch's other rows, and how ordered the reference and those rows lie."""

    run: _Run
    outside: Codes
    before: float
    now: float


def _look(tables: Tables, column: Column) -> _Look:
    codes = column.codes[tables.reference_rows :]
    run = _longest_run(codes)
    outside = np.concatenate([codes[: run.start], codes[run.start + run.length :]])
    return _Look(run, outside, _agreement(_before(tables, column)), _agreement(outside))


def _before(tables: Tables, column: Column) -> Codes:
    return column.codes[: tables.reference_rows]


def _longest_run(codes: Codes) -> _Run:
    starts = np.append(0, np.flatnonzero(np.diff(codes)) + 1)
    lengths = np.diff(np.append(starts, codes.size))
    at = int(lengths.argmax())
    return _Run(int(codes[starts[at]]), int(starts[at]), int(lengths[at]))


def _chance(before: Codes, outside: Codes, code: int) -> float:
    """Return how often the run's value occurs, at most: in the reference or the rest of the batch, with slack."""
    found = 0.0
    for codes in (before, outside):
        count = int((codes == code).sum()) + 1
        found = max(found, (count + 3 * math.sqrt(count)) / max(1, codes.size))
    return min(found, 1.0)


def _p_value(run: _Run, rows: int, chance: float) -> float:
    """Return a bound on the chance of such a run among `rows` rows, for the rarest value that could make one."""
    if chance >= 1 or run.length < 2:
        return 1.0
    values = max(1.0, 1 / chance)  # as many values can be as frequent as this one
    return min(1.0, values * rows * chance**run.length)


def _agreement(codes: Codes) -> float:
    """Return by how many standard deviations neighbours are equal more often than in a random order."""
    if codes.size < 3:
        return 0.0
    counts = count_of(codes + 1, int(codes.max()) + 2).astype(np.float64)
    expected = float((counts * (counts - 1)).sum()) / codes.size
    seen = int((codes[1:] == codes[:-1]).sum())
    share = expected / codes.size
    return (seen - expected) / math.sqrt(max(1.0, expected * (1 - share)))


def _p_ordered(run: _Run, before: Codes, outside: Codes, rows: int) -> float:
    """Return a p-value for tables whose rows lie in order: as a Markov chain, and only for a run unlike any other."""
    usual = max(_longest_run(before).length, _longest_run(outside).length if outside.size else 0)
    if run.length < LONGER * usual:
        return 1.0
    stays = max(float((codes[1:] == codes[:-1]).mean()) if codes.size > 1 else 1.0 for codes in (before, outside))
    return min(1.0, rows * min(stays + 3 * math.sqrt(1 / max(1, before.size)), 1.0) ** (run.length - 1))
