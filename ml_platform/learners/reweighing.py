"""Reweighing: weights under which group and outcome are independent among the rows that teach."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ml_platform.core.errors import DataInvalid

Floats = NDArray[np.float64]
Groups = NDArray[np.object_]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reweighing:
    """What a row of a group counts by its outcome, 0 or 1; a group that taught nothing counts 1."""

    factors: dict[str, tuple[float, float]]

    def weigh(self, group: Groups, target: Floats, weight: Floats | None = None) -> Floats:
        """Return each row's weight, shape (n,): its own, if it has one, times its group's and outcome's."""
        factor = np.ones(target.size)
        for name, of_outcome in self.factors.items():
            rows = group == name
            factor[rows] = np.asarray(of_outcome)[target[rows].astype(np.int64)]
        return factor if weight is None else factor * weight


def learn_reweighing(group: Groups, target: Floats, weight: Floats | None = None) -> Reweighing:
    """Return P(group) · P(outcome) / P(group, outcome) of the rows that teach, counted by their own weights.

    `group` holds one name per row, `target` 0 or 1, both of shape (n,). Raises DataInvalid when a group has no row of
    an outcome: no weight makes up for rows that aren't there. Source: Kamiran and Calders 2012, Data preprocessing
    techniques for classification without discrimination, Knowl. Inf. Syst. 33.
    """
    own = np.ones(target.size) if weight is None else weight
    names = sorted({str(name) for name in group})
    cells = {name: tuple(float(own[(group == name) & (target == one)].sum()) for one in (0, 1)) for name in names}
    _require_filled(cells, group, target)
    total, outcomes = float(own.sum()), np.array(list(cells.values())).sum(axis=0)
    factors = {
        name: (_factor(sum(of), outcomes[0], of[0], total), _factor(sum(of), outcomes[1], of[1], total))
        for name, of in cells.items()
    }
    return Reweighing(factors=factors)


def _factor(of_group: float, of_outcome: float, of_both: float, total: float) -> float:
    return float(of_group * of_outcome / (total * of_both))


def _require_filled(cells: dict[str, tuple[float, ...]], group: Groups, target: Floats) -> None:
    empty = [(name, one) for name, of in cells.items() for one in (0, 1) if not of[one] > 0]
    if empty or not cells:
        name, outcome = empty[0] if empty else ("", 1)
        rows = int((group == name).sum())
        raise DataInvalid(
            f"learner.reweigh: {len(empty)} of {2 * len(cells)} combinations of group and outcome have no training "
            f"row that counts (the first: a group of {rows:,} rows, none with the outcome {outcome}; {target.size:,} "
            "rows in all); every group needs both outcomes; name fewer columns, or lengthen the training part"
        )
