"""Expected cost gain: what decisions save against deciding every row alike."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from ml_platform.core.measurement import Measurement
from ml_platform.stats.expected_cost import cost_table, costed, mean_cost

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

METRIC = "expected_cost_gain"


def expected_cost_gain(
    y_true: ArrayLike,
    decisions: ArrayLike,
    *,
    costs: ArrayLike,
    entity: ArrayLike | None = None,
    confidence: float = 0.95,
    subject: str = "",
) -> Measurement:
    """Return how much less decisions cost per row than always deciding the class that costs least on these rows.

    Outcomes and decisions hold class numbers from 0, shape (n,), `costs` a row per outcome and a column per decision.
    Each row is its own control: the interval is Hall's of the mean difference, with `entity` cluster-robust. The
    constant is chosen on the same rows, which favours it, so that a gain above 0 is proven. Decisions that cost in
    every row what the constant costs have a gain of 0 without an interval: they show nothing. Undefined without rows,
    with values that are no class numbers, and with a class that has no costs. ValueError when lengths differ or costs
    are no square table of finite numbers. Facts: constant, constant_cost, standard_error. Sources: Elkan 2001, The
    Foundations of Cost-Sensitive Learning, IJCAI; Hall 1992, J. R. Stat. Soc. B 54 (the interval).

    >>> expected_cost_gain([0, 1, 1, 0], [0, 1, 1, 0], costs=[[0, 1], [5, 0]]).value
    0.5
    """
    table = cost_table(costs)
    rows, flaw = costed(y_true, decisions, table, entity)
    if flaw:
        return Measurement(metric=METRIC, value=None, n=rows.n, subject=subject, reason=flaw)
    constant = int(table[rows.true].sum(axis=0).argmin())
    always = table[rows.true, constant]
    saved = always - table[rows.true, rows.decided]
    found = mean_cost(saved, rows, metric=METRIC, confidence=confidence, subject=subject)
    facts = {**found.facts, "constant": constant, "constant_cost": float(always.mean())}
    if not saved.any():
        return dataclasses.replace(found, low=None, high=None, facts=facts)
    return dataclasses.replace(found, facts=facts)
