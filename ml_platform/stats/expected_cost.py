"""Expected cost: what a decision costs on average, by what it costs to be right or wrong in each way."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np

from ml_platform.core.measurement import Measurement
from ml_platform.stats.classes import Classed, classed
from ml_platform.stats.columns import Floats
from ml_platform.stats.mean_interval import mean_of
from ml_platform.stats.skewed_mean import bounds_of_skewed_mean

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

METRIC = "expected_cost"


def expected_cost(
    y_true: ArrayLike,
    decisions: ArrayLike,
    *,
    costs: ArrayLike,
    entity: ArrayLike | None = None,
    confidence: float = 0.95,
    subject: str = "",
) -> Measurement:
    """Return the mean over rows of costs[outcome, decision], with Hall's interval of a skewed mean.

    Outcomes and decisions hold class numbers from 0, shape (n,); `costs`, shape (classes, classes), has a row per
    outcome and a column per decision; below 0 is a benefit. With `entity` the interval is cluster-robust. Undefined
    without rows, with values that are no class numbers, and with a class that has no costs. ValueError when lengths
    differ or costs are no square table of finite numbers. Fact: standard_error. Sources: Elkan 2001, The Foundations of
    Cost-Sensitive Learning, IJCAI; Hall 1992, J. R. Stat. Soc. B 54 (the interval).

    >>> expected_cost([0, 1, 1, 0], [0, 1, 0, 1], costs=[[0, 1], [5, 0]]).value
    1.5
    """
    table = cost_table(costs)
    rows, flaw = costed(y_true, decisions, table, entity)
    if flaw:
        return Measurement(metric=METRIC, value=None, n=rows.n, subject=subject, reason=flaw)
    return mean_cost(table[rows.true, rows.decided], rows, metric=METRIC, confidence=confidence, subject=subject)


def cost_table(costs: ArrayLike) -> Floats:
    """Return costs as numbers, shape (classes, classes); ValueError for what is no such table.

    >>> cost_table([[0, 1], [5, 0]]).tolist()
    [[0.0, 1.0], [5.0, 0.0]]
    """
    table = np.asarray(costs, dtype=np.float64)
    if table.ndim != 2 or table.shape[0] != table.shape[1] or table.shape[0] < 2 or not np.isfinite(table).all():
        message = f"costs: has the shape {table.shape}; a finite cost per outcome (row) and decision (column) is needed"
        raise ValueError(message)
    return table


def costed(y_true: ArrayLike, decisions: ArrayLike, table: Floats, entity: ArrayLike | None) -> tuple[Classed, str]:
    """Check the rows, and that every class has costs; the second is why they can't be used, or "".

    >>> costed([0, 2], [0, 1], cost_table([[0, 1], [5, 0]]), None)[1]
    '1 of 2 rows are of a class without costs'
    """
    rows = classed(y_true, decisions, entity)
    beyond = 0 if rows.flaw else int((np.maximum(rows.true, rows.decided) >= table.shape[0]).sum())
    return rows, rows.flaw or (f"{beyond} of {rows.n} rows are of a class without costs" if beyond else "")


def mean_cost(values: Floats, rows: Classed, *, metric: str, confidence: float, subject: str) -> Measurement:
    """Return the mean of finite costs of checked rows, with its interval.

    >>> mean_cost(np.array([0.0, 2.0]), classed([0, 1], [0, 1]), metric="saved", confidence=0.95, subject="").value
    1.0
    """
    found = mean_of(values, rows.units, metric=metric, confidence=confidence, subject=subject)
    low, high = bounds_of_skewed_mean(values, rows.units, confidence=confidence)
    return dataclasses.replace(found, low=low, high=high)
