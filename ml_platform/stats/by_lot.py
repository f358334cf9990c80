"""By lot: rows that went to a challenger or to a champion by chance, checked once for every statistic of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ml_platform.stats.arm_wagers import arm_gains, usual_of
from ml_platform.stats.bet_interval import Bounds, bet_interval
from ml_platform.stats.columns import Flags, Floats, flaw_of_flags, flaw_of_numbers, numbers, require_same_length

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from ml_platform.core.measurement import Fact


@dataclass(frozen=True, slots=True)
class ByLot:
    """Values, which rows are the challenger's, and the chance of that; `flaw` says why they can't be used."""

    values: Floats
    ours: Flags
    weight: Floats
    flaw: str = ""

    def since(self, row: int) -> ByLot:
        """Return the rows from one on; without rows of both arms they have a flaw."""
        values, ours = self.values[row:], self.ours[row:]
        return ByLot(values, ours, self.weight[row:], self.flaw or _lack(ours))


def by_lot(values: ArrayLike, challenger: ArrayLike, weight: ArrayLike) -> ByLot:
    """Check finite values, flags and chances above 0 and below 1, all of shape (n,); ValueError when shapes differ.

    >>> by_lot([1.0, 2.0], [0, 0], [0.5, 0.5]).flaw
    'no rows of the challenger'
    """
    column, arm, chance = numbers(values, "values"), numbers(challenger, "challenger"), numbers(weight, "weight")
    require_same_length(values=column, challenger=arm, weight=chance)
    flaw = flaw_of_numbers(values=column, weight=chance) or flaw_of_flags(challenger=arm)
    bad = 0 if flaw else int(((chance <= 0) | (chance >= 1)).sum())
    flaw = flaw or (f"{bad} of {chance.size} weights are no chances" if bad else _lack(arm == 1))
    return ByLot(column, arm == 1, chance, flaw)


def mean_gain_of(values: Floats, rows: ByLot) -> float:
    """Return the challenger's mean minus the champion's, each row weighed by the chance of its arm.

    >>> rows = by_lot(np.ones(2), [1, 0], [0.5, 0.5])
    >>> mean_gain_of(rows.values, rows)
    0.5
    """
    return float(arm_gains(values, usual_of(values), rows.ours, rows.weight).mean())


def lot_interval(values: Floats, rows: ByLot, confidence: float) -> Bounds:
    """Return bounds of the same that hold at all looks together, for values in [0, 1].

    >>> rows = by_lot(np.zeros(400), np.arange(400) % 2, np.full(400, 0.5))
    >>> [round(bound, 2) for bound in lot_interval(rows.values, rows, 0.95)]
    [-0.04, 0.04]
    """
    usual, chance = usual_of(values), rows.weight
    return bet_interval(
        arm_gains(values, usual, rows.ours, chance),
        least=-np.maximum(usual / chance, (1 - usual) / (1 - chance)),
        greatest=np.maximum((1 - usual) / chance, usual / (1 - chance)),
        ends=(-1.0, 1.0),
        confidence=confidence,
    )


def arm_means(values: Floats, rows: ByLot) -> dict[str, Fact]:
    """Return each arm's mean and number of rows, as facts.

    >>> arm_means(np.array([1.0, 0.0]), by_lot([1.0, 0.0], [1, 0], [0.5, 0.5]))
    {'challenger': 1.0, 'champion': 0.0, 'challenger_rows': 1, 'champion_rows': 1}
    """
    ours = rows.ours
    return {
        "challenger": float(values[ours].mean()),
        "champion": float(values[~ours].mean()),
        "challenger_rows": int(ours.sum()),
        "champion_rows": int((~ours).sum()),
    }


def _lack(ours: Flags) -> str:
    return "" if 0 < ours.sum() < ours.size else f"no rows of the {'champion' if ours.any() else 'challenger'}"
