"""Comparisons of two tables whose rows were dealt at random: exact, one budget for all, and honest about tails."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.multitest import multipletests

from ml_platform.stats.exceedances import exceedances
from ml_platform.stats.hypergeometric import fewest_all_drawn, hypergeometric_p, p_all_drawn, standardised
from ml_platform.stats.isolated_levels import isolated_levels
from ml_platform.stats.level_shift import level_shift
from ml_platform.stats.ordered_shift import ordered_shift, tail_sizes
from ml_platform.stats.repeated_rows import repeated_rows
from ml_platform.stats.shift import Shift
from ml_platform.stats.simultaneous import answerable, holm
from ml_platform.stats.tail_probability import tail_probability

Whole = np.ndarray


def dealt(values: np.ndarray, drawn: int, seed: int) -> tuple[Whole, Whole]:
    """Deal rows at random: counts per distinct value in both tables, and in the batch."""
    order = np.random.default_rng(seed).permutation(values.size)
    return counted(values[order], drawn)


def counted(values: np.ndarray, drawn: int) -> tuple[Whole, Whole]:
    """Count distinct values, the last `drawn` rows being the batch's."""
    distinct, codes = np.unique(values, return_inverse=True)
    return np.bincount(codes), np.bincount(codes[values.size - drawn :], minlength=distinct.size)


@settings(max_examples=60)
@given(st.integers(2, 3000), st.data())
def test_counts_far_from_expected_have_the_p_value_of_scipy(total: int, data: st.DataObject) -> None:
    drawn = data.draw(st.integers(1, total - 1))
    marked = data.draw(st.integers(0, total))
    count = data.draw(st.integers(max(0, drawn + marked - total), min(drawn, marked)))
    p = float(hypergeometric_p([count], [marked], drawn=drawn, total=total)[0])
    z = float(standardised(np.array([float(count)]), np.array([float(marked)]), drawn=drawn, total=total)[0])
    dealing = stats.hypergeom(total, marked, drawn)
    tail = dealing.sf(count - 1) if z > 0 else dealing.cdf(count)
    assert p == pytest.approx(min(1.0, 2 * tail) if abs(z) > 2.5 else 1.0, rel=1e-6)


@pytest.mark.parametrize(("drawn", "total"), [(0, 10), (10, 10), (1, 1)])
def test_one_table_alone_says_nothing(drawn: int, total: int) -> None:
    assert hypergeometric_p([1], [1], drawn=drawn, total=total).tolist() == [1.0]


def test_the_fewest_rows_that_prove_something_are_as_many_as_the_tail_needs() -> None:
    needed = int(fewest_all_drawn(1e-6, drawn=500, total=5500))
    tails = [2 * stats.hypergeom(5500, count, 500).sf(count - 1) for count in (needed - 1, needed)]
    assert tails[0] > 1e-6 >= tails[1]


@pytest.mark.parametrize(("rows", "drawn"), [(900, 300), (6000, 500), (2000, 1500)])
@pytest.mark.parametrize("kind", ["continuous", "rounded", "levels"])
def test_rows_dealt_at_random_are_rarely_called_shifted(rows: int, drawn: int, kind: str) -> None:
    rng = np.random.default_rng(3)
    values = {
        "continuous": rng.normal(size=rows),
        "rounded": np.round(rng.exponential(size=rows), 1),
        "levels": rng.zipf(1.8, size=rows).clip(max=400).astype(float),
    }[kind]
    for compare in (ordered_shift, level_shift):
        p = np.array([compare(*dealt(values, drawn, seed)).p_value for seed in range(60)])
        assert (p <= 0.05).sum() <= stats.binom(60, 0.05).ppf(0.999)


def test_the_middle_of_two_distributions_is_compared_as_scipy_does() -> None:
    rng = np.random.default_rng(4)
    old, new = rng.normal(size=2000), rng.normal(0.2, size=1000)
    found = ordered_shift(*counted(np.concatenate([old, new]), 1000))
    expected = stats.ks_2samp(old, new, method="asymp")
    assert found.excess == pytest.approx(expected.statistic)
    assert found.p_value == pytest.approx(expected.pvalue / 0.4, rel=0.2)


@pytest.mark.parametrize("place", [-50.0, 50.0])
def test_a_few_rows_far_out_are_found_and_placed(place: float) -> None:
    rng = np.random.default_rng(5)
    values = np.concatenate([rng.normal(size=5000), rng.normal(size=490), place + rng.normal(size=10)])
    total, batch = counted(values, 500)
    found = ordered_shift(total, batch)
    assert found.p_value < 1e-6
    assert found.excess == pytest.approx(0.02, abs=0.01)
    assert (found.first == 0) is (place < 0)
    assert (found.last == total.size - 1) is (place > 0)


