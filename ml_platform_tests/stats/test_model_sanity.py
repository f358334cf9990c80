"""What changes between two models, two runs or two times of one model."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats.power import NormalIndPower

from ml_platform.stats.auc_detectable_difference import auc_detectable_difference
from ml_platform.stats.largest_absolute_difference import largest_absolute_difference
from ml_platform.stats.mean_detectable_growth import mean_detectable_growth
from ml_platform.stats.mean_interval import mean_interval
from ml_platform.stats.prediction_flip_share import prediction_flip_share
from ml_platform.stats.roc_auc import roc_auc
from ml_platform.stats.roc_auc_change import roc_auc_change
from ml_platform.stats.score_change import score_change
from ml_platform.stats.wilson import wilson
from ml_platform_tests.stats.reading import bounds_of, fact_of, value_of


def test_flips_are_counted_in_both_directions() -> None:
    found = prediction_flip_share([0, 1, 1, 0, 1], [1, 0, 1, 0, 1])
    assert (found.value, *bounds_of(found)) == (0.4, *bounds_of(wilson(2, 5)))


def test_flips_of_something_else_than_decisions_are_undefined() -> None:
    assert prediction_flip_share([0, 0.4], [0, 1]).reason == "1 of 2 values of decisions_before are neither 0 nor 1"


def test_score_change_is_the_mean_distance() -> None:
    before, after = np.array([0.1, 0.5, 0.9]), np.array([0.2, 0.5, 0.7])
    found = score_change(before, after)
    expected = mean_interval(np.abs(after - before))
    assert found.value == pytest.approx(0.1)
    assert bounds_of(found) == pytest.approx((0.0, bounds_of(expected)[1]))


def test_scores_that_stay_have_not_changed_and_surely_so() -> None:
    found = score_change([0.1, 0.5], [0.1, 0.5])
    assert (found.value, *bounds_of(found)) == (0.0, 0.0, 0.0)


@given(st.lists(st.tuples(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6)), min_size=1, max_size=30))
def test_the_largest_difference_bounds_every_row(rows: list[tuple[float, float]]) -> None:
    a, b = np.array(rows).T
    found = largest_absolute_difference(a, b)
    assert found.value == pytest.approx(np.linalg.norm(a - b, ord=np.inf))
    assert found.facts["different"] == sum(one != other for one, other in rows)


def test_equal_scores_differ_by_exactly_nothing() -> None:
    found = largest_absolute_difference([0.1, 0.2], [0.1, 0.2])
    assert (found.value, found.facts["different"], found.low) == (0.0, 0, None)


def test_a_score_that_is_not_finite_agrees_with_nothing() -> None:
    assert largest_absolute_difference([np.nan], [np.nan]).value is None


def test_the_live_change_is_the_difference_to_the_reference() -> None:
    rng = np.random.default_rng(1)
    y = rng.random(3000) < 0.3
    live = roc_auc(y, y + rng.normal(size=3000))
    found = roc_auc_change(y, y + rng.normal(size=3000), reference_auc=0.8, reference_se=0.01)
    half = 1.959964 * math.hypot(fact_of(live, "standard_error"), 0.01)
    again = roc_auc_change(y, y, reference_auc=0.8, reference_se=0.01)
    assert bounds_of(found) == pytest.approx((value_of(found) - half, value_of(found) + half), abs=0.002)
    assert again.value == pytest.approx(0.2)
    assert found.n == 3000


@pytest.mark.parametrize("auc", [-0.1, 1.1, float("nan")])
def test_a_reference_that_is_no_auc_makes_the_change_undefined(auc: float) -> None:
    found = roc_auc_change([0, 1], [0.1, 0.2], reference_auc=auc, reference_se=0.01)
    assert found.value is None
    assert "not in 0..1" in found.reason


def test_a_reference_without_error_gives_a_change_without_interval() -> None:
    found = roc_auc_change([0, 1, 0, 1], [0.1, 0.4, 0.5, 0.8], reference_auc=0.8, reference_se=None)
    assert found.value == pytest.approx(-0.05)
    assert found.low is None


def test_a_live_window_of_one_class_has_no_change() -> None:
    found = roc_auc_change([1, 1], [0.1, 0.2], reference_auc=0.8, reference_se=0.01)
    assert (found.value, found.low, found.reason) == (None, None, "all 2 outcomes are of one class")


def test_the_standard_error_equals_the_papers_example() -> None:
    found = auc_detectable_difference(51, 58, 0.893)  # Hanley and McNeil 1982: 51 abnormal, 58 normal, SE .032
    assert found.facts["standard_error"] == pytest.approx(0.032, abs=0.001)


@given(st.floats(0.55, 0.95), st.integers(20, 2000), st.floats(0.5, 0.95))
def test_the_detectable_difference_has_just_the_power_asked_for(auc: float, rows: int, power: float) -> None:
    found = auc_detectable_difference(rows, 3 * rows, auc, power=power)
    error = fact_of(found, "standard_error")
    reached = NormalIndPower(ddof=0).power(value_of(found) / error, nobs1=1, alpha=0.05, ratio=0, alternative="larger")
    two_sided = NormalIndPower(ddof=0).power(
        value_of(found) / error, nobs1=1, alpha=0.025, ratio=0, alternative="larger"
    )
    assert two_sided == pytest.approx(power)
    assert reached > power


def test_more_rows_show_less() -> None:
    few, many = auc_detectable_difference(50, 50, 0.8), auc_detectable_difference(5000, 5000, 0.8)
    assert value_of(many) < value_of(few) / 9


@pytest.mark.parametrize(
    ("positives", "negatives", "auc"), [(0, 5, 0.8), (5, 0, 0.8), (5, 5, 1.0), (5, 5, float("nan"))]
)
def test_without_both_classes_or_an_auc_nothing_is_detectable(positives: int, negatives: int, auc: float) -> None:
    found = auc_detectable_difference(positives, negatives, auc)
    assert found.value is None
    assert found.reason


def test_a_power_that_is_no_share_is_refused() -> None:
    with pytest.raises(ValueError, match="power"):
        auc_detectable_difference(5, 5, 0.8, power=1.0)
    with pytest.raises(ValueError, match="power"):
        mean_detectable_growth(5, 1.0, power=0.0)


@given(st.integers(1, 10_000), st.floats(0.1, 5), st.floats(0.5, 0.95))
def test_the_detectable_growth_has_just_the_power_asked_for(rows: int, variation: float, power: float) -> None:
    growth = value_of(mean_detectable_growth(rows, variation, power=power))
    reached = NormalIndPower(ddof=0).power(growth / variation, nobs1=rows, alpha=0.025, ratio=0, alternative="larger")
    assert reached == pytest.approx(power)


@pytest.mark.parametrize(("rows", "variation"), [(0, 1.0), (5, float("nan")), (5, float("inf")), (5, -1.0)])
def test_without_rows_or_a_variation_no_growth_is_detectable(rows: int, variation: float) -> None:
    found = mean_detectable_growth(rows, variation)
    assert found.value is None
    assert found.reason


def test_rows_that_all_cost_the_same_show_any_growth() -> None:
    assert mean_detectable_growth(5, 0.0).value == 0
