"""Errors of numeric predictions against scikit-learn, by hand, and by simulation."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as sklearn

from ml_platform.stats.bias import bias
from ml_platform.stats.bootstrap import bootstrap
from ml_platform.stats.mean_absolute_error import mean_absolute_error
from ml_platform.stats.r_squared import r_squared
from ml_platform.stats.root_mean_squared_error import root_mean_squared_error
from ml_platform_tests.stats.reading import Statistic, bounds_of, covers, value_of, width_of

if TYPE_CHECKING:
    from ml_platform.stats.columns import Floats

ORACLES = {
    mean_absolute_error: sklearn.mean_absolute_error,
    root_mean_squared_error: sklearn.root_mean_squared_error,
    r_squared: sklearn.r2_score,
}


def drawn(seed: int, n: int = 200) -> tuple[Floats, Floats]:
    rng = np.random.default_rng(seed)
    true = rng.normal(10, 3, size=n)
    return true, true + rng.normal(0.5, 1, size=n)


@pytest.mark.parametrize("statistic", ORACLES)
@given(seed=st.integers(0, 10_000), n=st.integers(2, 60))
def test_values_equal_scikit_learn(statistic: Statistic, seed: int, n: int) -> None:
    true, predicted = drawn(seed, n)
    assert statistic(true, predicted).value == pytest.approx(ORACLES[statistic](true, predicted))


def test_all_four_by_hand() -> None:
    true, predicted = [1.0, 2.0, 6.0], [2.0, 2.0, 4.0]  # off by 1, 0 and -2
    assert mean_absolute_error(true, predicted).value == pytest.approx(1)
    assert root_mean_squared_error(true, predicted).value == pytest.approx(np.sqrt(5 / 3))
    assert bias(true, predicted).value == pytest.approx(-1 / 3)
    assert r_squared(true, predicted).value == pytest.approx(1 - 5 / 14)


def test_intervals_cover_as_often_as_they_say() -> None:
    hits = np.zeros(3)
    for seed in range(300):
        rows = drawn(seed, 150)
        hits += [
            covers(bias(*rows), 0.5),
            covers(root_mean_squared_error(*rows), np.sqrt(1.25)),
            covers(r_squared(*rows), 1 - 1.25 / 9),
        ]
    assert (hits / 300 >= 0.91).all()
    assert (hits / 300 <= 0.985).all()


def test_the_interval_of_r_squared_agrees_with_the_bootstrap() -> None:
    rows = drawn(1, 500)
    again = bootstrap(sklearn.r2_score, *rows, seed=1, repetitions=500)
    assert bounds_of(r_squared(*rows)) == pytest.approx(bounds_of(again), abs=0.01)


@pytest.mark.parametrize("statistic", [*ORACLES, bias])
def test_repeated_rows_of_an_entity_add_no_certainty(statistic: Statistic) -> None:
    true, predicted = drawn(2)
    once = statistic(true, predicted)
    again = statistic(np.repeat(true, 4), np.repeat(predicted, 4), entity=np.repeat(np.arange(200), 4))
    assert again.value == pytest.approx(once.value)
    assert width_of(again) == pytest.approx(width_of(once), rel=0.01)


def test_a_constant_outcome_has_no_r_squared() -> None:
    assert r_squared([3.0, 3.0], [1.0, 2.0]).reason == "the outcome is constant"


def test_one_entity_has_an_r_squared_but_no_interval() -> None:
    found = r_squared([1.0, 2.0], [1.0, 2.5], entity=["a", "a"])
    assert found.value is not None
    assert found.low is None


def test_predictions_worse_than_the_mean_are_below_zero() -> None:
    assert value_of(r_squared([1.0, 2.0, 3.0], [3.0, 2.0, 1.0])) < 0


@given(st.floats(-100, 100))
def test_a_constant_shift_is_the_bias(shift: float) -> None:
    true, predicted = drawn(3, 20)
    moved = bias(true, predicted + shift)
    assert moved.value == pytest.approx(value_of(bias(true, predicted)) + shift, abs=1e-9)
