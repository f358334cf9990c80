"""Calibration and ranking quality against scikit-learn and statsmodels, by hand, and by simulation."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score
from statsmodels.api import GLM, Logit, families

from ml_platform.stats.average_precision import average_precision
from ml_platform.stats.bootstrap import bootstrap
from ml_platform.stats.calibration_intercept import calibration_intercept
from ml_platform.stats.calibration_slope import calibration_slope
from ml_platform.stats.expected_calibration_error import expected_calibration_error
from ml_platform.stats.lift import lift
from ml_platform.stats.logistic_fit import logistic_fit
from ml_platform_tests.stats.reading import Statistic, bounds_of, covers, fact_of, value_of, width_of

if TYPE_CHECKING:
    from ml_platform.stats.columns import Flags, Floats

SEEDS = st.integers(0, 10_000)


def drawn(seed: int, n: int = 400, slope: float = 1.0) -> tuple[Flags, Floats]:
    """Return outcomes and probabilities whose logits are too extreme by 1 / slope."""
    rng = np.random.default_rng(seed)
    logit = rng.normal(-0.5, 1.2, size=n)
    y = rng.random(n) < 1 / (1 + np.exp(-slope * logit))
    return y, 1 / (1 + np.exp(-logit))


@given(SEEDS, st.integers(5, 60))
def test_average_precision_equals_scikit_learn_also_with_ties(seed: int, n: int) -> None:
    rng = np.random.default_rng(seed)
    y = np.arange(n) % 3 == 0
    score = rng.normal(size=n).round(1)
    assert average_precision(y, score).value == pytest.approx(average_precision_score(y, score))


def test_average_precision_by_hand() -> None:
    found = average_precision([1, 0, 1, 0], [0.9, 0.8, 0.7, 0.1])  # 1/1 at the first, 2/3 at the second positive
    assert found.value == pytest.approx((1 + 2 / 3) / 2)


def test_its_standard_error_equals_the_bootstraps() -> None:
    rng = np.random.default_rng(1)
    y = rng.random(800) < 0.25
    score = y + rng.normal(size=800)
    found = average_precision(y, score)
    again = bootstrap(average_precision_score, y, score, seed=2, repetitions=600)
    assert width_of(found) == pytest.approx(width_of(again), rel=0.1)


def test_its_standard_error_of_repeated_rows_is_that_of_the_entities() -> None:
    rng = np.random.default_rng(2)
    y = rng.random(300) < 0.25
    score = y + rng.normal(size=300)
    once = average_precision(y, score)
    again = average_precision(np.repeat(y, 4), np.repeat(score, 4), entity=np.repeat(np.arange(300), 4))
    assert again.value == pytest.approx(once.value)
    assert fact_of(again, "standard_error") == pytest.approx(fact_of(once, "standard_error"))


def test_a_perfect_ranking_has_a_value_but_no_interval() -> None:
    found = average_precision([0, 0, 1, 1], [1, 2, 3, 4])
    assert (found.value, found.low) == (1.0, None)


def test_one_entity_has_an_average_precision_but_no_interval() -> None:
    found = average_precision([0, 1, 0, 1], [1, 2, 3, 4], entity=["a"] * 4)
    assert found.value is not None
    assert found.low is None


@given(SEEDS)
def test_the_slope_equals_statsmodels(seed: int) -> None:
    y, score = drawn(seed, 150)
    fit = Logit(y, np.column_stack([np.log(score / (1 - score)), np.ones(150)])).fit(disp=0)
    found = calibration_slope(y, score)
    assert found.value == pytest.approx(fit.params[0], abs=1e-6)
    assert bounds_of(found) == pytest.approx(tuple(fit.conf_int()[0]), abs=1e-5)


@given(SEEDS)
def test_the_intercept_equals_statsmodels_with_an_offset(seed: int) -> None:
    y, score = drawn(seed, 150)
    offset = np.log(score / (1 - score))
    fit = GLM(y.astype(float), np.ones(150), family=families.Binomial(), offset=offset).fit()
    found = calibration_intercept(y, score)
    assert found.value == pytest.approx(fit.params[0], abs=1e-6)
    assert bounds_of(found) == pytest.approx(tuple(fit.conf_int()[0]), abs=1e-5)


def test_the_sandwich_error_equals_statsmodels() -> None:
    y, score = drawn(5, 600)
    person = np.arange(600) // 5
    design = np.column_stack([np.log(score / (1 - score)), np.ones(600)])
    options = {"groups": person, "use_correction": True}
    fit = GLM(y.astype(float), design, family=families.Binomial()).fit(cov_type="cluster", cov_kwds=options)
    found = calibration_slope(y, score, entity=person)
    expected = fit.bse[0] / np.sqrt(599 / 598)  # statsmodels also corrects for the two coefficients
    assert fact_of(found, "standard_error") == pytest.approx(expected, rel=1e-5)


def test_too_extreme_probabilities_have_a_slope_below_one() -> None:
    y, score = drawn(6, 20_000, slope=0.5)
    assert covers(calibration_slope(y, score), 0.5)
    assert not covers(calibration_slope(y, score), 1.0)


def test_doubled_odds_have_the_intercept_log_two() -> None:
    y, score = drawn(7, 20_000)
    lower = score / (2 - score)  # half the odds
    assert covers(calibration_intercept(y, lower), np.log(2))


@pytest.mark.parametrize(
    ("statistic", "y", "score", "reason"),
    [
        (calibration_slope, [0, 0, 1, 1], [0.1, 0.2, 0.8, 0.9], "no finite fit"),
        (calibration_slope, [0, 1, 0, 1], [0.3, 0.3, 0.3, 0.3], "no finite fit"),
        (calibration_slope, [1, 1], [0.3, 0.4], "all 2 outcomes"),
        (calibration_intercept, [1, 1], [0.3, 0.4], "all 2 outcomes"),
        (calibration_intercept, [1, 0], [0.3, 1.4], "1 of 2 scores are no probabilities"),
        (expected_calibration_error, [1, 0], [0.3, 1.4], "1 of 2 scores are no probabilities"),
    ],
)
def test_undefined_calibration_says_why(statistic: Statistic, y: list[int], score: list[float], reason: str) -> None:
    found = statistic(y, score)
    assert found.value is None
    assert reason in found.reason


def test_a_constant_score_has_an_intercept() -> None:
    assert calibration_intercept([0, 1, 0, 0], [0.25] * 4).value == pytest.approx(0, abs=1e-9)


def test_certain_scores_are_counted() -> None:
    found = calibration_slope([0, 1, 0, 1, 0, 1], [0.0, 1.0, 0.3, 0.4, 0.9, 0.1])
    assert found.facts["clipped"] == 2
    assert found.value is not None


def test_one_entity_has_a_slope_but_no_interval() -> None:
    y, score = drawn(8, 50)
    assert calibration_slope(y, score, entity=np.zeros(50)).low is None


def test_a_far_start_still_reaches_the_maximum() -> None:
    y, score = drawn(9, 300)
    design = np.column_stack([np.log(score / (1 - score)), np.ones(300)])
    near = logistic_fit(design, y, np.array([1.0, 0.0]), np.zeros(300))
    far = logistic_fit(design, y, np.array([-3.0, 4.0]), np.zeros(300))
    assert near is not None
    assert far is not None
    assert far.coefficients == pytest.approx(near.coefficients)


def test_outcomes_of_one_class_have_no_fit() -> None:
    assert logistic_fit(np.ones((3, 1)), np.array([True, True, True]), np.zeros(1), np.zeros(3)) is None


def test_too_few_steps_are_no_fit() -> None:
    y, score = drawn(9, 300)
    assert logistic_fit(score[:, None], y, np.array([4.0]), np.zeros(300), steps=2) is None


def test_columns_that_depend_on_one_another_have_no_fit() -> None:
    assert logistic_fit(np.ones((4, 2)), np.array([True, False, True, False]), np.zeros(2), np.zeros(4)) is None


def test_the_plain_error_by_hand() -> None:
    y = np.repeat([0, 1, 0, 1], [80, 20, 40, 60])
    score = np.repeat([0.1, 0.9], 100)
    found = expected_calibration_error(y, score)  # |.1 - .2| in one half, |.9 - .6| in the other
    assert found.facts["plain"] == pytest.approx(0.2)
    assert found.facts["bins"] == 2
    assert found.value == pytest.approx(0.2, abs=0.002)


def test_a_perfect_model_has_the_error_zero_half_of_the_time_and_zero_in_its_interval() -> None:
    found = [expected_calibration_error(*drawn(seed, 1000)) for seed in range(100)]
    assert np.mean([fact_of(one, "plain") for one in found]) > 0.04
    assert 0.35 <= np.mean([one.value == 0 for one in found]) <= 0.65
    assert np.mean([one.low == 0 for one in found]) >= 0.93


def test_the_interval_of_the_calibration_error_covers_as_often_as_it_says() -> None:
    covered = 0
    for seed in range(150):
        rng = np.random.default_rng(seed)
        score = rng.uniform(0.1, 0.8, 1000)
        y = rng.random(1000) < 0.45 + 0.7 * (score - 0.45)  # off by .3 times the distance from the middle
        covered += covers(expected_calibration_error(y, score, seed=seed), 0.3 * 0.175)
    assert 0.92 <= covered / 150 <= 0.99


def test_a_model_that_can_not_be_wrong_has_no_error() -> None:
    found = expected_calibration_error([0, 1, 0, 1], [0.0, 1.0, 0.0, 1.0])
    assert (found.value, *bounds_of(found), found.facts["plain"]) == (0.0, 0.0, 0.0, 0.0)


def test_entities_widen_the_interval_of_the_calibration_error() -> None:
    y, score = drawn(10, 300, slope=0.4)
    person = np.repeat(np.arange(300), 4)
    alone = expected_calibration_error(np.repeat(y, 4), np.repeat(score, 4))
    together = expected_calibration_error(np.repeat(y, 4), np.repeat(score, 4), entity=person)
    assert width_of(together) > 1.5 * width_of(alone)


def test_the_seed_decides_the_interval_and_nothing_else() -> None:
    y, score = drawn(11)
    one, other = expected_calibration_error(y, score, seed=1), expected_calibration_error(y, score, seed=2)
    assert one.value == other.value
    assert one.high != other.high


def test_lift_by_hand() -> None:
    y = [1, 1, 0, 0, 1, 0, 0, 0, 0, 0]
    found = lift(y, np.arange(10, 0, -1), top=0.2)  # two of three positives in the top fifth
    assert found.value == pytest.approx((2 / 3) / 0.2)
    assert found.facts["captured"] == pytest.approx(2 / 3)


@given(SEEDS, st.floats(0.05, 0.95))
def test_lift_stays_between_nothing_and_everything_captured(seed: int, top: float) -> None:
    rng = np.random.default_rng(seed)
    y = np.arange(40) % 4 == 0
    found = lift(y, rng.normal(size=40).round(1), top=top)
    assert -1e-9 <= value_of(found) <= 1 / top + 1e-9
    assert bounds_of(found)[0] <= value_of(found) + 1e-9


def test_a_score_that_knows_nothing_has_the_lift_one() -> None:
    assert lift([1, 0, 0, 1], [0.5] * 4, top=0.3).value == pytest.approx(1)


def test_lift_without_a_positive_row_is_undefined() -> None:
    assert lift([0, 0], [0.1, 0.2]).reason == "no row is positive"


@pytest.mark.parametrize("top", [0.0, 1.0, float("nan")])
def test_a_top_that_is_no_share_is_refused(top: float) -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        lift([0, 1], [0.1, 0.2], top=top)