def test_a_wider_spread_is_found_in_both_tails() -> None:
    rng = np.random.default_rng(6)
    values = np.concatenate([rng.normal(size=4000), rng.normal(0, 1.5, size=1000)])
    total, batch = counted(values, 1000)
    found = ordered_shift(total, batch)
    assert found.p_value < 1e-12
    assert (found.first, found.last) == (0, total.size - 1)


@pytest.mark.parametrize("compare", [ordered_shift, level_shift])
@pytest.mark.parametrize("counts", [([], []), ([5], [2]), ([5, 5], [0, 0]), ([5, 5], [5, 5])])
def test_a_constant_or_a_missing_table_is_no_shift(compare: object, counts: tuple[list[int], list[int]]) -> None:
    total, batch = (np.array(side, dtype=np.int64) for side in counts)
    assert compare(total, batch) == Shift()  # type: ignore[operator]


def test_tails_are_cut_from_the_fewest_rows_that_could_prove_anything() -> None:
    assert tail_sizes(drawn=500, total=1000).tolist() == [15, 16, 64, 256]
    assert tail_sizes(drawn=5, total=12).tolist() == [6]


def test_one_level_that_comes_too_often_is_named() -> None:
    values = np.concatenate([np.repeat(np.arange(40), 100), np.repeat(np.arange(40), 10), np.full(8, 40)])
    total, batch = counted(values, 408)
    found = level_shift(total, batch)
    assert (found.first, found.last) == (40, 40)
    assert found.excess == pytest.approx(8 / 408)
    assert found.p_value < 1e-4


def test_all_levels_together_are_compared_as_scipy_does() -> None:
    rng = np.random.default_rng(8)
    shares = np.full(40, 1 / 40)
    tilted = shares * np.where(np.arange(40) % 2, 1.3, 0.7)
    old, new = rng.choice(40, 4000, p=shares), rng.choice(40, 1000, p=tilted / tilted.sum())
    total, batch = counted(np.concatenate([old, new]), 1000)
    found = level_shift(total, batch)
    expected = stats.chi2_contingency(np.vstack([total - batch, batch]), correction=False).pvalue
    assert found.p_value == pytest.approx(3 * expected, rel=1e-6)
    assert found.last - found.first == 39


def test_new_levels_are_expected_as_often_as_chance_deals_them() -> None:
    rng = np.random.default_rng(9)
    names = rng.integers(0, 10**9, 3000)  # nearly every row has a level of its own
    assert level_shift(*counted(names, 300)).p_value > 0.05
    fixed = np.concatenate([rng.integers(0, 5, 2700), rng.integers(0, 5, 270), 10**6 + np.arange(30)])
    found = level_shift(*counted(fixed, 300))
    assert found.p_value < 1e-12
    assert found.excess == pytest.approx(0.1)


def test_only_the_most_frequent_levels_are_compared_one_by_one() -> None:
    values = np.repeat(np.arange(400), 30)
    total, batch = counted(np.random.default_rng(1).permutation(values), 4000)
    assert level_shift(total, batch).p_value > 0.01


def test_rows_repeated_within_the_batch_and_rows_of_the_other_table_are_told_apart() -> None:
    rows = np.arange(1000)
    twice = np.concatenate([rows[:900], rows[900:980], rows[900:920]])
    within, shared = repeated_rows(*counted(twice, 100))
    assert within.p_value < 1e-12
    assert within.excess == pytest.approx(0.2)
    assert shared.p_value == 1.0
    copied = np.concatenate([rows[:900], rows[900:970], rows[:30]])
    within, shared = repeated_rows(*counted(copied, 100))
    assert within.p_value == 1.0
    assert shared.p_value < 1e-9
    assert shared.excess == pytest.approx(0.3)


def test_rows_that_repeat_everywhere_are_no_fault() -> None:
    rng = np.random.default_rng(2)
    values = rng.integers(0, 3000, 6000)
    p = [min(one.p_value for one in repeated_rows(*dealt(values, 1000, seed))) for seed in range(50)]
    assert (np.array(p) <= 0.05).sum() <= 8


def test_repeated_rows_need_two_tables_and_some_room() -> None:
    assert repeated_rows(np.array([2]), np.array([0])) == (Shift(), Shift())
    assert repeated_rows(np.array([2]), np.array([1])) == (Shift(), Shift())


