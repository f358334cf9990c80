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
    looks = [_looks(tables, column) for column in tables.columns]
    sorted_anew = any(some[-1].now > ORDERED >= some[-1].before for some in looks)
    for column, some in zip(tables.columns, looks, strict=True):
        p, look = min(((1.0 if sorted_anew else _p_of(one), one) for one in some), key=lambda found: found[0])
        yield Evidence(
            kind="standstill", columns=(column.name,), effect=look.run.length / tables.batch_rows,
            p_value=min(1.0, len(some) * p), n=tables.batch_rows,
            facts={"run": look.run.length, "row": int(look.rows[look.run.start])},
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Look:
    """The longest run, the reference's values and the batch's others, how ordered both lie; the batch's row numbers."""

    run: _Run
    reference: Codes
    outside: Codes
    before: float
    now: float
    rows: Codes


def _looks(tables: Tables, column: Column) -> tuple[_Look, ...]:
    """Look at all rows, and where values are missing at the others alone: a gap doesn't end a standstill."""
    before, now = column.codes[: tables.reference_rows], column.codes[tables.reference_rows :]
    present = np.flatnonzero(now >= 0)
    every = _look(before, now, np.arange(now.size))
    return (every,) if present.size in {0, now.size} else (every, _look(before[before >= 0], now[present], present))


def _look(before: Codes, now: Codes, rows: Codes) -> _Look:
    run = _longest_run(now)
    outside = np.concatenate([now[: run.start], now[run.start + run.length :]])
    return _Look(run, before, outside, _agreement(before), _agreement(outside), rows)


def _p_of(look: _Look) -> float:
    if look.before > ORDERED:
        return _p_ordered(look.run, look.reference, look.outside, look.rows.size)
    return _p_value(look.run, look.rows.size, _chance(look.reference, look.outside, look.run.code))


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
    usual = max(_longest_run(codes).length if codes.size else 0 for codes in (before, outside))
    if run.length < LONGER * usual:
        return 1.0
    stays = max(float((codes[1:] == codes[:-1]).mean()) if codes.size > 1 else 1.0 for codes in (before, outside))
    return min(1.0, rows * min(stays + 3 * math.sqrt(1 / max(1, before.size)), 1.0) ** (run.length - 1))
