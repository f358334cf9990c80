"""Detectable: how large a fault must be for this batch to reveal it with a power of 80 %."""

from __future__ import annotations

import math
from dataclasses import dataclass

from ml_platform.stages.inspection.make_tables import MOST_FITTED
from ml_platform.stats.hypergeometric import fewest_all_drawn

POWER = 0.8
COMPARISONS = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """How many rows are compared: the reference's, those of it that nothing was learned from, and the batch's."""

    reference: int
    held: int
    batch: int


def sizes_of(reference_rows: int, batch_rows: int) -> Sizes:
    """Return the sizes of an inspection."""
    held = reference_rows - min(reference_rows // 2, MOST_FITTED)
    return Sizes(reference=reference_rows, held=held, batch=batch_rows)


def smallest_detectable(metric: str, sizes: Sizes, *, alpha: float, hypotheses: int) -> float:
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
    rows = sizes.held if learned else sizes.reference
    if metric in _SHIFTS:
        return _shift(budget, rows, sizes.batch)
    return _sparse(budget, rows, sizes.batch)


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
