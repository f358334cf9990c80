"""Weighted ratios: metrics that are ratios of sums over rows, or means of several, and what each row adds to each."""

from __future__ import annotations

from typing import assert_never

import numpy as np
from numpy.typing import NDArray

from ml_platform.stages.evaluation.statistics import Scores, decided
from ml_platform.stats.log_loss import row_log_losses
from ml_platform.stats.multiclass_log_loss import row_class_losses
from ml_platform.stats.pinball_loss import row_pinball_losses

Floats = NDArray[np.float64]
Ratio = tuple[Floats, Floats]
Ratios = dict[tuple[str, str], tuple[Ratio, ...]]


def ratios_of(scores: Scores, weights: Floats) -> Ratios:
    """Return, per metric and subject, what each row adds above and below the line; several ratios are averaged.

    Of the root mean squared error it is the square, of R² the unexplained share. What is made of rows that aren't
    numbers means nothing: whoever asks knows that the metric isn't defined there.
    """
    with np.errstate(all="ignore"):
        match scores.task:
            case "binary":
                found = _binary(scores)
            case "multiclass":
                found = _classes(scores)
            case "regression":
                found = _numbers(scores, weights)
            case "quantile":
                found = _quantile(scores)
            case task:
                assert_never(task)
        return {**found, **_costs(scores, weights)}


def _one(scores: Scores) -> Floats:
    return np.ones(scores.true.size)


def _binary(scores: Scores) -> Ratios:
    true, score, one = scores.true == 1, np.clip(scores.score, 0, 1), _one(scores)
    mine = decided(scores.score, scores.threshold)
    return {
        ("log_loss", ""): ((row_log_losses(true, score), one),),
        ("brier", ""): ((np.square(score - true), one),),
        ("accuracy", ""): ((_counted(mine == true), one),),
        ("balanced_accuracy", ""): tuple((_counted(hits), _counted(of)) for hits, of in _both_classes(true, mine == 1)),
        **_of_class(true, mine == 1, "", ""),
    }


def _counted(rows: NDArray[np.bool_]) -> Floats:
    return rows.astype(np.float64)


def _both_classes(true: NDArray[np.bool_], mine: NDArray[np.bool_]) -> tuple[tuple[NDArray[np.bool_], ...], ...]:
    return (true & mine, true), (~true & ~mine, ~true)


def _of_class(true: NDArray[np.bool_], mine: NDArray[np.bool_], prefix: str, subject: str) -> Ratios:
    hit, positive, chosen = _counted(true & mine), _counted(true), _counted(mine)
    return {
        (f"{prefix}precision", subject): ((hit, chosen),),
        (f"{prefix}recall", subject): ((hit, positive),),
        (f"{prefix}f1", subject): ((2 * hit, positive + chosen),),
    }


def _classes(scores: Scores) -> Ratios:
    one, mine, classes = _one(scores), decided(scores.score, scores.threshold), scores.score.shape[1]
    codes = np.clip(np.nan_to_num(scores.true), 0, classes - 1).astype(np.intp)
    right = np.eye(classes)[codes]
    each: Ratios = {}
    for code in range(classes):
        each |= _of_class(scores.true == code, mine == code, "class_", str(code))
    present = [str(code) for code in range(classes) if ((scores.true == code) | (mine == code)).any()]
    macro: Ratios = {
        (f"macro_{name}", ""): tuple(each[f"class_{name}", code][0] for code in present)
        for name in ("recall", "precision", "f1")
    }
    return {
        ("multiclass_log_loss", ""): ((row_class_losses(codes, scores.score), one),),
        ("multiclass_brier", ""): ((np.square(scores.score - right).sum(axis=1), one),),
        ("class_accuracy", ""): ((_counted(mine == scores.true), one),),
        **macro,
        **each,
    }


def _numbers(scores: Scores, weights: Floats) -> Ratios:
    errors, one = scores.score - scores.true, _one(scores)
    distances = np.square(scores.true - np.average(scores.true, weights=weights)) if scores.true.size else one
    return {
        ("mean_absolute_error", ""): ((np.abs(errors), one),),
        ("bias", ""): ((errors, one),),
        ("bias_share", ""): ((errors, np.abs(errors)),),
        ("root_mean_squared_error", ""): ((np.square(errors), one),),
        ("r_squared", ""): ((np.square(errors), distances),),
    }


def _quantile(scores: Scores) -> Ratios:
    one = _one(scores)
    return {
        ("pinball_loss", ""): ((row_pinball_losses(scores.true, scores.score, scores.quantile), one),),
        ("coverage", ""): ((_counted(scores.true <= scores.score), one),),
        ("mean_absolute_error", ""): ((np.abs(scores.score - scores.true), one),),
    }


def _costs(scores: Scores, weights: Floats) -> Ratios:
    """Return what decisions cost each row, and what they save against the class that costs least to decide always."""
    if scores.costs is None:
        return {}
    most = len(scores.costs) - 1
    true, mine = (
        np.clip(np.nan_to_num(codes), 0, most).astype(np.intp)
        for codes in (scores.true, decided(scores.score, scores.threshold))
    )
    spent, one = scores.costs[true, mine], _one(scores)
    constant = int((weights @ scores.costs[true]).argmin())
    return {
        ("expected_cost", ""): ((spent, one),),
        ("expected_cost_gain", ""): ((scores.costs[true, constant] - spent, one),),
    }
