"""Labels: whether outcomes still belong to their rows - per slice, and against scores of one held-out model."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ml_platform.stages.inspection.bins import binned
from ml_platform.stages.inspection.cells import cells_of
from ml_platform.stages.inspection.evidence import Evidence
from ml_platform.stages.inspection.scored import shift_of

if TYPE_CHECKING:
    from ml_platform.stages.inspection.tables import Tables

Floats = NDArray[np.float64]
LEAST_ROWS = 50


def label_counts(tables: Tables) -> Iterator[Evidence]:
    """Count the label within each slice of each other column, exactly."""
    target = tables.target
    if target is None:
        return
    for other in tables.columns:
        if other is not target:
            yield cells_of("label", target, other, tables)


def label_residuals(tables: Tables) -> Iterator[Evidence]:
    """Compare label minus score: overall, and its mean per slice of each column and of the score itself."""
    if tables.target is None or tables.scores is None or tables.target.kind == "levels":
        return
    values = tables.target.numbers()
    two = np.unique(values[~np.isnan(values)])
    residual = (values == two[-1] if two.size == 2 else values) - tables.scores
    residual = np.where(np.isnan(values), np.nan, residual)
    found = [shift_of(score, tables.reference_rows) for score in (residual, np.abs(residual))]
    best = min(found, key=lambda one: one.p_value)
    name = tables.target.name
    yield Evidence(
        kind="label", columns=(name,), effect=abs(best.excess), p_value=min(1.0, 2 * best.p_value), n=tables.batch_rows
    )
    everyone = np.arange(tables.rows)
    for column in tables.columns:
        if column is not tables.target:
            yield _by_slice((name, column.name), residual, binned(column, everyone), tables)


def _by_slice(names: tuple[str, str], residual: Floats, slices: NDArray[np.int64], tables: Tables) -> Evidence:
    from scipy.special import stdtr

    known = ~np.isnan(residual)
    size = int(slices.max(initial=0)) + 1
    mine = np.arange(tables.rows) >= tables.reference_rows
    sides = [_moments(residual[rows], slices[rows], size) for rows in (known & ~mine, known & mine)]
    (n, mean, variance), (m, other, spread) = sides
    enough = np.minimum(n, m) >= LEAST_ROWS
    error = np.sqrt(variance / np.maximum(n, 1) + spread / np.maximum(m, 1))
    usable = enough & (error > 0)
    if not usable.any():
        return Evidence(kind="label", columns=names, effect=0.0, p_value=1.0, n=tables.batch_rows)
    statistic = np.abs(other - mean)[usable] / error[usable]
    p = 2 * stdtr(np.minimum(n, m)[usable] - 1.0, -statistic)
    at = int(p.argmin())
    effect = float(np.abs(other - mean)[usable][at] * m[usable][at] / tables.batch_rows)
    return Evidence(
        kind="label",
        columns=names,
        effect=effect,
        p_value=min(1.0, float(p[at]) * int(usable.sum())),
        n=tables.batch_rows,
    )


def _moments(values: Floats, groups: NDArray[np.int64], size: int) -> tuple[Floats, Floats, Floats]:
    n = np.bincount(groups, minlength=size).astype(np.float64)
    mean = np.bincount(groups, values, size) / np.maximum(n, 1)
    square = np.bincount(groups, (values - mean[groups]) ** 2, size)
    return n, mean, square / np.maximum(n - 1, 1)
