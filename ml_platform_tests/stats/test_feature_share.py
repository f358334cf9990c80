"""A feature's part of all contributions, against the jackknife and a simulation."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from ml_platform.stats.feature_share import feature_share

Floats = NDArray[np.float64]


def drawn(n: int, *, seed: int = 1) -> tuple[Floats, Floats]:
    rng = np.random.default_rng(seed)
    others = rng.gamma(2, 1, n)
    sizes = rng.gamma(1, 0.5, n) * (1 + others)
    return sizes, sizes + others


def test_the_share_is_that_of_the_sums() -> None:
    found = feature_share([1.0, 0.0, 2.0], [2.0, 1.0, 3.0], subject="distance")
    assert (found.value, found.n, found.unit, found.subject) == (0.5, 3, "share", "distance")


@pytest.mark.parametrize("size", [1, 5])
def test_the_interval_is_the_jackknifes_over_rows_and_over_entities(size: int) -> None:
    sizes, totals = drawn(400)
    entity = np.arange(400) // size
    found = feature_share(sizes, totals, entity=None if size == 1 else entity)
    count = 400 // size
    without = [sizes[entity != one].sum() / totals[entity != one].sum() for one in range(count)]
    error = np.sqrt((count - 1) / count * np.square(np.array(without) - np.mean(without)).sum())
    assert found.low is not None
    assert found.high is not None
    assert (found.high - found.low) / (2 * 1.97) == pytest.approx(error, rel=0.03)


def test_nineteen_of_twenty_intervals_hold_the_true_share() -> None:
    truth = feature_share(*drawn(200_000, seed=0)).value or 0.0
    held = [feature_share(*drawn(300, seed=seed)) for seed in range(1, 401)]
    assert np.mean([(one.low or 0) <= truth <= (one.high or 1) for one in held]) == pytest.approx(0.95, abs=0.025)


@pytest.mark.parametrize(
    ("sizes", "totals", "reason"),
    [
        ([0.0, 0.0], [0.0, 0.0], "no feature moves a score"),
        ([-0.1, 0.2], [1.0, 1.0], "a size is below 0 or above its total"),
        ([0.1, 1.2], [1.0, 1.0], "a size is below 0 or above its total"),
        ([np.nan, 0.2], [1.0, 1.0], "1 of 2 values of sizes are not finite"),
        ([0.1, 0.2], [np.inf, 1.0], "1 of 2 values of totals are not finite"),
        ([], [], "sizes has no rows"),
    ],
)
def test_what_can_not_be_a_share_is_undefined(sizes: list[float], totals: list[float], reason: str) -> None:
    found = feature_share(sizes, totals)
    assert (found.value, found.low, found.reason) == (None, None, reason)


def test_missing_entities_are_said_and_one_entity_has_no_interval() -> None:
    assert "have no entity" in feature_share([1.0, 1.0], [2.0, 2.0], entity=np.array(["a", None], dtype=object)).reason
    alone = feature_share([1.0, 1.0], [2.0, 2.0], entity=["a", "a"])
    assert (alone.value, alone.low) == (0.5, None)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.floats(0, 1e3), st.floats(0, 1e3)), min_size=2, max_size=30))
def test_shares_of_all_features_add_up_and_bounds_stay_between_0_and_1(rows: list[tuple[float, float]]) -> None:
    first, second = np.array(rows).T
    totals = first + second
    found = [feature_share(part, totals) for part in (first, second)]
    if not totals.any():
        assert {one.value for one in found} == {None}
        return
    assert sum(one.value or 0.0 for one in found) == pytest.approx(1)
    assert all(0 <= (one.low or 0) <= (one.value or 0) <= (one.high or 0) + 1e-12 <= 1 + 1e-12 for one in found)
