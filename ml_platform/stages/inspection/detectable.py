"""Detectable: how large a fault must be for this batch to reveal it with a power of 80 %."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from ml_platform.stats.hypergeometric import fewest_all_drawn

if TYPE_CHECKING:
    from ml_platform.stages.inspection.tables import Tables

POWER = 0.8
COMPARISONS = 30


def smallest_detectable(metric: str, tables: Tables, *, alpha: float, hypotheses: int) -> float:
    """Return the smallest share of faulty rows (0..1) that a family would have found; infinity when none would.

    For values that the reference hardly holds (a typo, a sentinel, a copied row), the number of rows whose chance of
    all being the batch's is small enough; for shifts within what is known, the distance of two distributions. Both as
    if the strongest of about 30 comparisons per hypothesis had to be proven; where models learn from one half of the
    reference, the other half counts.
    """
    if not hypotheses:
        return 0.0
    budget = alpha / (hypotheses * COMPARISONS)
    learned = metric in {"batch_dependence_shift", "batch_broken_relation"}
    rows = tables.held.size if learned else tables.reference_rows
    if metric in _SHIFTS:
        return _shift(budget, rows, tables.batch_rows)
    return _sparse(budget, rows, tables.batch_rows)


_SHIFTS = {"batch_distribution_shift", "batch_level_shift", "batch_missing_shift", "batch_dependence_shift",
           "batch_combination_shift", "batch_label_shift"}  # fmt: skip


def _sparse(budget: float, rows: int, drawn: int) -> float:
    from scipy.special import gammaincinv

    if not rows or not drawn:
        return math.inf
    needed = fewest_all_drawn(budget, drawn=drawn, total=rows + drawn)
    expected = float(gammaincinv(needed, POWER))
    return expected / drawn if expected <= drawn else math.inf


def _shift(budget: float, rows: int, drawn: int) -> float:
    from scipy.special import kolmogi, ndtri

    if not rows or not drawn:
        return math.inf
    distance = (float(kolmogi(budget)) + 0.5 * float(ndtri(POWER))) * math.sqrt(1 / rows + 1 / drawn)
    return distance if distance <= 1 else math.inf
