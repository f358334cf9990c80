"""The mean of skewed values: as Student's where they are symmetric, and holding what it says where they aren't."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from ml_platform.stats.entities import Entities, entities
from ml_platform.stats.skewed_mean import bounds_of_skewed_mean


def test_symmetric_values_have_students_interval() -> None:
    values = np.concatenate([np.arange(1.0, 20), -np.arange(1.0, 20)])
    expected = stats.t.interval(0.95, values.size - 1, loc=0.0, scale=stats.sem(values))
    assert bounds_of_skewed_mean(values, Entities()) == pytest.approx(expected)


def test_a_tail_to_the_right_moves_both_bounds_to_the_right() -> None:
    values = np.random.default_rng(1).exponential(size=80) ** 2
    plain = stats.t.interval(0.95, 79, loc=values.mean(), scale=stats.sem(values))
    low, high = bounds_of_skewed_mean(values, Entities())
    assert low is not None
    assert high is not None
    assert low > plain[0]
    assert high > plain[1]
    mirrored = bounds_of_skewed_mean(-values, Entities())
    assert mirrored == pytest.approx((-high, -low))


def test_the_interval_of_squares_holds_the_mean_as_often_as_it_says() -> None:
    rng = np.random.default_rng(2)
    held = sum(
        low is not None and high is not None and low <= 1 <= high
        for low, high in (bounds_of_skewed_mean(rng.normal(size=60) ** 2, Entities()) for _ in range(600))
    )
    assert stats.binomtest(held, 600, 0.95).pvalue > 0.001


def test_copies_within_entities_have_the_interval_of_the_entities() -> None:
    values = np.random.default_rng(3).exponential(size=50)
    copied = np.repeat(values, 4)
    units = entities(np.repeat(np.arange(50), 4), copied)
    assert bounds_of_skewed_mean(copied, units) == pytest.approx(bounds_of_skewed_mean(values, Entities()))


def test_one_row_has_no_interval_two_have_students_and_equal_ones_have_their_value() -> None:
    assert bounds_of_skewed_mean(np.array([3.0]), Entities()) == (None, None)
    two = np.array([1.0, 2.0])
    assert bounds_of_skewed_mean(two, Entities()) == pytest.approx(stats.t.interval(0.95, 1, 1.5, stats.sem(two)))
    assert bounds_of_skewed_mean(np.full(5, 2.0), Entities()) == (2.0, 2.0)
    assert bounds_of_skewed_mean(np.array([0.0, 0.0, 9.0]), Entities(), least=0.0)[0] == 0.0
