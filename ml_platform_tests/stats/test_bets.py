"""Bets: capital stays fair whenever one looks, its rows can't ruin who bets, and intervals hold at all looks."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ml_platform.stats.arm_wagers import duel_by_lot
from ml_platform.stats.bet_interval import bet_interval
from ml_platform.stats.capital import MULTIPLES, PARTS, Wager, log_capital, log_joined_capital
from ml_platform.stats.mean_sequence import mean_sequence
from ml_platform.stats.pair_wagers import duel_of_pairs
from ml_platform_tests.stats.reading import bounds_of

RUNS = 400


def reached(wager: Wager, alpha: float) -> float:
    """Return the share of runs whose capital ever reached 1 / alpha."""
    return float((log_capital(wager).max(axis=-1) >= -math.log(alpha)).mean())


def arms(chance: float, more: float, *, rows: int, seed: int, weight: float = 0.1) -> tuple[Wager, Wager]:
    rng = np.random.default_rng(seed)
    ours = rng.random((RUNS, rows)) < weight
    failed = rng.random((RUNS, rows)) < chance + more * ours
    return duel_by_lot(failed.astype(np.float64), ours, np.full(rows, weight), margin=0.05)


def test_the_capital_by_hand() -> None:
    wager = Wager(gains=np.array([0.5, -0.25]), bets=np.array([1.0, 0.1]), floors=np.array([1.0, 1.0]))
    most = [min(multiple * 1.0, 0.8) for multiple in MULTIPLES], [min(multiple * 0.1, 0.8) for multiple in MULTIPLES]
    expected = sum(p * (1 + a / 2) * (1 - b / 4) for p, a, b in zip(PARTS, *most, strict=True))
    assert math.exp(log_capital(wager)[-1]) == pytest.approx(expected)
    assert sum(PARTS) == pytest.approx(1)


def test_who_joins_later_bets_with_as_much_and_all_is_added() -> None:
    rng = np.random.default_rng(1)
    wager = Wager(gains=rng.normal(size=30).clip(-1, 1), bets=np.full(30, 0.3), floors=np.ones(30))
    joined = np.exp(log_joined_capital(wager, np.array([0, 10, 20])))
    alone = [
        np.exp(log_capital(Wager(gains=wager.gains[at:], bets=wager.bets[at:], floors=wager.floors[at:])))
        for at in (0, 10, 20)
    ]
    assert joined[:10] == pytest.approx(alone[0][:10])
    assert joined[-1] == pytest.approx(sum(one[-1] for one in alone))


@pytest.mark.parametrize("weight", [0.1, 0.5])
def test_equal_arms_are_called_worse_at_any_look_at_most_as_often_as_said(weight: float) -> None:
    worse, _ = arms(0.1, 0.0, rows=2000, seed=2, weight=weight)
    assert reached(worse, 0.05) <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / RUNS)


def test_an_arm_worse_by_the_margin_is_seldom_called_fine_and_is_called_worse() -> None:
    worse, within = arms(0.1, 0.05, rows=6000, seed=3)
    assert reached(within, 0.05) <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / RUNS)
    assert reached(worse, 0.05) > 0.8


def test_traffic_whose_failures_come_and_go_fools_nobody() -> None:
    rng = np.random.default_rng(4)
    chance = 0.3 + 0.28 * np.sin(np.arange(2000) / 100)
    ours = rng.random((RUNS, 2000)) < 0.2
    failed = (rng.random((RUNS, 2000)) < chance).astype(np.float64)
    worse, _ = duel_by_lot(failed, ours, np.full(2000, 0.2), margin=0.05)
    assert reached(worse, 0.05) <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / RUNS)


def test_a_weight_that_grows_step_by_step_is_fair_too() -> None:
    rng = np.random.default_rng(5)
    weight = np.repeat([0.01, 0.05, 0.25, 0.5], 500)
    chance = np.repeat([0.4, 0.3, 0.1, 0.02], 500)  # confounded with time, as a ramp is
    ours = rng.random((RUNS, 2000)) < weight
    worse, _ = duel_by_lot((rng.random((RUNS, 2000)) < chance).astype(np.float64), ours, weight, margin=0.05)
    assert reached(worse, 0.05) <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / RUNS)


@pytest.mark.parametrize("relative", [False, True])
def test_equal_pairs_are_called_worse_and_pairs_worse_by_the_margin_fine_at_most_as_often_as_said(
    *, relative: bool
) -> None:
    rng = np.random.default_rng(6)
    both = rng.random((RUNS, 1500)) < 0.3
    ours, theirs = ((both ^ (rng.random((RUNS, 1500)) < 0.1)).astype(np.float64) for _ in range(2))
    worse, _ = duel_of_pairs(ours, theirs, margin=0.1, relative=relative)
    assert reached(worse, 0.05) <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / RUNS)
    margin = 0.1 * theirs.mean() if relative else 0.1
    hurt = np.where(rng.random(ours.shape) < margin / (1 - ours.mean()), 1.0, ours)
    worse, within = duel_of_pairs(hurt, theirs, margin=0.1, relative=relative)
    assert reached(within, 0.05) <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / RUNS)
    assert reached(worse, 0.05) > (0.3 if relative else 0.95)


@pytest.mark.parametrize("relative", [False, True])
@given(data=st.data())
@settings(max_examples=30, deadline=None)
def test_no_row_takes_more_than_most_of_the_capital(data: st.DataObject, *, relative: bool) -> None:
    rows = data.draw(st.integers(1, 12))
    unit = st.floats(0, 1)
    values = np.array(data.draw(st.lists(unit, min_size=rows, max_size=rows)))
    other = np.array(data.draw(st.lists(unit, min_size=rows, max_size=rows)))
    ours = np.array(data.draw(st.lists(st.booleans(), min_size=rows, max_size=rows)))
    weight = np.full(rows, data.draw(st.floats(0.001, 0.5)))
    margin = data.draw(st.floats(0.001, 1))
    games = (
        *duel_by_lot(values, ours, weight, margin=margin, relative=relative),
        *duel_of_pairs(values, other, margin=margin, relative=relative),
    )
    for wager in games:
        assert (wager.gains >= -wager.floors - 1e-9).all()
        assert (wager.bets >= 0).all()
        steps = np.diff(log_capital(wager), prepend=0.0)
        assert (steps >= math.log(0.2) - 1e-9).all()


@given(st.lists(st.floats(0, 1), min_size=1, max_size=80))
@settings(max_examples=30, deadline=None)
def test_an_interval_holds_the_rows_own_mean_and_stays_within_its_ends(values: list[float]) -> None:
    low, high = bounds_of(mean_sequence(values))
    mean = float(np.mean(values))
    assert 0 <= low <= mean + 1e-9
    assert mean - 1e-9 <= high <= 1


def test_an_interval_is_true_at_all_looks_together() -> None:
    rng = np.random.default_rng(7)
    looks = np.unique(np.geomspace(5, 1000, 7).astype(int))
    missed = 0
    for _ in range(50):
        rows = (rng.random(1000) < 0.05) * 1.0
        missed += any(not _covers(rows[:look], 0.05) for look in looks)
    assert missed <= 50 * 0.05 + 3 * math.sqrt(50 * 0.05 * 0.95)


def _covers(rows: np.ndarray, truth: float) -> bool:
    low, high = bounds_of(mean_sequence(rows))
    return low <= truth <= high


def test_an_interval_of_many_rows_is_at_most_two_and_a_half_times_that_of_one_look() -> None:
    rows = (np.random.default_rng(8).random(20_000) < 0.2) * 1.0
    low, high = bounds_of(mean_sequence(rows))
    assert high - low < 2.5 * 2 * 1.96 * rows.std() / math.sqrt(rows.size)


def test_rows_that_leave_the_mean_they_began_with_may_leave_an_interval_of_one_point() -> None:
    rows = np.repeat([0.0, 1.0, 0.0], [400, 400, 400])
    low, high = bet_interval(rows, least=np.zeros(1200), greatest=np.ones(1200), ends=(0.0, 1.0), confidence=0.5)
    assert low <= rows.mean() <= high


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ([], "values has no rows"),
        ([0.5, math.nan], "1 of 2 values of values are not finite"),
        ([0.5, -0.1, 1.1], "2 of 3 values of values lie outside 0 to 1"),
    ],
)
def test_what_cant_be_bet_on_is_undefined(values: list[float], reason: str) -> None:
    found = mean_sequence(values)
    assert (found.value, found.low, found.reason) == (None, None, reason)


def test_other_bounds_shift_and_stretch_the_interval() -> None:
    rows = np.random.default_rng(9).random(300)
    plain, moved = mean_sequence(rows), mean_sequence(rows * 20 - 10, least=-10, greatest=10)
    assert [20 * bound - 10 for bound in bounds_of(plain)] == pytest.approx(bounds_of(moved), abs=1e-2)
    with pytest.raises(ValueError, match="between 0 and 1"):
        mean_sequence(rows, confidence=1.0)
