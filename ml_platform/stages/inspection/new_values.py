"""New values: what the reference hardly held, counted exactly - rare levels, levels near a known one, other signs."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ml_platform.stages.inspection.evidence import Evidence
from ml_platform.stages.inspection.new_levels import folded, one_letter
from ml_platform.stages.inspection.tables import count_of
from ml_platform.stats.hypergeometric import hypergeometric_p, p_all_drawn
from ml_platform.stats.isolated_levels import isolated_levels

if TYPE_CHECKING:
    from ml_platform.stages.inspection.tables import Tables

Whole = NDArray[np.int64]
Flags = NDArray[np.bool_]
RARE = 0.05
FEW = 2
OFTEN = 20
PLACEHOLDERS = frozenset(
    {
        *(
            "",
            "-",
            "--",
            "?",
            ".",
            "n/a",
            "na",
            "n.a.",
            "#n/a",
            "#ref!",
            "nan",
            "null",
            "nil",
            "none",
            "unknown",
            "unkn",
        ),
        *("unkn", "unk", "missing", "not available", "not applicable", "not known", "undefined", "unspecified"),
        *("tbd", "xxx", "dummy", "test"),
    }
)
MOST_COMPARED = 300
MOST_CODES = 100


def rare_levels(tables: Tables) -> Iterator[Evidence]:
    """Count rows of levels that are set apart from all others by how rare they are in both tables.

    Two things that don't depend on each other make the evidence, by Fisher's rule: how wide the gap is, and how many of
    those rows are the batch's.
    """
    for column in tables.columns:
        found = isolated_levels(tables.counts(column)[0])
        if found is not None:
            yield _counted("rare_levels", (column.name,), *tables.counts(column), found.rare, gap=found.p_value)


def rare_combinations(tables: Tables) -> Iterator[Evidence]:
    """Count rows whose combination of two columns' levels is set apart by how rare it is."""
    chosen = [column for column in tables.chosen if column.values.size <= MOST_CODES]
    for place, one in enumerate(chosen):
        for other in chosen[:place]:
            both = (one.codes + 1) * (other.values.size + 1) + other.codes + 1
            size = (one.values.size + 1) * (other.values.size + 1)
            total, batch = count_of(both, size), count_of(both[tables.reference_rows :], size)
            found = isolated_levels(total)
            if found is not None:
                names = (other.name, one.name)
                yield _counted("rare_combinations", names, total, batch, found.rare, gap=found.p_value)


def near_levels(tables: Tables) -> Iterator[Evidence]:
    """Count rows of rare texts that a letter, case or blanks tell from a frequent one of the same column."""
    for column in tables.of_kind("levels"):
        total = tables.counts(column)[0]
        rare, often = np.flatnonzero((total > 0) & (total <= FEW)), np.flatnonzero(total >= OFTEN)
        if not 0 < rare.size <= MOST_COMPARED or not 0 < often.size <= MOST_COMPARED:
            continue
        known = [str(column.values[place]) for place in often]
        forms = {folded(text) for text in known}
        near = np.zeros(total.size, dtype=np.bool_)
        for place in rare:
            text = str(column.values[place])
            near[place] = folded(text) in forms or any(one_letter(text, other) for other in known)
        if near.any():
            yield _counted("near_levels", (column.name,), *tables.counts(column), near)


def placeholders(tables: Tables) -> Iterator[Evidence]:
    """Count rows of texts that stand for a missing value, where at most 5 % of a column's rows hold one."""
    for column in tables.of_kind("levels"):
        total = tables.counts(column)[0]
        told = np.array([str(value).strip().casefold() in PLACEHOLDERS for value in column.values], dtype=np.bool_)
        if 0 < total[told].sum() <= RARE * total.sum():
            yield _counted("placeholder", (column.name,), *tables.counts(column), told)


def signs(tables: Tables) -> Iterator[Evidence]:
    """Count the sign that at most 5 % of a column's numbers have."""
    for column in tables.of_kind("number"):
        total = tables.counts(column)[0]
        values = column.values.astype(np.float64)
        sides = [values < 0, values > 0]
        rarer = min(sides, key=lambda side: int(total[side].sum()))
        if 0 < total[rarer].sum() <= RARE * total.sum():
            yield _counted("sign", (column.name,), *tables.counts(column), rarer)


def _counted(
    kind: str, names: tuple[str, ...], total: Whole, batch: Whole, values: Flags, *, gap: float = 1.0
) -> Evidence:
    """Say how improbable so many of the batch's rows with some values are (one-sided)."""
    rows, drawn = int(total.sum()), int(batch.sum())
    marked, mine = int(total[values].sum()), int(batch[values].sum())
    excess = mine / max(1, drawn) - (marked - mine) / max(1, rows - drawn)
    p = float(hypergeometric_p([mine], [marked], drawn=drawn, total=rows)[0]) / 2 if excess > 0 else 1.0
    least = p_all_drawn(marked, drawn=drawn, total=rows)
    return Evidence(
        kind=kind, columns=names, effect=max(0.0, excess), p_value=_both(p, gap), n=drawn, least_p=_both(least, gap),
        facts={"rows": mine},
    )  # fmt: skip


def _both(p: float, gap: float) -> float:
    if gap >= 1:
        return p
    product = max(p * gap, 1e-300)
    return min(1.0, 2 * min(p, product * (1 - math.log(product))))
