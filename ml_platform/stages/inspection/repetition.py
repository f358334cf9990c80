"""Repetition: rows given twice, rows of the reference given again, values that stand still."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ml_platform.stages.inspection.evidence import Evidence
from ml_platform.stages.inspection.marginals import repeats
from ml_platform.stats.repeated_rows import repeated_rows

if TYPE_CHECKING:
    from ml_platform.stages.inspection.table import Column
    from ml_platform.stages.inspection.tables import Tables

SEED = 7


def duplicate_rows(tables: Tables) -> Iterator[Evidence]:
    """Exact rows: repeated within the batch, or taken from the reference.

    A column that lost all its values makes rows alike that weren't: within the batch, and within the reference that it
    is compared with, such a column doesn't count.
    """
    if not tables.columns:
        return
    within, shared = repeated_rows(*repeats(row_hashes(tables, tables.columns), tables.reference_rows))
    told = [column for column in tables.columns if (column.codes[tables.reference_rows :] >= 0).any()]
    if 0 < len(told) < len(tables.columns):
        within, _ = repeated_rows(*repeats(row_hashes(tables, told), tables.reference_rows))
    names = tuple(column.name for column in tables.columns)
    for kind, found in (("duplicate_rows", within), ("reference_rows", shared)):
        yield Evidence(kind=kind, columns=names, effect=found.excess, p_value=found.p_value, n=tables.batch_rows)


def repeated_values(tables: Tables) -> Iterator[Evidence]:
    """Values of a nearly continuous column that come twice in the batch more often than chance deals them."""
    found = [(column.name, repeated_rows(*tables.counts(column))[0]) for column in tables.of_kind("number", "time")]
    if not found:
        return
    name, worst = min(found, key=lambda one: one[1].p_value)  # one hypothesis: whole rows shouldn't pay for each column
    yield Evidence(
        kind="repeated_values", columns=(name,), effect=worst.excess, p_value=min(1.0, len(found) * worst.p_value),
        n=tables.batch_rows,
    )  # fmt: skip


def row_hashes(tables: Tables, columns: Sequence[Column]) -> NDArray[np.int64]:
    """Return a 64-bit hash of each row's codes in some columns."""
    rng = np.random.default_rng(SEED)
    hashed = np.zeros(tables.rows, dtype=np.int64)
    for column in columns:
        mixed = np.random.default_rng(int(rng.integers(2**62))).integers(-(2**62), 2**62, column.values.size + 1)
        hashed += mixed[column.codes]
    return hashed
