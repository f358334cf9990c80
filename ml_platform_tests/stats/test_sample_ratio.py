"""The sample ratio: against the closed form of two arms, at all looks, for several arms, and where it is undefined."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from ml_platform.stats.sample_ratio import ROWS, sample_ratio
from ml_platform_tests.stats.reading import bounds_of, fact_of, value_of


def test_of_two_arms_it_is_the_beta_binomial_chance_over_the_binomial_one() -> None:
    found = sample_ratio([870, 130], [0.9, 0.1])
    mixed = stats.betabinom.logpmf(130, 1000, 0.1 * ROWS, 0.9 * ROWS)
    assert fact_of(found, "evidence") == pytest.approx(mixed - stats.binom.logpmf(130, 1000, 0.1))


def test_of_several_arms_it_is_the_dirichlet_multinomial_chance_over_the_multinomial_one() -> None:
    counts, shares = np.array([300, 420, 280]), np.array([0.3, 0.4, 0.3])
    expected = stats.dirichlet_multinomial.logpmf(counts, ROWS * shares, 1000) - stats.multinomial.logpmf(
        counts, 1000, shares
    )
    found = sample_ratio(counts, shares)
    assert fact_of(found, "evidence") == pytest.approx(expected)
    assert (found.facts["arm"], found.facts["share"], found.facts["expected"]) == (1, 0.42, 0.4)
    assert found.value == pytest.approx(0.02)


def test_requests_sent_as_stated_are_doubted_at_any_look_at_most_as_often_as_said() -> None:
    rng = np.random.default_rng(1)
    came = np.cumsum(rng.random((150, 2000)) < 0.1, axis=1)
    looks = np.geomspace(10, 2000, 9).astype(int)
    doubted = 0
    for row in came:
        doubted += any(
            fact_of(sample_ratio([look - row[look - 1], row[look - 1]], [0.9, 0.1]), "p_value") <= 0.05
            for look in looks
        )
    assert doubted <= 150 * 0.05 + 3 * math.sqrt(150 * 0.05 * 0.95)


def test_a_share_that_is_off_is_seen_and_lies_outside_the_bounds() -> None:
    found = sample_ratio([8600, 1400], [0.9, 0.1])
    assert value_of(found) == pytest.approx(0.04)
    assert fact_of(found, "p_value") < 1e-6
    low, high = bounds_of(found)
    assert 0 < low < 0.04 < high
    fine = sample_ratio([9000, 1000], [0.9, 0.1])
    assert bounds_of(fine)[0] == 0
    assert fact_of(fine, "p_value") == 1


@given(st.lists(st.integers(0, 500), min_size=2, max_size=4))
@settings(max_examples=30, deadline=None)
def test_the_bounds_hold_what_was_seen_and_agree_with_the_evidence(counts: list[int]) -> None:
    shares = np.full(len(counts), 1 / len(counts))
    found = sample_ratio(counts, shares)
    if not sum(counts):
        assert found.reason == "no rows"
        return
    low, high = bounds_of(found)
    assert 0 <= low <= value_of(found) + 1e-6
    assert value_of(found) - 1e-6 <= high <= 1
    if len(counts) == 2:
        assert (low > 0) == (fact_of(found, "p_value") < 0.05)


@pytest.mark.parametrize(
    ("counts", "shares", "reason"),
    [
        ([], [], "counts has no rows"),
        ([0, 0], [0.5, 0.5], "no rows"),
        ([-1, 2], [0.5, 0.5], "counts that aren't whole numbers from 0"),
        ([1.5, 2], [0.5, 0.5], "counts that aren't whole numbers from 0"),
        ([1, math.nan], [0.5, 0.5], "1 of 2 values of counts are not finite"),
        ([1, 2], [0.5, 0.6], "shares that aren't above 0 or don't add up to 1"),
        ([1, 2], [1.0, 0.0], "shares that aren't above 0 or don't add up to 1"),
    ],
)
def test_counts_and_shares_that_arent_any_are_undefined(counts: list[float], shares: list[float], reason: str) -> None:
    found = sample_ratio(counts, shares)
    assert (found.value, found.reason) == (None, reason)


def test_arms_without_a_share_each_raise() -> None:
    with pytest.raises(ValueError, match="same number is needed"):
        sample_ratio([1, 2], [1.0])
    with pytest.raises(ValueError, match="between 0 and 1"):
        sample_ratio([1, 2], [0.5, 0.5], confidence=0.0)
