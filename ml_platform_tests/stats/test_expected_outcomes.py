"""Estimates made without outcomes lie as near to what comes true as their intervals say, if calibration holds."""

from __future__ import annotations

import math

import numpy as np
import pytest
from sklearn.metrics import log_loss, roc_auc_score

from ml_platform.core.measurement import Measurement
from ml_platform.stats.estimated_accuracy import estimated_accuracy
from ml_platform.stats.estimated_log_loss import estimated_log_loss
from ml_platform.stats.estimated_roc_auc import estimated_roc_auc
from ml_platform.stats.expected_outcomes import ExpectedOutcomes, expected_outcomes


def outcomes(rng: np.random.Generator, n: int, *, skill: float = 2.0) -> tuple[np.ndarray, np.ndarray]:
    chance = rng.beta(1, skill, n)
    return (rng.random(n) < chance).astype(float), chance


def estimates(expected: ExpectedOutcomes) -> dict[str, Measurement]:
    found = (
        estimated_roc_auc(expected),
        estimated_accuracy(expected, expected.score >= 0.4),
        estimated_log_loss(expected),
    )
    return {one.metric.removeprefix("estimated_"): one for one in found}


def realised(came: np.ndarray, score: np.ndarray) -> dict[str, float]:
    """Return what a library says came true."""
    return {
        "roc_auc": float(roc_auc_score(came, score)),
        "accuracy": float(((score >= 0.4) == came).mean()),
        "log_loss": float(log_loss(came, score)),
    }


def covers(found: Measurement, value: float) -> bool:
    assert found.low is not None
    assert found.high is not None
    return found.low <= value <= found.high


def test_what_comes_true_lies_in_the_interval_as_often_as_it_says_also_with_few_rows_to_calibrate_by() -> None:
    rng, times = np.random.default_rng(1), 80
    hits = dict.fromkeys(("roc_auc", "accuracy", "log_loss"), 0)
    for _ in range(times):
        known, proven = outcomes(rng, 400)
        came, score = outcomes(rng, 800)
        found = estimates(expected_outcomes(score, known_outcome=known, known_score=proven))
        true = realised(came, score)
        for name, one in found.items():
            hits[name] += covers(one, true[name])
    assert all(0.88 <= count / times <= 0.99 for count in hits.values()), hits


def test_harder_cases_are_expected_to_be_ranked_worse_without_any_outcome() -> None:
    rng = np.random.default_rng(2)
    known, proven = outcomes(rng, 5_000)
    came, score = outcomes(rng, 5_000, skill=8.0)
    found = estimates(expected_outcomes(score, known_outcome=known, known_score=proven))
    then = realised(known, proven)
    for name, value in realised(came, score).items():
        assert covers(found[name], value)
        assert not covers(found[name], then[name])


def test_scores_that_were_too_sure_are_calibrated_by_what_is_known() -> None:
    rng = np.random.default_rng(3)
    known, chance = outcomes(rng, 20_000)
    bold = 1 / (1 + np.exp(-2 * np.log(chance / (1 - chance))))
    found = expected_outcomes(bold[:100], known_outcome=known, known_score=bold)
    assert np.abs(found.chance - chance[:100]).max() < 0.03


def test_of_pairs_counted_one_by_one_the_estimate_is_the_same() -> None:
    score = np.array([0.2, 0.2, 0.5, 0.9])
    expected = ExpectedOutcomes(score=score, chance=score, moves=np.zeros((4, 2)), covariance=np.eye(2))
    right = every = 0.0
    for one in range(4):
        for other in range(4):
            if one != other:
                weight = score[one] * (1 - score[other])
                every += weight
                right += weight * (1.0 if score[one] > score[other] else 0.5 if score[one] == score[other] else 0.0)
    assert estimated_roc_auc(expected).value == pytest.approx(right / every)


@pytest.mark.parametrize(
    ("score", "came", "proven"),
    [
        ([], [0, 1], [0.2, 0.8]),
        ([0.5, math.nan], [0, 1], [0.2, 0.8]),
        ([0.5, 2.0], [0, 1], [0.2, 0.8]),
        ([0.5], [1, 1], [0.2, 0.8]),
        ([0.5], [0, 1], [0.2, 0.8]),
        ([0.5], [], []),
    ],
    ids=["no rows", "not finite", "no probability", "one class", "separated", "nothing known"],
)
def test_where_nothing_is_to_be_expected_no_estimate_is_made(
    score: list[float], came: list[int], proven: list[float]
) -> None:
    found = estimates(expected_outcomes(score, known_outcome=came, known_score=proven))
    assert all(one.value is None and one.reason for one in found.values())


def test_a_constant_score_ranks_nothing() -> None:
    score = np.full(10, 0.3)
    expected = ExpectedOutcomes(score=score, chance=score, moves=np.zeros((10, 2)), covariance=np.eye(2))
    assert estimated_roc_auc(expected).reason == "the score is constant: it ranks nothing"
    assert estimated_accuracy(expected, score > 0.5).value == pytest.approx(0.7)
