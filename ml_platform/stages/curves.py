"""Curves: a holdout's ROC curve, calibration and score histogram, thinned to what a reader can see."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ml_platform.core.curves import CalibrationBin, Curves
from ml_platform.stats.share import share

if TYPE_CHECKING:
    from ml_platform.stages.scored_part import ScoredPart

ROC_POINTS = 160
CALIBRATION_BINS = 12
HISTOGRAM_BINS = 40

Floats = NDArray[np.float64]


def draw_curves(holdout: ScoredPart, importance: Mapping[str, float], champion: Floats | None) -> Curves:
    """Compute the curves; `champion` holds the champion's scores of the same rows."""
    edges = np.linspace(0.0, 1.0, HISTOGRAM_BINS + 1)
    counts = [np.histogram(holdout.score[holdout.target == outcome], edges)[0] for outcome in (0, 1)]
    return Curves(
        threshold=math.nan if holdout.threshold is None else holdout.threshold,
        roc=roc_points(holdout.target, holdout.score),
        champion_roc=() if champion is None else roc_points(holdout.target, champion),
        calibration=calibration_bins(holdout.score, holdout.target, holdout.entity),
        edges=tuple(edges.tolist()),
        negatives=tuple(counts[0].tolist()),
        positives=tuple(counts[1].tolist()),
        importance=importance,
    )


def roc_points(target: Floats, score: Floats) -> tuple[tuple[float, float], ...]:
    """Return up to 160 points of the ROC curve, spread evenly along it; () with one class only."""
    positives = float(target.sum())
    if not 0 < positives < target.size:
        return ()
    order = np.argsort(-score, kind="stable")
    last_of_equals = np.append(np.diff(score[order]) != 0, True)
    hits = np.append(0.0, np.cumsum(target[order])[last_of_equals] / positives)
    alarms = np.append(0.0, np.cumsum(1 - target[order])[last_of_equals] / (target.size - positives))
    places = np.searchsorted(hits + alarms, np.linspace(0, 2, ROC_POINTS))
    kept = np.unique(np.clip(np.append(places, [0, hits.size - 1]), 0, hits.size - 1))
    return tuple(zip(alarms[kept].tolist(), hits[kept].tolist(), strict=True))


def calibration_bins(score: Floats, outcome: Floats, entity: NDArray[np.uint64] | None) -> tuple[CalibrationBin, ...]:
    """Return bins of rows with similar probabilities, each with its rate of true outcomes."""
    order = np.argsort(score, kind="stable")
    bins = []
    for rows in np.array_split(order, min(CALIBRATION_BINS, order.size)):
        found = share(outcome[rows], entity=None if entity is None else entity[rows])
        if found.value is not None and found.low is not None and found.high is not None:
            predicted = float(score[rows].mean())
            bins.append(
                CalibrationBin(predicted=predicted, observed=found.value, low=found.low, high=found.high, n=rows.size)
            )
    return tuple(bins)
