"""Cells: whether two columns' values come together in the batch as often as in the reference, pair by pair."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from ml_platform.stages.inspection.bins import binned
from ml_platform.stages.inspection.evidence import Evidence
from ml_platform.stats.hypergeometric import hypergeometric_p
from ml_platform.stats.ordered_shift import tail_sizes

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ml_platform.stages.inspection.table import Column
    from ml_platform.stages.inspection.tables import Tables


def cells(tables: Tables) -> Iterator[Evidence]:
    """Every combination of two columns' bins, counted exactly; one hypothesis per pair of columns."""
    everyone = np.arange(tables.rows)  # bins may follow both tables: they don't know whose a row is
    chosen = tables.chosen
    classes = [binned(column, everyone) for column in chosen]
    for first, one in enumerate(chosen):
        for second in range(first):
            yield _count("combination", (one.name, chosen[second].name), (classes[first], classes[second]), tables)


def cells_of(kind: str, one: Column, other: Column, tables: Tables) -> Evidence:
    """Count the combinations of two columns' bins."""
    everyone = np.arange(tables.rows)
    return _count(kind, (one.name, other.name), (binned(one, everyone), binned(other, everyone)), tables)


def _count(
    kind: str, names: tuple[str, str], classes: tuple[NDArray[np.int64], NDArray[np.int64]], tables: Tables
) -> Evidence:
    width = int(classes[1].max(initial=0)) + 1
    both = classes[0] * width + classes[1]
    total = np.bincount(both)
    mine = np.bincount(both[tables.reference_rows :], minlength=total.size)
    counted = np.flatnonzero(total >= tail_sizes(drawn=tables.batch_rows, total=tables.rows)[0])
    if not counted.size:
        return Evidence(kind=kind, columns=names, effect=0.0, p_value=1.0, n=tables.batch_rows)
    p = hypergeometric_p(mine[counted], total[counted], drawn=tables.batch_rows, total=tables.rows)
    at = int(p.argmin())
    cell = counted[at]
    excess = mine[cell] / tables.batch_rows - (total[cell] - mine[cell]) / tables.reference_rows
    p_value = min(1.0, counted.size * float(p[at]))
    return Evidence(kind=kind, columns=names, effect=abs(float(excess)), p_value=p_value, n=tables.batch_rows)
