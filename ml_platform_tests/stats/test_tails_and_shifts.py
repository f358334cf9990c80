"""Tails and shifts of a challenger, by lot and in pairs: what is proven how often, and where they are undefined."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest

from ml_platform.core.measurement import Measurement
from ml_platform.stats.shift_duel import shift_by_lot, shift_of_pairs
from ml_platform.stats.tail_duel import tail_by_lot, tail_of_pairs
from ml_platform_tests.stats.reading import bounds_of, covers, fact_of, value_of

ROWS, WEIGHT = 3000, 0.25


def tails(seed: int, slower: float, quantile: float = 0.95) -> tuple[Measurement, Measurement]:
    """Return both measurements of times whose challenger takes so many times longer."""
    rng = np.random.default_rng(seed)
    ours = rng.random(ROWS) < WEIGHT
    usual, other = rng.lognormal(0, 0.5, size=ROWS), rng.lognormal(0, 0.5, size=ROWS)
    times = np.where(ours, usual * slower, usual)
    return (
        tail_by_lot(times, ours, np.full(ROWS, WEIGHT), quantile=quantile, margin=0.5),
        tail_of_pairs(other * slower, usual, quantile=quantile, margin=0.5),
    )


def shifts(seed: int, more: float) -> tuple[Measurement, Measurement]:
    """Return both measurements of scores whose challenger adds so much."""
    rng = np.random.default_rng(seed)
    ours = rng.random(ROWS) < WEIGHT
    usual = rng.normal(size=ROWS)
    scores = usual + more * ours
    return (
        shift_by_lot(scores, ours, np.full(ROWS, WEIGHT), margin=0.15),
        shift_of_pairs(usual + more, usual, margin=0.15),
    )


@pytest.mark.parametrize("quantile", [0.95, 0.99])
def test_a_longer_tail_is_proven_and_told_in_the_values_own_terms(quantile: float) -> None:
    for found in tails(1, 2.5, quantile):
        assert fact_of(found, "p_worse") < 0.01
        assert fact_of(found, "p_within") > 0.5
        assert covers(found, value_of(found))
        assert bounds_of(found)[0] > 0
        assert fact_of(found, "quantile_challenger") > 1.7 * fact_of(found, "quantile_champion")
        assert fact_of(found, "challenger") > fact_of(found, "champion")


def test_an_equal_tail_is_within_the_margin() -> None:
    for found in tails(2, 1.0):
        assert fact_of(found, "p_within") < 0.01
        assert fact_of(found, "p_worse") > 0.05


def test_a_shift_up_or_down_is_proven_and_named_with_its_quantile() -> None:
    for more in (0.6, -0.6):
        for found in shifts(3, more):
            assert fact_of(found, "p_worse") < 0.01
            assert value_of(found) * more > 0
            assert found.facts["quantile"] in {0.3, 0.5, 0.7}
            assert (found.metric, found.confidence) == ("shift", 0.95)
            assert covers(found, value_of(found))


def test_no_shift_is_within_the_margin() -> None:
    for found in shifts(4, 0.0):
        assert fact_of(found, "p_within") < 0.05 < fact_of(found, "p_worse")


@pytest.mark.parametrize(
    "drawn", [lambda seed: tails(seed, 1.0), lambda seed: shifts(seed, 0.0)], ids=["tails", "shifts"]
)
def test_equal_ones_are_called_worse_at_most_as_often_as_said(
    drawn: Callable[[int], tuple[Measurement, Measurement]],
) -> None:
    runs = 16
    hits = np.array([[fact_of(one, "p_worse") <= 0.2 for one in drawn(100 + seed)] for seed in range(runs)])
    assert (hits.sum(axis=0) <= runs * 0.2 + 3 * math.sqrt(runs * 0.2 * 0.8)).all()


@pytest.mark.parametrize(
    ("values", "ours", "reason"),
    [
        ([], [], "values has no rows"),
        ([1.0, math.nan], [0, 1], "1 of 2 values of values are not finite"),
        ([1.0] * 50, [0, 1] * 25, "fewer than 100 rows of the champion to tell its quantiles"),
        ([1.0] * 121, [1] * 20 + [0] * 101, "no rows of the challenger"),
        ([1.0] * 101, [0] * 100 + [1], "no rows of the champion"),
        ([1.0] * 101, [1] + [0] * 100, "fewer than 100 rows of the champion to tell its quantiles"),
    ],
)
def test_arms_that_tell_nothing_are_undefined(values: list[float], ours: list[float], reason: str) -> None:
    weight = np.full(len(values), 0.5)
    for found in (
        tail_by_lot(values, ours, weight, quantile=0.95, margin=0.1),
        shift_by_lot(values, ours, weight, margin=0.1),
    ):
        assert (found.value, found.reason) == (None, reason)


@pytest.mark.parametrize(
    ("ours", "theirs", "reason"),
    [
        ([], [], "challenger has no rows"),
        ([1.0], [math.inf], "1 of 1 values of champion are not finite"),
        ([1.0] * 100, [1.0] * 100, "fewer than 100 rows of the champion to tell its quantiles"),
    ],
)
def test_pairs_that_tell_nothing_are_undefined(ours: list[float], theirs: list[float], reason: str) -> None:
    for found in (tail_of_pairs(ours, theirs, quantile=0.95, margin=0.1), shift_of_pairs(ours, theirs, margin=0.1)):
        assert (found.value, found.reason) == (None, reason)


def test_what_the_champion_did_before_tells_its_quantiles_from_the_first_row_on() -> None:
    rng = np.random.default_rng(5)
    past, usual, ours = rng.random(500), rng.random(40), np.arange(40) % 2
    for found in (
        tail_by_lot(usual, ours, np.full(40, 0.5), quantile=0.95, margin=0.1, past=past),
        shift_by_lot(usual, ours, np.full(40, 0.5), margin=0.1, past=past),
        tail_of_pairs(usual, usual, quantile=0.95, margin=0.1, past=past),
        shift_of_pairs(usual, usual, margin=0.1, past=past),
    ):
        assert found.n == 40
        assert found.value is not None
    for found in (
        tail_by_lot(usual, ours, np.full(40, 0.5), quantile=0.95, margin=0.1, past=[math.nan]),
        shift_of_pairs(usual, usual, margin=0.1, past=[math.nan]),
    ):
        assert found.reason == "1 of 1 values of past are not finite"


def test_columns_of_different_length_and_wrong_margins_raise() -> None:
    for length, margin, said in ((1, 0.1, "same number is needed"), (2, 0.0, "margin: is 0.0")):
        with pytest.raises(ValueError, match=said):
            tail_by_lot([1.0, 2.0], [0, 1], [0.5] * length, quantile=0.95, margin=margin)
        with pytest.raises(ValueError, match=said):
            shift_by_lot([1.0, 2.0], [0, 1], [0.5] * length, margin=margin)
        with pytest.raises(ValueError, match=said):
            tail_of_pairs([1.0, 2.0], [1.0] * length, quantile=0.95, margin=margin)
        with pytest.raises(ValueError, match=said):
            shift_of_pairs([1.0, 2.0], [1.0] * length, margin=margin)
