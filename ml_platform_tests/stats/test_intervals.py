"""Intervals of shares and means against statsmodels and scipy, by hand, and by what must always hold."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from statsmodels.api import OLS
from statsmodels.stats.proportion import confint_proportions_2indep, proportion_confint

from ml_platform.stats.confidence import t_value, two_sided_p, z_value
from ml_platform.stats.difference_interval import difference_interval
from ml_platform.stats.entities import entities
from ml_platform.stats.logit_interval import logit_interval
from ml_platform.stats.mean_interval import mean_interval
from ml_platform.stats.ratio_interval import ratio_interval
from ml_platform.stats.share import share
from ml_platform.stats.square_and_add import bounds_of_difference, bounds_of_mean
from ml_platform.stats.wilson import wilson
from ml_platform_tests.stats.reading import Statistic, bounds_of, covers, value_of, width_of

COUNTS = st.integers(1, 500).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


@given(COUNTS, st.floats(0.5, 0.999))
def test_wilson_equals_statsmodels(counts: tuple[int, int], confidence: float) -> None:
    found = wilson(*counts, confidence=confidence)
    expected = proportion_confint(*counts, alpha=1 - confidence, method="wilson")
    assert (found.low, found.high) == pytest.approx(expected, abs=1e-12)


def test_wilson_by_hand() -> None:
    found = wilson(81, 263)  # Newcombe 1998, table I, method 3
    assert (found.low, found.high) == pytest.approx((0.2553, 0.3662), abs=5e-5)


@pytest.mark.parametrize(("successes", "n"), [(0, 0), (3, 2), (-1, 5), (float("nan"), 5), (1, float("inf"))])
def test_wilson_of_contradicting_counts_is_undefined(successes: float, n: float) -> None:
    found = wilson(successes, n, subject="late")
    assert found.value is None
    assert found.reason
    assert found.subject == "late"


@given(COUNTS, COUNTS)
def test_the_difference_interval_equals_statsmodels(a: tuple[int, int], b: tuple[int, int]) -> None:
    found = difference_interval(*a, *b)
    expected = confint_proportions_2indep(*a, *b, compare="diff", method="newcomb")
    assert (found.low, found.high) == pytest.approx(expected, abs=1e-9)
    assert found.value == pytest.approx(a[0] / a[1] - b[0] / b[1])


def test_the_difference_is_undefined_when_one_share_is() -> None:
    found = difference_interval(0, 0, 1, 2)
    assert (found.value, found.low, found.reason) == (None, None, "no rows")


@given(COUNTS, COUNTS)
def test_the_ratio_interval_equals_statsmodels_or_stays_a_bound(a: tuple[int, int], b: tuple[int, int]) -> None:
    found = ratio_interval(*a, *b)
    if b[0] == 0:
        assert found.value is None
        assert found.reason == "the share it is compared with is 0"
        return
    assert found.value == pytest.approx(a[0] / a[1] / (b[0] / b[1]))
    assert covers(found, value_of(found))
    assert width_of(found) > 0
    if 0 < a[0] < a[1] and b[0] < b[1]:
        expected = confint_proportions_2indep(*a, *b, compare="ratio", method="log")
        assert (found.low, found.high) == pytest.approx(expected, rel=1e-6)


def test_a_group_without_success_has_the_ratio_0_and_an_upper_bound() -> None:
    found = ratio_interval(0, 10, 5, 10)
    assert (found.value, found.low) == (0.0, 0.0)
    assert found.high == pytest.approx(0.5 / 5.5 * np.exp(1.959964 * np.sqrt(1 / 0.5 - 1 / 11 + 1 / 5.5 - 1 / 11)))


def test_one_lucky_row_is_no_certainty() -> None:
    found = ratio_interval(500, 1000, 1, 1)
    low, high = bounds_of(found)
    assert low < 0.5
    assert high > 0.8


@given(st.lists(st.floats(-1e3, 1e3), min_size=3, max_size=40).filter(lambda values: np.std(values) > 1e-6))
def test_the_mean_interval_equals_scipy(values: list[float]) -> None:
    found = mean_interval(values)
    expected = stats.t.interval(0.95, len(values) - 1, loc=np.mean(values), scale=stats.sem(values))
    assert (found.low, found.high) == pytest.approx(expected, rel=1e-9, abs=1e-9)


def test_the_mean_interval_of_entities_equals_statsmodels() -> None:
    rng = np.random.default_rng(1)
    person = rng.integers(0, 25, 300)
    values = rng.normal(size=300) + rng.normal(size=25)[person]
    fit = OLS(values, np.ones(300)).fit(cov_type="cluster", cov_kwds={"groups": person}, use_t=True)
    found = mean_interval(values, entity=person)
    assert found.facts["standard_error"] == pytest.approx(fit.bse[0])
    assert (found.low, found.high) == pytest.approx(tuple(fit.conf_int()[0]))


def test_one_value_or_one_entity_has_a_mean_but_no_interval() -> None:
    for found in (mean_interval([2.0]), mean_interval([1.0, 3.0], entity=["a", "a"])):
        assert (found.value, found.low, found.high) == (2.0, None, None)


@pytest.mark.parametrize("statistic", [mean_interval, share])
def test_a_row_without_entity_makes_it_undefined(statistic: Statistic) -> None:
    found = statistic([1.0, 0.0], entity=["a", None])
    assert found.value is None
    assert found.reason == "1 of 2 rows have no entity"


@pytest.mark.parametrize("statistic", [mean_interval, share])
def test_no_rows_are_no_value(statistic: Statistic) -> None:
    assert statistic([]).value is None


def test_a_repeated_row_counts_once_when_its_entity_is_named() -> None:
    rng = np.random.default_rng(2)
    hits = rng.random(400) < 0.3
    once, repeated = share(hits), share(np.repeat(hits, 5), entity=np.repeat(np.arange(400), 5))
    assert repeated.n == 2000
    assert repeated.value == pytest.approx(once.value)
    assert repeated.facts["effective_n"] == pytest.approx(400, rel=0.02)
    assert (repeated.low, repeated.high) == pytest.approx((once.low, once.high), abs=0.002)


def test_entities_never_make_a_share_look_more_certain() -> None:
    alternating = np.tile([1, 0], 50)
    found = share(alternating, entity=np.arange(100) // 4)
    assert found.facts["effective_n"] == 25
    assert share(alternating, entity=np.arange(100)).facts["effective_n"] == pytest.approx(100, rel=0.05)


def test_one_entity_is_one_row_of_evidence() -> None:
    found = share([1, 1, 0, 1], entity=["a"] * 4)
    assert found.facts["effective_n"] == 1
    assert (found.value, found.n) == (0.75, 4)


def test_a_share_of_all_is_no_more_certain_than_its_entities() -> None:
    assert share(np.ones(40), entity=np.arange(40) // 10).low == pytest.approx(wilson(4, 4).low)


def test_the_share_interval_of_entities_covers_as_often_as_it_says() -> None:
    rng = np.random.default_rng(3)
    covered = 0
    for _ in range(300):
        risk = rng.beta(2, 6, size=60)
        hits = rng.random((60, 8)) < risk[:, None]
        found = share(hits.ravel(), entity=np.repeat(np.arange(60), 8))
        covered += covers(found, 0.25)
    assert 0.92 <= covered / 300 <= 0.985


def test_bounds_need_both_intervals() -> None:
    known, unknown = wilson(3, 10), wilson(0, 0)
    for bounds in (bounds_of_mean, bounds_of_difference):
        assert bounds(known, unknown) == (None, None)
        assert bounds(unknown, known) == (None, None)


def test_quantiles_equal_scipy() -> None:
    assert z_value(0.9) == pytest.approx(stats.norm.ppf(0.95))
    assert t_value(0.9, 5) == pytest.approx(stats.t.ppf(0.95, 5))
    assert two_sided_p(-1.3) == pytest.approx(2 * stats.norm.sf(1.3))


def test_logit_bounds_need_a_value_inside_and_an_error() -> None:
    assert logit_interval(1.0, 0.1) == (None, None)
    assert logit_interval(0.5, None) == (None, None)
    assert logit_interval(0.5, 0.0) == (0.5, 0.5)


@given(st.floats(0.001, 0.999), st.floats(0, 50))
def test_logit_bounds_stay_in_range_and_around_the_value(value: float, error: float) -> None:
    low, high = logit_interval(value, error)
    assert low is not None
    assert high is not None
    assert 0 <= low <= value + 1e-12
    assert value - 1e-12 <= high <= 1


def test_entities_take_any_kind_of_name() -> None:
    rows = np.zeros(3)
    assert entities(np.array([5, 9, 5]), rows).count() == 2
    assert entities(np.array(["x", "y", "z"]), rows).of(np.array([True, True, False])).count() == 2
    assert entities(None, rows).of(np.array([True, False, True])).count() is None
    with pytest.raises(ValueError, match="entity has 2 rows"):
        entities(["a", "b"], rows)
