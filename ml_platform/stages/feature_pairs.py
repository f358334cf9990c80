"""Feature pairs: two features that tell the outcome only when they are compared, as planned and actual times do."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from ml_platform.core.measurement import Measurement
from ml_platform.stages.matrix import Matrix
from ml_platform.stages.spread import spread
from ml_platform.stats.delong import area
from ml_platform.stats.single_feature_auc import single_feature_auc

METRIC = "feature_pair_auc"
MOST_ROWS = 2_000
MOST_FEATURES = 50
COMPARABLE_SHARE = 0.9

Floats = NDArray[np.float64]


def measure_pairs(learned: Matrix) -> Measurement:
    """Measure the best area under the ROC curve that the difference or ratio of two numeric features reaches.

    Counted are pairs that can be compared in nine of ten rows. Where there is none the value is 0.5, which is what
    guessing reaches. Of more than fifty numeric features the first fifty are compared; `features_left_out` counts
    the others.
    """
    rows = learned.rows_of(spread(learned.target.size, MOST_ROWS))
    names = [name for name in rows.names if name not in rows.categorical and np.unique(rows.column(name)).size > 2]
    compared = names[:MOST_FEATURES]
    positive = rows.target == 1
    facts = {"features": len(compared), "features_left_out": len(names) - len(compared)}
    found = max(((_auc(values, positive), about) for about, values in _pairs(rows, compared)), default=(0.0, ""))
    if not found[0]:
        return Measurement(metric=METRIC, value=0.5, n=rows.target.size, subject="no pair", facts=facts)
    values = next(values for about, values in _pairs(rows, compared) if about == found[1])
    best = single_feature_auc(values, rows.target, subject=found[1])
    return dataclasses.replace(best, metric=METRIC, facts={**best.facts, **facts})


def _pairs(rows: Matrix, names: list[str]) -> Iterator[tuple[str, Floats]]:
    for first, second in combinations(names, 2):
        a, b = rows.column(first), rows.column(second)
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            yield f"{first} - {second}", a - b
            yield f"{first} / {second}", a / b


def _auc(values: Floats, positive: NDArray[np.bool_]) -> float:
    usable = np.isfinite(values)
    outcome = positive[usable]
    if usable.mean() < COMPARABLE_SHARE or outcome.all() or not outcome.any():
        return 0.0
    found = area(outcome, values[usable])
    return max(found, 1 - found)
