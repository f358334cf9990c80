"""Challenger against champion, by lot and in pairs: what is said, what is proven, and what is undefined."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from ml_platform.stats.arm_difference import arm_difference
from ml_platform.stats.pair_difference import pair_difference
from ml_platform.stats.promise_excess import promise_excess
from ml_platform.stats.running_threshold import running_threshold
from ml_platform_tests.stats.reading import bounds_of, covers, fact_of, value_of

ROWS = 4000


def by_lot(seed: int, more: float = 0.0, weight: float = 0.2) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    ours = rng.random(ROWS) < weight
    return (rng.random(ROWS) < 0.1 + more * ours) * 1.0, ours


def test_arms_are_told_apart_with_their_means_and_an_interval() -> None:
    failed, ours = by_lot(1, 0.1)
    found = arm_difference(failed, ours, np.full(ROWS, 0.2), margin=0.05)
    assert value_of(found) == pytest.approx(failed[ours].mean() - failed[~ours].mean(), abs=0.01)
    assert covers(found, 0.1)
    assert bounds_of(found)[0] > 0
    assert fact_of(found, "challenger") == failed[ours].mean()
    assert fact_of(found, "champion") == failed[~ours].mean()
    assert (found.facts["challenger_rows"], found.facts["champion_rows"]) == (ours.sum(), (~ours).sum())
    assert fact_of(found, "p_worse") < 0.001 < fact_of(found, "p_within")


def test_equal_arms_are_within_the_margin() -> None:
    failed, ours = by_lot(2)
    found = arm_difference(failed, ours, np.full(ROWS, 0.2), margin=0.1)
    assert fact_of(found, "p_within") < 0.001 < fact_of(found, "p_worse")
    assert covers(found, 0.0)


def test_a_margin_can_be_a_part_of_the_champions_mean() -> None:
    failed, ours = by_lot(3, 0.1)
    harmless, harmful = (
        arm_difference(failed, ours, np.full(ROWS, 0.2), margin=margin, relative=True) for margin in (1.0, 0.5)
    )
    assert fact_of(harmful, "p_worse") < 0.001
    assert fact_of(harmful, "p_within") > 0.05
    assert bounds_of(harmful) == bounds_of(harmless)
    equal, arm = by_lot(4)
    assert fact_of(arm_difference(equal, arm, np.full(ROWS, 0.2), margin=1.0, relative=True), "p_within") < 0.001


def test_harm_once_proven_stays_so_and_fitness_has_to_last() -> None:
    rng = np.random.default_rng(5)
    ours = rng.random(2 * ROWS) < 0.3
    good, bad = rng.random(2 * ROWS) < 0.1, rng.random(2 * ROWS) < 0.1 + 0.3 * ours
    first = np.arange(2 * ROWS) < ROWS
    ends_well = arm_difference(np.where(first, bad, good), ours, np.full(2 * ROWS, 0.3), margin=0.1)
    assert fact_of(ends_well, "p_worse") < 1e-6
    ends_badly = arm_difference(np.where(first, good, bad), ours, np.full(2 * ROWS, 0.3), margin=0.1)
    assert fact_of(ends_badly, "p_within") > 0.5


@pytest.mark.parametrize(
    ("values", "arm", "weight", "reason"),
    [
        ([], [], [], "values has no rows"),
        ([0.0, math.nan], [0, 1], [0.5, 0.5], "1 of 2 values of values are not finite"),
        ([0.0, 2.0], [0, 1], [0.5, 0.5], "1 of 2 values of values lie outside 0 to 1"),
        ([0.0, 1.0], [0, 2], [0.5, 0.5], "1 of 2 values of challenger are neither 0 nor 1"),
        ([0.0, 1.0], [0, 1], [0.5, 1.0], "1 of 2 weights are no chances"),
        ([0.0, 1.0], [0, 1], [0.5, math.nan], "1 of 2 values of weight are not finite"),
        ([0.0, 1.0], [0, 0], [0.5, 0.5], "no rows of the challenger"),
        ([0.0, 1.0], [1, 1], [0.5, 0.5], "no rows of the champion"),
    ],
)
def test_arms_that_cant_be_compared_are_undefined(
    values: list[float], arm: list[float], weight: list[float], reason: str
) -> None:
    found = arm_difference(values, arm, weight, margin=0.1)
    assert (found.value, found.low, found.reason, found.n) == (None, None, reason, len(values))


def test_pairs_are_told_apart_with_fewer_rows_than_arms() -> None:
    rng = np.random.default_rng(6)
    theirs = (rng.random(ROWS) < 0.3) * 1.0
    ours = np.where(rng.random(ROWS) < 0.02, 1.0, theirs)
    found = pair_difference(ours, theirs, margin=0.01)
    assert value_of(found) == pytest.approx(ours.mean() - theirs.mean())
    assert covers(found, 0.014)
    assert fact_of(found, "p_worse") < 1e-6
    same = pair_difference(theirs, theirs, margin=0.01)
    assert same.value == 0
    assert fact_of(same, "p_worse") == pytest.approx(1.0)
    assert fact_of(same, "p_within") < 1e-6
    part = pair_difference(ours, theirs, margin=0.5, relative=True)
    assert fact_of(part, "p_within") < 1e-6


@pytest.mark.parametrize(
    ("ours", "theirs", "reason"),
    [
        ([], [], "challenger has no rows"),
        ([0.0, 1.5], [0.0, 1.0], "1 of 2 values of challenger lie outside 0 to 1"),
        ([0.0, 1.0], [0.0, math.inf], "1 of 2 values of champion are not finite"),
    ],
)
def test_pairs_that_cant_be_compared_are_undefined(ours: list[float], theirs: list[float], reason: str) -> None:
    found = pair_difference(ours, theirs, margin=0.1)
    assert (found.value, found.reason) == (None, reason)


@pytest.mark.parametrize("margin", [0.0, -0.1, 1.1, math.nan])
def test_a_margin_that_is_none_raises(margin: float) -> None:
    for statistic, given in (
        (arm_difference, ([0.0], [1], [0.5])),
        (pair_difference, ([0.0], [0.0])),
    ):
        say: Any = statistic
        with pytest.raises(ValueError, match="margin: is "):
            say(*given, margin=margin)
    with pytest.raises(ValueError, match="margin: is "):
        promise_excess([0.0], [0], promised=0.1, margin=margin)


def test_columns_of_different_length_raise() -> None:
    with pytest.raises(ValueError, match="same number is needed"):
        arm_difference([0.0, 1.0], [1, 0], [0.5], margin=0.1)
    with pytest.raises(ValueError, match="same number is needed"):
        pair_difference([0.0, 1.0], [1.0], margin=0.1)
    with pytest.raises(ValueError, match="same number is needed"):
        promise_excess([0.0, 1.0], [0], promised=0.1, margin=0.1)


def test_a_threshold_is_told_by_the_champions_rows_before_it_alone() -> None:
    rng = np.random.default_rng(7)
    values, champion = rng.exponential(size=1000), rng.random(1000) < 0.8
    told = running_threshold(values, champion, 0.95)
    assert np.isinf(told[: np.flatnonzero(champion)[99] + 1]).all()
    place = np.flatnonzero(champion)[399]
    assert told[place] == np.quantile(values[champion][:200], 0.95)
    assert told[place + 1] == np.quantile(values[champion][:400], 0.95)
    assert len(np.unique(told)) == 4
    assert np.isinf(running_threshold(values[:50], champion[:50], 0.95)).all()


def weeks(seed: int, *shares: float, rows: int = 300) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return (rng.random(rows * len(shares)) < np.repeat(shares, rows)) * 1.0, np.repeat(np.arange(len(shares)), rows)


def test_harm_that_begins_late_is_seen_as_fast_and_its_week_is_named() -> None:
    late = promise_excess(*weeks(1, *[0.1] * 20, 0.25), promised=0.1, margin=0.05)
    assert fact_of(late, "evidence") > math.log(1000)
    assert (late.facts["since"], late.facts["rows"], late.n) == (20, 6300, 300)
    assert value_of(late) == pytest.approx(0.15, abs=0.05)
    assert bounds_of(late)[0] > 0


def test_a_promise_that_is_kept_is_called_broken_as_seldom_as_said() -> None:
    limit = math.log(52 / 0.5)  # one in two years of weeks
    hits = sum(
        fact_of(promise_excess(*weeks(seed, *[0.1] * 52, rows=40), promised=0.1, margin=0.05), "evidence") >= limit
        for seed in range(100)
    )
    assert hits <= 60


@pytest.mark.parametrize(
    ("values", "period", "promised", "reason"),
    [
        ([], [], 0.1, "values has no rows"),
        ([2.0], [0], 0.1, "1 of 1 values of values lie outside 0 to 1"),
        ([1.0, 1.0], [1, 0], 0.1, "periods that fall or aren't finite"),
        ([1.0], [math.nan], 0.1, "periods that fall or aren't finite"),
        ([1.0], [0], 1.0, "a promised mean of 1, which isn't in 0 to 1"),
        ([1.0], [0], math.nan, "a promised mean of nan, which isn't in 0 to 1"),
    ],
)
def test_promises_that_cant_be_held_against_rows_are_undefined(
    values: list[float], period: list[float], promised: float, reason: str
) -> None:
    found = promise_excess(values, period, promised=promised, margin=0.1)
    assert (found.value, found.reason) == (None, reason)


def test_a_promise_of_nothing_can_be_broken() -> None:
    found = promise_excess(np.ones(20), np.zeros(20), promised=0.0, margin=0.01)
    assert fact_of(found, "evidence") > math.log(1000)
