"""Statistics of decisions and probabilities against scikit-learn, by hand, and by what must always hold."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as sklearn

from ml_platform.stats.accuracy import accuracy
from ml_platform.stats.balanced_accuracy import balanced_accuracy
from ml_platform.stats.brier import brier
from ml_platform.stats.f1 import f1
from ml_platform.stats.log_loss import log_loss, row_log_losses
from ml_platform.stats.mean_interval import mean_interval
from ml_platform.stats.precision import precision
from ml_platform.stats.recall import recall
from ml_platform.stats.share import share
from ml_platform.stats.wilson import wilson
from ml_platform_tests.stats.reading import Statistic, bounds_of, covers, width_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from ml_platform.stats.columns import Flags

BOTH = st.integers(2, 60).flatmap(
    lambda n: st.tuples(*[st.lists(st.booleans(), min_size=n, max_size=n).map(np.array) for _ in range(2)])
)
ORACLES: dict[Statistic, Callable[..., float]] = {
    accuracy: sklearn.accuracy_score,
    precision: sklearn.precision_score,
    recall: sklearn.recall_score,
    f1: sklearn.f1_score,
    balanced_accuracy: sklearn.balanced_accuracy_score,
}


@pytest.mark.parametrize("statistic", ORACLES)
@settings(max_examples=40)  # scikit-learn checks its input at length
@given(both=BOTH)
def test_values_equal_scikit_learn_wherever_it_has_one(statistic: Statistic, both: tuple[Flags, Flags]) -> None:
    found = statistic(*both)
    if found.value is None:
        assert found.reason
        return
    assert found.value == pytest.approx(ORACLES[statistic](*both))
    low, high = bounds_of(found)
    assert -1e-12 <= low <= found.value + 1e-12
    assert found.value - 1e-12 <= high <= 1 + 1e-12


def test_all_five_by_hand() -> None:
    y = np.repeat([1, 1, 0, 0], [30, 10, 20, 40])  # 30 found, 10 missed, 20 false alarms, 40 kept
    decision = np.repeat([1, 0, 1, 0], [30, 10, 20, 40])
    assert accuracy(y, decision).value == 0.70
    assert precision(y, decision).value == 0.60
    assert recall(y, decision).value == 0.75
    assert f1(y, decision).value == pytest.approx(60 / 90)
    assert balanced_accuracy(y, decision).value == pytest.approx((0.75 + 2 / 3) / 2)
    assert (precision(y, decision).n, recall(y, decision).n, f1(y, decision).n) == (50, 40, 60)


def test_intervals_of_shares_are_wilsons() -> None:
    y = np.repeat([1, 1, 0, 0], [30, 10, 20, 40])
    decision = np.repeat([1, 0, 1, 0], [30, 10, 20, 40])
    assert (recall(y, decision).low, recall(y, decision).high) == (wilson(30, 40).low, wilson(30, 40).high)
    assert precision(y, decision).low == wilson(30, 50).low
    jaccard = bounds_of(wilson(30, 60))[0]
    assert f1(y, decision).low == pytest.approx(2 * jaccard / (1 + jaccard))


@pytest.mark.parametrize(
    ("statistic", "y", "decision", "reason"),
    [
        (recall, [0, 0], [0, 1], "no row is positive"),
        (precision, [0, 1], [0, 0], "no row is decided positive"),
        (f1, [0, 0], [0, 0], "no row is positive or decided positive"),
        (balanced_accuracy, [1, 1], [0, 1], "all 2 outcomes are of one class"),
        (accuracy, [1, 1], [0, 0.5], "1 of 2 values of decisions are neither 0 nor 1"),
    ],
)
def test_undefined_statistics_say_why(statistic: Statistic, y: list[float], decision: list[float], reason: str) -> None:
    found = statistic(y, decision)
    assert (found.value, found.low, found.high, found.reason) == (None, None, None, reason)


@pytest.mark.parametrize("statistic", [*ORACLES, log_loss, brier])
def test_rows_of_one_entity_are_less_evidence_than_rows_of_many(statistic: Statistic) -> None:
    rng = np.random.default_rng(3)
    y, decision = rng.random(80) < 0.5, rng.random(80) < 0.5
    alone = statistic(np.repeat(y, 5), np.repeat(decision, 5))
    together = statistic(np.repeat(y, 5), np.repeat(decision, 5), entity=np.repeat(np.arange(80), 5))
    assert together.value == pytest.approx(alone.value)
    assert width_of(together) > 2 * width_of(alone)


def test_the_balanced_accuracy_interval_covers_as_often_as_it_says() -> None:
    rng = np.random.default_rng(4)
    y = np.repeat([True, False], [30, 200])
    covered = 0
    for _ in range(300):
        right = np.where(y, rng.random(230) < 0.7, rng.random(230) < 0.9)
        found = balanced_accuracy(y, right == y)
        covered += covers(found, 0.8)
    assert 0.92 <= covered / 300 <= 0.985


@given(st.lists(st.tuples(st.booleans(), st.floats(0, 1)), min_size=2, max_size=50))
def test_log_loss_and_brier_equal_scikit_learn(rows: list[tuple[bool, float]]) -> None:
    y, score = np.array([row[0] for row in rows]), np.array([row[1] for row in rows])
    assert log_loss(y, score).value == pytest.approx(sklearn.log_loss(y, score, labels=[False, True]), abs=1e-12)
    assert brier(y, score).value == pytest.approx(np.mean((y - score) ** 2))


def test_brier_equals_scikit_learn() -> None:
    rng = np.random.default_rng(5)
    y, score = rng.random(100) < 0.3, rng.random(100)
    assert brier(y, score).value == pytest.approx(sklearn.brier_score_loss(y, score))


def test_log_loss_by_hand() -> None:
    found = log_loss([1, 0], [0.5, 0.75])
    assert found.value == pytest.approx((np.log(2) + np.log(4)) / 2)
    assert found.unit == "nats"


def test_a_certain_miss_is_dear_but_finite_and_counted() -> None:
    found = log_loss([1, 0, 1], [0.0, 0.5, 1.0])
    assert found.value == pytest.approx((36.04365 + np.log(2)) / 3, rel=1e-5)
    assert found.facts["clipped"] == 2


@pytest.mark.parametrize("statistic", [log_loss, brier])
def test_scores_that_are_no_probabilities_are_refused(statistic: Statistic) -> None:
    found = statistic([0, 1, 1], [0.2, 1.2, -0.1])
    assert (found.value, found.reason) == (None, "2 of 3 scores are no probabilities")


def test_intervals_of_losses_are_those_of_a_mean() -> None:
    rng = np.random.default_rng(6)
    y, score = rng.random(50) < 0.4, rng.random(50)
    expected = mean_interval(row_log_losses(y, score))
    assert (log_loss(y, score).low, log_loss(y, score).high) == (expected.low, expected.high)


def test_accuracy_is_the_share_of_right_rows() -> None:
    y, decision = [1, 0, 1], [1, 1, 1]
    assert accuracy(y, decision).value == share([1, 0, 1]).value
