"""Sen's slope against SciPy, and how often its interval holds the truth."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import theilslopes

from ml_platform.stats.sen_slope import sen_slope


def test_it_is_scipys() -> None:
    rng = np.random.default_rng(5)
    x = np.sort(rng.uniform(0, 10, 40))
    y = 3 * x + rng.normal(size=40)
    found, other = sen_slope(x, y), theilslopes(y, x, 0.95)
    assert found is not None
    assert found.value == pytest.approx(other[0])
    assert (found.low, found.high) == pytest.approx((other[2], other[3]), rel=0.02)


def test_the_interval_holds_the_truth_as_often_as_it_says() -> None:
    rng, x, hits = np.random.default_rng(7), np.arange(30.0), 0
    for _ in range(400):
        found = sen_slope(x, -0.5 * x + rng.standard_t(3, 30))
        assert found is not None
        hits += found.low <= -0.5 <= found.high
    assert 0.92 <= hits / 400 <= 0.98


def test_a_third_of_the_points_may_be_off() -> None:
    x = np.arange(30.0)
    y = 2 * x
    y[5:12] += 1000
    found = sen_slope(x, y)
    assert found is not None
    assert found.value == pytest.approx(2.0)


@pytest.mark.parametrize("y", [np.arange(7.0), np.full(30, np.nan)])
def test_too_few_points_have_no_slope(y: np.ndarray) -> None:
    assert sen_slope(np.arange(float(y.size)), y) is None


def test_points_of_one_time_have_no_slope() -> None:
    assert sen_slope(np.ones(20), np.arange(20.0)) is None


def test_a_constant_has_the_slope_0() -> None:
    assert sen_slope(np.arange(20.0), np.ones(20)) == (0.0, 0.0, 0.0)