def test_holms_rule_is_that_of_statsmodels() -> None:
    rng = np.random.default_rng(12)
    for size in (1, 2, 5, 20):
        for p_values in (rng.random(size), rng.random(size) ** 6, np.round(rng.random(size), 1)):
            np.testing.assert_allclose(holm(p_values), multipletests(p_values, method="holm")[1], atol=1e-12)


def test_no_hypothesis_has_no_adjusted_p_value() -> None:
    assert holm([]).size == 0


@pytest.mark.parametrize(
    "tail", [stats.expon(), stats.norm(), stats.uniform(), stats.genpareto(0.3), stats.lognorm(1.0), stats.t(3)]
)
def test_a_tails_probability_is_rarely_less_than_the_truth(tail: object) -> None:
    too_small = 0
    for seed in range(40):
        ordered = np.sort(tail.rvs(2000, random_state=seed))  # type: ignore[attr-defined]
        value = tail.isf(1e-5) if tail.dist.name != "uniform" else 1.0 - 1e-5  # type: ignore[attr-defined]
        if value > ordered[-1]:
            found = tail_probability(ordered, float(value))
            too_small += found is not None and found < 1e-5
    assert too_small <= 4


def test_a_tail_too_short_or_too_coarse_is_not_carried_on() -> None:
    assert tail_probability(np.arange(50.0), 100.0) is None
    assert tail_probability(np.sort(np.repeat([0.0, 1.0], 5000)), 2.0) is None
    assert tail_probability(np.concatenate([np.zeros(9000), np.arange(100.0)]), 1e9) is not None


def test_a_tail_below_the_median_has_no_index_of_its_own() -> None:
    ordered = np.sort(np.concatenate([np.zeros(9960), np.arange(1.0, 41.0)]))
    found = tail_probability(ordered, 1e6)
    assert found is not None
    assert found < 1e-6


def test_the_chance_that_given_rows_are_all_drawn_is_the_hypergeometric_one() -> None:
    for count in (0, 1, 5, 30):
        assert p_all_drawn(count, drawn=30, total=100) == pytest.approx(stats.hypergeom.pmf(count, 100, count, 30))
    assert p_all_drawn(31, drawn=30, total=100) == 0.0


def test_rows_beyond_all_of_the_other_table_are_counted_exactly() -> None:
    values = np.concatenate([np.arange(10.0, 90.0), np.arange(85.0, 105.0)])
    further, nearer = exceedances(*counted(values, 20))
    assert further.p_value == pytest.approx(2 * stats.hypergeom.pmf(15, 100, 15, 20))
    assert (further.excess, nearer.excess) == (15 / 20, -75 / 80)
    p = [exceedances(*dealt(np.arange(300.0), 100, seed))[0].p_value for seed in range(200)]
    assert (np.array(p) <= 0.05).sum() <= stats.binom(200, 0.05).ppf(0.999)
    for few in (np.array([0]), np.array([2])):
        assert exceedances(np.array([2]), few) == (Shift(), Shift())
    assert exceedances(np.array([5]), np.array([2]))[0].p_value == 1.0


def test_levels_are_set_apart_by_a_gap_that_the_others_dont_have() -> None:
    even = np.array([160] * 24)
    apart = isolated_levels(np.append(even, 10))
    assert apart is not None
    assert apart.rare.tolist() == [False] * 24 + [True]
    assert apart.p_value < 1e-6
    tapering = isolated_levels(np.array([16_000, 13_700, 323, 54]))
    assert tapering is not None
    assert tapering.p_value > 0.05
    for none in ([], [0, 0], [5], [100, 1], [7, 7, 7], [50, 40, 30]):
        assert isolated_levels(np.array(none, dtype=np.int64)) is None


@settings(max_examples=20)
@given(st.integers(0, 10_000))
def test_gaps_between_frequencies_that_fall_off_exponentially_are_seldom_called_wide(seed: int) -> None:
    rng = np.random.default_rng(seed)
    p = [
        found.p_value
        for _ in range(100)
        if (found := isolated_levels(np.ceil(1000 * np.exp(rng.exponential(1.0, 12))).astype(np.int64)))
    ]
    assert sum(one <= 0.02 for one in p) <= stats.binom(100, 0.02).ppf(1 - 1e-6)


def test_only_what_could_be_rejected_is_counted() -> None:
    assert answerable([], 0.005).tolist() == []
    assert answerable([0.5, 1.0], 0.005).tolist() == [False, False]
    assert answerable([0.002] * 3, 0.005).tolist() == [False] * 3
    assert answerable([0.002, 0.002, 1.0], 0.005).tolist() == [True, True, False]
    assert answerable([0.0] * 50, 0.005).all()
