"""What one column alone knows of the outcome."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from ml_platform.stats.roc_auc import roc_auc
from ml_platform.stats.single_feature_auc import single_feature_auc


@given(st.integers(0, 10_000))
def test_without_missing_values_it_is_the_better_direction_of_scikit_learns_auc(seed: int) -> None:
    rng = np.random.default_rng(seed)
    y = np.arange(50) % 3 == 0
    feature = rng.normal(size=50).round(1)
    expected = roc_auc_score(y, feature)
    found = single_feature_auc(feature, y)
    assert found.value == pytest.approx(max(expected, 1 - expected))


def test_both_directions_are_equally_suspicious() -> None:
    y = np.array([0, 0, 0, 1, 1])
    up, down = single_feature_auc([1, 2, 3, 4, 5], y), single_feature_auc([5, 4, 3, 2, 1], y)
    assert up.value == down.value == 1
    assert up.low == roc_auc(y, [1, 2, 3, 4, 5]).low


def test_being_missing_can_give_the_outcome_away() -> None:
    y = np.arange(100) % 2 == 0
    feature = np.where(y, np.nan, np.random.default_rng(1).normal(size=100))
    found = single_feature_auc(feature, y)
    assert found.value == 1
    assert found.facts["missing"] == 50


def test_infinite_values_are_values() -> None:
    assert single_feature_auc([np.inf, np.inf, -np.inf, 0.0], [1, 1, 0, 0]).value == 1
    assert single_feature_auc([np.inf, np.nan, -1e308, 1e308], [1, 0, 1, 1]).value == 1


def test_a_category_that_knows_the_outcome_is_seen() -> None:
    y = np.arange(200) % 4 == 0
    assert single_feature_auc(np.where(y, "late", "on time"), y).value == 1
    assert single_feature_auc(np.array([None if late else "on time" for late in y]), y).value == 1


def test_an_identifier_is_no_oracle() -> None:
    rng = np.random.default_rng(2)
    y = rng.random(600) < 0.3
    names = np.array([f"row {number}" for number in range(600)])
    assert single_feature_auc(names, y).reason.startswith("no category comes twice")
    pairs = np.array([f"pair {number // 2}" for number in range(600)])
    assert single_feature_auc(pairs, y).value == pytest.approx(0.5, abs=0.08)


@pytest.mark.parametrize(
    ("feature", "y", "reason"),
    [
        (["a", "b"], [1, 1], "all 2 outcomes are of one class"),
        ([1.0, 2.0], [1, 1], "all 2 outcomes are of one class"),
        ([1.0, 2.0], [1, np.nan], "1 of 2 values of y are not finite"),
    ],
)
def test_undefined_says_why(feature: list[float] | list[str], y: list[float], reason: str) -> None:
    assert single_feature_auc(feature, y).reason == reason


@pytest.mark.parametrize("feature", [[1.0, 1.0, 1.0], [np.nan, np.nan, np.nan], ["a", "a", "a"], [True, True, True]])
def test_a_constant_gives_nothing_away(feature: list[float] | list[str]) -> None:
    found = single_feature_auc(feature, [0, 1, 1])
    assert (found.value, found.low, found.high) == (0.5, 0.5, 0.5)
    assert found.reason == "the feature is constant: it ranks as chance does"
    assert found.facts["constant"] is True


def test_a_constant_with_gaps_is_none() -> None:
    assert single_feature_auc([1.0, np.nan, np.nan], [0, 1, 1]).value == 1.0
