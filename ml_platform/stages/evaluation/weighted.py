"""Weighted measurements: rows that stand for more or fewer cases than others, as in a survey or a sample by class."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator
from typing import assert_never

import numpy as np
from numpy.typing import NDArray

from ml_platform.core.measurement import Fact, Measurement
from ml_platform.stages.evaluation.statistics import Scores, decided, statistics
from ml_platform.stats.bootstrap import bootstrap
from ml_platform.stats.confidence import t_value
from ml_platform.stats.entities import entities
from ml_platform.stats.influence import influence_variance
from ml_platform.stats.log_loss import row_log_losses
from ml_platform.stats.multiclass_log_loss import row_class_losses
from ml_platform.stats.pinball_loss import row_pinball_losses
from ml_platform.stats.ratio_of_sums import ratio_of_sums
from ml_platform.stats.wilson import wilson

Floats = NDArray[np.float64]
UNDEFINED = "isn't measured with weights"
SHARES = frozenset({"accuracy", "precision", "recall", "f1", "class_accuracy", "coverage"})
SIGNED = frozenset({"bias", "expected_cost", "expected_cost_gain"})
REPETITIONS = 400


def weighted_statistics(scores: Scores, weights: Floats) -> Iterator[Measurement]:
    """Measure what is a ratio of sums over rows, each row times its weight; of the other metrics say that they aren't.

    Values are those of a weighted table (Hajek's estimator), intervals come from the linearised ratio and count whole
    entities. Source: Sarndal, Swensson and Wretman 1992, Model Assisted Survey Sampling, ch. 5.
    """
    ratios = {**_ratios(scores), **_cost_ratios(scores, weights)}
    for plain in statistics(scores):
        if plain.value is None:
            yield plain
        elif plain.metric in ratios and not plain.subject:
            yield _measured(scores, plain, *(part * weights for part in ratios[plain.metric]))
        elif plain.metric == "roc_auc":
            yield _ranking(scores, weights)
        else:
            yield Measurement(
                metric=plain.metric, value=None, n=plain.n, unit=plain.unit, subject=plain.subject, reason=UNDEFINED
            )


def _cost_ratios(scores: Scores, weights: Floats) -> dict[str, tuple[Floats, Floats]]:
    """Return what decisions cost each row, and what they save against the class that costs least to decide always."""
    if scores.costs is None:
        return {}
    true = np.clip(np.nan_to_num(scores.true), 0, len(scores.costs) - 1).astype(np.intp)
    mine = np.nan_to_num(decided(scores.score, scores.threshold)).astype(np.intp)
    spent, one = scores.costs[true, mine], np.ones(true.size)
    constant = int((weights @ scores.costs[true]).argmin())
    return {"expected_cost": (spent, one), "expected_cost_gain": (scores.costs[true, constant] - spent, one)}


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


def _ranking(scores: Scores, weights: Floats) -> Measurement:
    found = bootstrap(
        weighted_area, scores.true, scores.score, weights, seed=scores.seed, repetitions=REPETITIONS,
        entity=scores.entity, strata=scores.true, metric="roc_auc", confidence=scores.confidence,
    )  # fmt: skip
    return dataclasses.replace(found, facts={**found.facts, **_facts(weights)})


def _ratios(scores: Scores) -> dict[str, tuple[Floats, Floats]]:
    """Return, per metric, what each row adds above and below the line."""
    true, score, one = scores.true, scores.score, np.ones(scores.true.size)
    match scores.task:
        case "binary":
            mine = decided(score, scores.threshold)
            hit, positive, chosen = (mine == 1) * (true == 1) * 1.0, (true == 1) * 1.0, (mine == 1) * 1.0
            certain = np.clip(score, 0, 1)
            return {
                "log_loss": (row_log_losses(true == 1, certain), one),
                "brier": (np.square(certain - true), one),
                "accuracy": ((mine == true) * 1.0, one),
                "precision": (hit, chosen),
                "recall": (hit, positive),
                "f1": (2 * hit, positive + chosen),
            }
        case "multiclass":
            right = np.zeros_like(score)
            codes = np.clip(np.nan_to_num(true), 0, score.shape[1] - 1).astype(np.intp)
            right[np.arange(true.size), codes] = 1.0
            return {
                "multiclass_log_loss": (row_class_losses(codes, score), one),
                "multiclass_brier": (np.square(score - right).sum(axis=1), one),
                "class_accuracy": ((decided(score, scores.threshold) == true) * 1.0, one),
            }
        case "regression":
            return {"mean_absolute_error": (np.abs(score - true), one), "bias": (score - true, one)}
        case "quantile":
            losses = row_pinball_losses(true, score, scores.quantile)
            covered = (true <= score) * 1.0
            return {
                "pinball_loss": (losses, one),
                "coverage": (covered, one),
                "mean_absolute_error": (np.abs(score - true), one),
            }
        case task:
            assert_never(task)


def _measured(scores: Scores, plain: Measurement, above: Floats, below: Floats) -> Measurement:
    """Return the ratio; a share with Wilson's interval at the size that its variance gives, else with Student's."""
    units = entities(scores.entity, scores.true)
    value, influence = ratio_of_sums(above, below)
    variance = influence_variance(influence, units)
    low = high = None
    if variance is not None and plain.metric in SHARES:
        size = value * (1 - value) / variance if variance > 0 else float(below.sum() ** 2 / np.square(below).sum())
        bounds = wilson(value * size, size, confidence=scores.confidence)
        low, high = bounds.low, bounds.high
    elif variance is not None:
        half = t_value(scores.confidence, (units.count() or above.size) - 1) * math.sqrt(variance)
        low, high = max(value - half, -math.inf if plain.metric in SIGNED else 0.0), value + half
    return dataclasses.replace(plain, value=value, low=low, high=high, facts=_facts(below))


def _facts(weights: Floats) -> dict[str, Fact]:
    return {"weighted": True, "effective_n": float(weights.sum() ** 2 / np.square(weights).sum())}
