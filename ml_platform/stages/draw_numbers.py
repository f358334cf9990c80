"""Draw numbers: outcomes by prediction and the spread of errors, in bins, so that no single case is shown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ml_platform.core.curves import NumberBin, NumberCurves

if TYPE_CHECKING:
    from ml_platform.policy.spec import ModelSpec
    from ml_platform.stages.scored_part import ScoredPart

BINS = 25
ERROR_BINS = 40
OUTERMOST = 0.01

Floats = NDArray[np.float64]


def draw_numbers(_: ModelSpec, holdout: ScoredPart, importance: Mapping[str, float], __: Floats | None) -> NumberCurves:
    """Compute the curves of predicted numbers."""
    errors = holdout.score - holdout.target
    low, high = np.quantile(errors, [OUTERMOST, 1 - OUTERMOST])
    edges = np.linspace(low, high if high > low else low + 1.0, ERROR_BINS + 1)
    return NumberCurves(
        predicted=_bins(holdout.score, holdout.target),
        edges=tuple(edges.tolist()),
        errors=tuple(np.histogram(np.clip(errors, edges[0], edges[-1]), edges)[0].tolist()),
        importance=importance,
    )


def _bins(score: Floats, target: Floats) -> tuple[NumberBin, ...]:
    order = np.argsort(score, kind="stable")
    bins = []
    for rows in np.array_split(order, min(BINS, order.size)):
        low, median, high = np.quantile(target[rows], [0.05, 0.5, 0.95]).tolist()
        bins.append(NumberBin(predicted=float(score[rows].mean()), median=median, low=low, high=high, n=int(rows.size)))
    return tuple(bins)
