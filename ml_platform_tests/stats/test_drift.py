"""Distances between distributions against scipy, by hand, and where they must not be fooled."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import stats

from ml_platform.stats.histogram_edges import histogram_counts, histogram_edges
from ml_platform.stats.kolmogorov_smirnov import kolmogorov_smirnov
from ml_platform.stats.kolmogorov_smirnov_of_weights import kolmogorov_smirnov_of_weights
from ml_platform.stats.psi import psi
from ml_platform.stats.psi_of_counts import psi_of_counts
from ml_platform_tests.stats.reading import covers, value_of

if TYPE_CHECKING:
    from ml_platform.stats.columns import Floats

COLUMN = hnp.arrays(np.float64, st.integers(2, 60), elements=st.floats(-50, 50).map(lambda value: round(value, 1)))
COUNTS = st.integers(2, 8).flatmap(
    lambda cells: st.tuples(*[st.lists(st.integers(1, 500), min_size=cells, max_size=cells) for _ in range(2)])
)


@given(COUNTS)
def test_psi_is_the_two_relative_entropies_together(counts: tuple[list[int], list[int]]) -> None:
    p, q = (np.array(side) / sum(side) for side in counts)
    assert psi_of_counts(*counts).value == pytest.approx(stats.entropy(p, q) + stats.entropy(q, p), abs=1e-12)


def test_psi_by_hand() -> None:
    found = psi_of_counts([50, 50], [25, 75])  # .25 ln 2 from the first cell, .25 ln 1.5 from the second
    assert found.value == pytest.approx(0.25 * np.log(2) + 0.25 * np.log(1.5))
    assert found.facts["expected_without_shift"] == pytest.approx(0.02)


@given(COUNTS)
def test_psi_is_symmetric_and_never_negative(counts: tuple[list[int], list[int]]) -> None:
    one, other = psi_of_counts(*counts), psi_of_counts(counts[1], counts[0])
    assert one.value == pytest.approx(other.value)
    assert value_of(one) >= 0


def test_a_cell_that_empties_counts_as_half_a_row() -> None:
    found = psi_of_counts([10, 10, 0], [20, 0, 0])
    assert found.value == pytest.approx(0.5 * np.log(2) + (0.5 - 0.025) * np.log(20))
    assert found.facts["cells"] == 2


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ([], [], "reference has no rows"),
        ([0, 0], [1, 1], "reference has no rows"),
        ([1, 1], [0, 0], "current has no rows"),
        ([1, -1], [1, 1], "reference holds counts that are no whole numbers from 0"),
        ([1, 1], [0.5, 1], "current holds counts that are no whole numbers from 0"),
        ([1, np.nan], [1, 1], "1 of 2 values of reference are not finite"),
    ],
)
def test_counts_that_are_none_are_undefined(old: list[float], new: list[float], reason: str) -> None:
    assert psi_of_counts(old, new).reason == reason


def test_psi_without_shift_is_about_what_its_null_says() -> None:
    rng = np.random.default_rng(1)
    found = [psi(rng.normal(size=800), rng.normal(size=500)) for _ in range(200)]
    expected = found[0].facts["expected_without_shift"]
    assert expected == pytest.approx(9 * (1 / 800 + 1 / 500))
    assert np.mean([value_of(one) for one in found]) == pytest.approx(expected, rel=0.2)


def test_the_psi_interval_covers_as_often_as_it_says() -> None:
    p, q = np.array([0.2, 0.3, 0.5]), np.array([0.3, 0.3, 0.4])
    truth = ((q - p) * np.log(q / p)).sum()
    rng = np.random.default_rng(2)
    covered = 0
    for seed in range(150):
        found = psi_of_counts(rng.multinomial(1500, p), rng.multinomial(900, q), seed=seed)
        covered += covers(found, truth)
    assert 0.9 <= covered / 150 <= 0.99


def test_the_psi_interval_reaches_0_when_nothing_moved() -> None:
    rng = np.random.default_rng(3)
    found = psi(rng.normal(size=1000), rng.normal(size=1000), seed=1)
    assert found.low == 0
    assert covers(found, value_of(found))
    assert found.confidence == 0.95
    assert psi(rng.normal(size=10), rng.normal(size=10)).confidence is None


def test_psi_of_categories_counts_new_and_lost_levels() -> None:
    found = psi(["a"] * 50 + ["b"] * 50, ["a"] * 50 + ["c"] * 50)
    assert found.facts["cells"] == 3
    assert found.value == pytest.approx(2 * (0.5 - 0.005) * np.log(100))


def test_psi_sees_values_go_missing() -> None:
    rng = np.random.default_rng(4)
    numbers = rng.normal(size=400)
    assert value_of(psi(numbers, np.where(np.arange(400) % 2, np.nan, numbers))) > 1
    assert value_of(psi(["a", "b"] * 50, np.array(["a", None] * 50))) > 1
    assert psi(np.full(20, np.nan), np.full(30, np.nan)).value == 0


def test_two_equal_constants_have_not_moved_and_two_unequal_ones_have() -> None:
    assert psi(np.full(50, 5.0), np.full(40, 5.0)).value == 0
    assert value_of(psi(np.full(50, 5.0), np.full(40, 6.0))) > 5
    assert value_of(psi(np.full(50, 5.0), np.full(40, 4.0))) > 5


def test_psi_sees_a_rare_flag_become_common() -> None:
    rare, common = np.arange(1000) % 100 == 0, np.arange(1000) % 2 == 0
    assert value_of(psi(rare, common)) > 1
    assert psi(rare.astype(float), rare.astype(float)).value == 0


def test_psi_sees_a_peak_at_zero_shrink() -> None:
    rng = np.random.default_rng(5)
    spend = np.where(rng.random(2000) < 0.95, 0.0, rng.gamma(2, 100, 2000))
    less = np.where(rng.random(2000) < 0.6, 0.0, rng.gamma(2, 100, 2000))
    assert value_of(psi(spend, less)) > 0.5


@given(COLUMN, st.integers(2, 12))
def test_every_value_falls_into_one_bin_and_none_of_the_inner_bins_is_empty(column: Floats, bins: int) -> None:
    edges = histogram_edges(column, bins)
    counts = histogram_counts(column, edges)
    assert (np.diff(edges) > 0).all()
    assert counts.sum() == column.size
    assert counts[-1] == 0
    if np.ptp(column) > 0:
        assert (counts[:-1] > 0).all()
        assert len(edges) <= 2 * (bins - 1)


@given(st.integers(2, 20), st.integers(1, 50))
def test_bins_of_different_values_hold_equally_many(bins: int, each: int) -> None:
    column = np.random.default_rng(bins).permutation(float(bins * each) - np.arange(bins * each))
    counts = histogram_counts(column, histogram_edges(column, bins))[:-1]
    assert counts.tolist() == [each] * bins or each == 1


def test_edges_ignore_missing_values_and_need_a_value() -> None:
    assert histogram_edges([np.nan, np.nan]).size == 0
    assert histogram_edges([1.0, np.nan, 2.0], 2).tolist() == [2.0]
    assert histogram_counts([1.0, np.nan], []).tolist() == [1, 1]


def test_one_bin_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 2"):
        histogram_edges([1.0, 2.0], 1)


@given(COLUMN, COLUMN)
def test_the_distance_equals_scipy(old: Floats, new: Floats) -> None:
    found = kolmogorov_smirnov(old, new)
    assert found.value == pytest.approx(stats.ks_2samp(old, new, method="asymp").statistic)
    n, m = old.size, new.size
    assert found.facts["p_value"] == pytest.approx(stats.kstwobign.sf(value_of(found) * np.sqrt(n * m / (n + m))))
    assert covers(found, value_of(found))


def test_the_distance_by_hand() -> None:
    found = kolmogorov_smirnov([1, 2, 3, 4], [3, 4, 5, 6])  # at 2, one half against none
    assert found.value == 0.5


def test_missing_values_are_left_out_and_counted() -> None:
    found = kolmogorov_smirnov([1, 2, np.nan], [1, 2, np.nan, np.nan])
    assert found.value == 0
    assert (found.facts["missing_reference"], found.facts["missing_current"], found.n) == (1, 2, 2)


def test_columns_without_a_value_are_undefined_and_say_which() -> None:
    assert kolmogorov_smirnov([np.nan], [1.0]).reason == "reference has no values"
    assert kolmogorov_smirnov([1.0], [np.nan]).reason == "current has no values"


def test_the_band_of_the_distance_holds_the_truth() -> None:
    truth = stats.norm.cdf(0.25) - stats.norm.cdf(-0.25)
    rng = np.random.default_rng(6)
    held = [
        covers(found, truth)
        for found in (kolmogorov_smirnov(rng.normal(size=300), rng.normal(0.5, size=300)) for _ in range(100))
    ]
    assert np.mean(held) >= 0.95


@given(st.integers(0, 10_000))
def test_the_distance_from_weighted_values_is_scipys(seed: int) -> None:
    rng = np.random.default_rng(seed)
    values, weights, current = rng.integers(0, 9, 8), rng.integers(1, 5, 8), rng.integers(0, 9, 40)
    found = kolmogorov_smirnov_of_weights(values, weights, [*current.tolist(), None], slack=0.01)
    assert found.value == pytest.approx(stats.ks_2samp(np.repeat(values, weights), current).statistic)
    assert found.facts == {"slack": 0.01, "missing_current": 1}
    assert (found.high or 0) - (found.low or 0) <= 0.02 + 1e-12


@pytest.mark.parametrize(
    ("values", "current", "reason"), [([1.0], [None], "current has no values"), ([], [1.0], "reference has no values")]
)
def test_a_distance_from_or_of_nothing_is_undefined(values: list[float], current: list[float], reason: str) -> None:
    assert kolmogorov_smirnov_of_weights(values, np.ones(len(values)), current).reason == reason
