"""Weighted measurements: rows that stand for more or fewer cases than others, as in a survey or a sample by class."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from ml_platform.core.measurement import Fact, Measurement
from ml_platform.stages.evaluation.statistics import Scores, statistics
from ml_platform.stages.evaluation.weighted_ratios import Ratio, ratios_of
from ml_platform.stats.bootstrap import bootstrap
from ml_platform.stats.bounded_interval import bounded_interval
from ml_platform.stats.confidence import t_value
from ml_platform.stats.entities import Entities, entities
from ml_platform.stats.influence import influence_variance
from ml_platform.stats.ratio_of_sums import ratio_of_sums
from ml_platform.stats.satterthwaite import freedom_of, satterthwaite

Floats = NDArray[np.float64]
Bounds = tuple[float | None, float | None]
UNDEFINED = "isn't measured with weights"
SHARES = frozenset(
    {
        *("accuracy", "balanced_accuracy", "precision", "recall", "f1", "class_accuracy", "coverage"),
        *("class_precision", "class_recall", "class_f1", "macro_precision", "macro_recall", "macro_f1"),
    }
)
SIGNED = frozenset({"bias", "bias_share", "expected_cost", "expected_cost_gain"})
REPETITIONS = 400
LARGEST_LOG = 700.0


def weighted_statistics(scores: Scores, weights: Floats) -> Iterator[Measurement]:
    """Measure what is made of ratios of sums over rows, each row times its weight, and what ranks rows.

    Values are those of a weighted table (Hajek's estimator), intervals come from the linearised ratios and count whole
    entities; those of rankings are drawn again. Of the other metrics it says that they aren't measured. Source:
    Sarndal, Swensson and Wretman 1992, Model Assisted Survey Sampling, ch. 5.
    """
    ratios = ratios_of(scores, weights)
    for plain in statistics(scores):
        named = ratios.get((plain.metric, plain.subject))
        if plain.value is None or (named is not None and not all(below.any() for _, below in named)):
            yield plain
        elif named is not None:
            yield _measured(scores, plain, [(above * weights, below * weights) for above, below in named])
        elif plain.metric in RANKINGS:
            yield _ranking(scores, weights, plain.metric)
        else:
            yield Measurement(
                metric=plain.metric, value=None, n=plain.n, unit=plain.unit, subject=plain.subject, reason=UNDEFINED
            )


def weighted_area(true: Floats, score: Floats, weights: Floats) -> float | None:
    """Return the weighted chance that a positive row is scored above a negative one; None with one class.

    >>> weighted_area(np.array([0.0, 1, 1]), np.array([0.2, 0.1, 0.9]), np.array([1.0, 1, 3]))
    0.75
    """
    _, place = np.unique(score, return_inverse=True)
    above = np.bincount(place, weights=weights * (true == 1))
    below = np.bincount(place, weights=weights * (true != 1))
    pairs = float(above.sum() * below.sum())
    won = above @ (np.cumsum(below) - below / 2)
    return float(won) / pairs if pairs > 0 else None


def weighted_precision(true: Floats, score: Floats, weights: Floats) -> float | None:
    """Return the weighted average precision; None without a positive row.

    >>> weighted_precision(np.array([0.0, 1, 1]), np.array([0.2, 0.1, 0.9]), np.array([1.0, 1, 3]))
    0.95
    """
    _, place = np.unique(-score, return_inverse=True)
    at = np.bincount(place, weights=weights * (true == 1))
    hits, reached = np.cumsum(at), np.cumsum(np.bincount(place, weights=weights))
    return float(at @ (hits / reached) / hits[-1]) if hits[-1] > 0 else None


RANKINGS: Mapping[str, Callable[[Floats, Floats, Floats], float | None]] = MappingProxyType(
    {"roc_auc": weighted_area, "average_precision": weighted_precision}
)


def _ranking(scores: Scores, weights: Floats, metric: str) -> Measurement:
    found = bootstrap(
        RANKINGS[metric], scores.true, scores.score, weights, seed=scores.seed, repetitions=REPETITIONS,
        entity=scores.entity, strata=scores.true, metric=metric, confidence=scores.confidence,
    )  # fmt: skip
    return dataclasses.replace(found, facts={**found.facts, **_facts(_effective(weights))})


def _measured(scores: Scores, plain: Measurement, ratios: list[Ratio]) -> Measurement:
    """Return the mean of weighted ratios, on the metric's own scale."""
    units = entities(scores.entity, scores.true)
    values, influences = zip(*(ratio_of_sums(*each) for each in ratios), strict=True)
    value, influence = float(np.mean(values)), np.mean(influences, axis=0)
    size = min(_effective(below) for _, below in ratios)
    low, high = _bounds(plain.metric, value, influence, units, rows=size, confidence=scores.confidence)
    match plain.metric:
        case "root_mean_squared_error":
            value, low, high = math.sqrt(value), _root(low), _root(high)
        case "r_squared":
            value, low, high = 1 - value, None if high is None else 1 - high, None if low is None else 1 - low
    return dataclasses.replace(plain, value=value, low=low, high=high, facts=_facts(size))


def _bounds(metric: str, value: float, influence: Floats, units: Entities, *, rows: float, confidence: float) -> Bounds:
    """Return a share's bounds by Wilson at the size that its variance gives, R²'s on the log scale, or Student's."""
    variance = influence_variance(influence, units)
    if variance is None:
        return None, None
    if metric in SHARES:
        freedom = freedom_of(influence, units)
        return bounded_interval(value, variance, fewest=max(int(rows), 1), freedom=freedom, confidence=confidence)
    if metric == "r_squared":
        if not value > 0:
            return None, None
        edge = t_value(confidence, satterthwaite(influence, units))
        factor = math.exp(min(edge * math.sqrt(variance) / value, LARGEST_LOG))
        return value / factor, value * factor
    half = t_value(confidence, (units.count() or influence.size) - 1) * math.sqrt(variance)
    return max(value - half, -math.inf if metric in SIGNED else 0.0), value + half


def _root(square: float | None) -> float | None:
    return None if square is None else math.sqrt(square)


def _effective(weights: Floats) -> float:
    """Return how many equally weighted rows would be as many (Kish)."""
    scaled = weights / weights.max()
    return float(scaled.sum() ** 2 / np.square(scaled).sum())


def _facts(size: float) -> dict[str, Fact]:
    return {"weighted": True, "effective_n": size}
