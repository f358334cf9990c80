"""Residuals: how far each value lies from what the other columns of its row let one expect."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ml_platform.stages.inspection.evidence import Evidence
from ml_platform.stages.inspection.scored import shift_of, strongest
from ml_platform.stages.inspection.tables import count_of

if TYPE_CHECKING:
    from ml_platform.stages.inspection.table import Column
    from ml_platform.stages.inspection.tables import Tables

Floats = NDArray[np.float64]
RIDGE = 0.01
LEAST_EXPLAINED = 0.02
EXACTLY = 0.95


def linear_residuals(tables: Tables) -> Iterator[Evidence]:
    """Residuals of each number on all others, linear in their normal scores (a Gaussian copula) and as they are.

    Learned twice: from the fitting rows, which finds faults in many rows, and from all rows of both tables, where few
    faulty rows change little and all of the reference's are compared; neither knows which table a row is of.
    """
    columns = [column for column in tables.chosen if column.kind != "levels" and column.values.size > 2]
    if len(columns) < 2:
        return
    scores = np.column_stack([normal_scores(column, tables.fit) for column in columns])
    plain = np.column_stack([_standardised(column.numbers(), tables.fit) for column in columns])
    everyone = np.arange(tables.rows)
    found = [
        (*_residuals(values, rows, ridge), least, rows is everyone)
        for values, ridge, least in ((scores, RIDGE, LEAST_EXPLAINED), (plain, 1e-9, EXACTLY))
        for rows in (tables.fit, everyone)
    ]
    for place, column in enumerate(columns):
        shifts = [
            shift_of(residual[:, place], tables.reference_rows)
            if everywhere
            else shift_of(residual[tables.compared, place], tables.held.size)
            for residual, explained, least, everywhere in found
            if explained[place] > least
        ]
        if shifts:
            yield strongest("residual", (column.name,), shifts, tables)


def _residuals(values: Floats, fit: NDArray[np.int64], ridge: float) -> tuple[Floats, Floats]:
    """Return residuals, shape as `values`, and the share of variance each column's others explain, shape (k,)."""
    filled = np.nan_to_num(values)
    center = filled[fit].mean(axis=0)
    covariance = np.cov(filled[fit], rowvar=False) + ridge * np.eye(values.shape[1])
    precision = np.linalg.pinv(covariance, hermitian=True)
    weight = np.diag(precision)
    with np.errstate(divide="ignore", invalid="ignore"):
        residuals = ((filled - center) @ precision) / weight
        explained = 1 - 1 / (weight * np.diag(covariance))
    return np.where(np.isnan(values), np.nan, residuals), np.nan_to_num(explained)


def normal_scores(column: Column, fit: NDArray[np.int64]) -> Floats:
    """Return the normal quantile of each value's place among the fitting rows; NaN where missing."""
    from scipy.special import ndtri

    learned = count_of(column.codes[fit], column.values.size)
    below = np.cumsum(learned) - learned / 2
    place = (below + 0.5) / (learned.sum() + 1)
    found: Floats = np.append(ndtri(place), np.nan)[column.codes]
    return found


def _standardised(values: Floats, fit: NDArray[np.int64]) -> Floats:
    finite = np.where(np.isfinite(values), values, np.nan)
    scaled = finite / (np.nanmax(np.abs(finite), initial=0.0) or 1.0)  # squares of huge numbers would overflow
    known = scaled[fit][~np.isnan(scaled[fit])]
    if not known.size:
        return scaled
    found: Floats = (scaled - known.mean()) / (known.std() or 1.0)
    return found
