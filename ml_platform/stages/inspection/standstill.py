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
    """Judge each column's longest run of one value; one that lies in order elsewhere needs a far longer run."""
    for column in tables.columns:
        before, now = column.codes[: tables.reference_rows], column.codes[tables.reference_rows :]
        run = _longest_run(now)
        outside = np.concatenate([now[: run.start], now[run.start + run.length :]])
        chance = _chance(before, outside, run.code)
        p = _p_value(run, now.size, chance)
        if max(_agreement(before), _agreement(outside)) > ORDERED:
            p = _p_ordered(run, before, outside, now.size)
        yield Evidence(
            kind="standstill", columns=(column.name,), effect=run.length / now.size, p_value=p, n=now.size,
            facts={"run": run.length, "row": run.start},
        )  # fmt: skip


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
