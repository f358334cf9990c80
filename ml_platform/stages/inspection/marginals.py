"""Marginals: each column on its own - distribution, levels, precision of numbers, shape of texts, missing values."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ml_platform.stages.inspection.evidence import Evidence
from ml_platform.stages.inspection.tables import count_of
from ml_platform.stats.hypergeometric import hypergeometric_p, p_all_drawn
from ml_platform.stats.level_shift import level_shift
from ml_platform.stats.ordered_shift import ordered_shift

if TYPE_CHECKING:
    from ml_platform.stages.inspection.table import Column
    from ml_platform.stages.inspection.tables import Tables
    from ml_platform.stats.shift import Shift

MOST_DECIMALS = 7
MOST_ZEROS = 5
LONGEST_SHAPE = 24


def distributions(tables: Tables) -> Iterator[Evidence]:
    """Compare location, scale, shape and tails of numbers and times."""
    for column in tables.of_kind("number", "time"):
        total, batch = tables.counts(column)
        found = ordered_shift(total, batch)
        yield of_shift("distribution", column, found, int(batch.sum()), values=True)


def levels(tables: Tables) -> Iterator[Evidence]:
    """Compare shares of single values: levels of texts, repeated numbers (a default, a cap, a stuck sensor)."""
    for column in tables.columns:
        total, batch = tables.counts(column)
        found = level_shift(total, batch)
        yield of_shift("levels", column, found, int(batch.sum()), values=column.kind != "levels")


def missing_values(tables: Tables) -> Iterator[Evidence]:
    """Compare shares of missing values."""
    counts = np.array(
        [[column.missing.sum(), column.missing[tables.reference_rows :].sum()] for column in tables.columns]
    )
    if not counts.size:
        return
    p = hypergeometric_p(counts[:, 1], counts[:, 0], drawn=tables.batch_rows, total=tables.rows)
    for column, (both, mine), chance in zip(tables.columns, counts, p, strict=True):
        before, now = (both - mine) / tables.reference_rows, mine / tables.batch_rows
        facts = {"reference": float(before), "batch": float(now)}
        yield Evidence(
            kind="missing", columns=(column.name,), effect=abs(float(now - before)), p_value=float(chance),
            n=tables.batch_rows, facts=facts, least_p=_least(int(both), tables),
        )  # fmt: skip


def _least(marked: int, tables: Tables) -> float:
    """Return the smallest p-value that so many marked rows could give, wherever they were dealt."""
    sizes = (tables.batch_rows, tables.reference_rows)
    return min(1.0, *(2 * p_all_drawn(marked, drawn=size, total=tables.rows) for size in sizes))


def precisions(tables: Tables) -> Iterator[Evidence]:
    """Compare how finely numbers and times are given: decimals, or zeros at the end."""
    for column in tables.of_kind("number", "time"):
        yield _by_group("precision", tables, column, _precision(column.values.astype(np.float64)))


def shapes(tables: Tables) -> Iterator[Evidence]:
    """Compare how texts are written: case, digits, blanks, signs."""
    for column in tables.of_kind("levels"):
        names = np.array([_shape(str(value)) for value in column.values], dtype=object)
        _, groups = np.unique(names, return_inverse=True)
        yield _by_group("format", tables, column, groups.astype(np.int64))


def _by_group(kind: str, tables: Tables, column: Column, groups: NDArray[np.int64]) -> Evidence:
    total, batch = tables.counts(column)
    size = int(groups.max(initial=-1)) + 1
    summed, mine = (np.bincount(groups, counts, size).astype(np.int64) for counts in (total, batch))
    return of_shift(kind, column, level_shift(summed, mine), int(batch.sum()))


def _precision(values: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the number of decimals of each value; minus the number of zeros at the end of a whole number."""
    finest = np.full(values.size, MOST_DECIMALS + 1, dtype=np.int64)
    finite = np.isfinite(values)
    with np.errstate(over="ignore", invalid="ignore"):
        for decimals in range(MOST_DECIMALS, -MOST_ZEROS - 1, -1):
            scaled = values * 10.0**decimals
            on_grid = finite & (np.abs(scaled - np.rint(scaled)) <= 1e-9 * np.maximum(1.0, np.abs(scaled)))
            finest[on_grid] = decimals
    finest[values == 0] = 0
    return finest + MOST_ZEROS


def _shape(text: str) -> str:
    """Return a text's outline: letters as A or a, digits as 9, runs as one."""
    outline = re.sub(r"[^\W\d_]", lambda found: "A" if found[0].isupper() else "a", text[:LONGEST_SHAPE])
    outline = re.sub(r"\d", "9", outline)
    return re.sub(r"(.)\1+", r"\1", outline)


def of_shift(kind: str, column: Column, found: Shift, n: int, *, values: bool = False) -> Evidence:
    """Say what a shift of one column is evidence of."""
    facts = {}
    if values and found.last >= found.first and column.kind == "number":
        facts = {"from": float(column.values[found.first]), "to": float(column.values[found.last])}
    return Evidence(
        kind=kind, columns=(column.name,), effect=abs(found.excess), p_value=found.p_value, n=n, facts=facts
    )


def repeats(codes: NDArray[np.int64], reference_rows: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return how often each distinct code occurs in both tables and in the batch."""
    _, inverse = np.unique(codes, return_inverse=True)
    size = int(inverse.max(initial=-1)) + 1
    return count_of(inverse, size), count_of(inverse[reference_rows:], size)
