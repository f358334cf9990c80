"""Paired differences against other implementations, with entities, and where they are undefined."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.contingency_tables import mcnemar

from ml_platform.stats.mean_interval import mean_interval
from ml_platform.stats.paired_bootstrap import paired_bootstrap
from ml_platform.stats.paired_share_difference import paired_share_difference
from ml_platform_tests.stats.reading import bounds_of

RNG = np.random.default_rng(11)
A, B = (RNG.random(400) < share for share in (0.7, 0.6))


def absolute(true: np.ndarray, predicted: np.ndarray) -> float:
    return float(np.abs(predicted - true).mean())


def test_the_p_value_lies_between_mcnemars_exact_and_asymptotic_ones() -> None:
    found = paired_share_difference(A, B)
    a_alone, b_alone = found.facts["a_alone"], found.facts["b_alone"]
    table = [[0, a_alone], [b_alone, 0]]
    exact, plain = (mcnemar(table, exact=how, correction=False).pvalue for how in (True, False))
    assert 0.8 * plain <= float(found.facts["p_value"] or 0) <= exact
    half = exact - 0.5 * 2 * stats.binom.pmf(
        min(int(a_alone or 0), int(b_alone or 0)), int(a_alone or 0) + int(b_alone or 0), 0.5
    )
    assert found.facts["p_value"] == pytest.approx(half)


def test_the_interval_of_many_rows_is_that_of_the_mean_difference() -> None:
    found, mean = paired_share_difference(A, B), mean_interval(A.astype(float) - B)
    assert found.value == mean.value
    assert bounds_of(found) == pytest.approx(bounds_of(mean), abs=0.003)


def test_intervals_hold_the_true_difference_as_often_as_they_say() -> None:
    rng, held = np.random.default_rng(3), 0
    for _ in range(400):
        one = rng.random(60) < 0.9
        other = np.where(rng.random(60) < 0.8, one, rng.random(60) < 0.8)
        low, high = bounds_of(paired_share_difference(one, other))
        held += low <= 0.2 * (0.9 - 0.8) <= high
    assert stats.binomtest(held, 400, 0.95).pvalue > 0.001 or held > 380


def test_rows_of_one_entity_count_together() -> None:
    entity = np.arange(400) // 4
    found = paired_share_difference(A, B, entity=entity)
    oracle = mean_interval(A.astype(float) - B, entity=entity)
    assert bounds_of(found) == bounds_of(oracle)
    assert 0 < float(found.facts["p_value"] or 0) < 1
    same = paired_share_difference(A, A, entity=entity)
    assert (same.value, same.facts["p_value"]) == (0.0, None)


@pytest.mark.parametrize(
    ("a", "b", "entity", "reason"),
    [
        ([], [], None, "hits_a has no rows"),
        ([1, 2], [0, 1], None, "1 of 2 values of hits_a are neither 0 nor 1"),
        ([1, 0], [0, math.nan], None, "1 of 2 values of hits_b are not finite"),
        ([1, 0], [0, 1], [None, 1], "1 of 2 rows have no entity"),
    ],
)
def test_shares_of_flawed_columns_are_undefined(
    a: list[float], b: list[float], entity: list[Any] | None, reason: str
) -> None:
    found = paired_share_difference(a, b, entity=entity)
    assert (found.value, found.reason) == (None, reason)


def test_two_that_never_disagree_have_a_p_value_of_1_and_bounds() -> None:
    found = paired_share_difference(A, A)
    assert found.facts["p_value"] == 1.0
    assert found.low is not None
    assert found.low < 0
    one_sided = paired_share_difference(np.ones(8), np.zeros(8))
    assert one_sided.facts["p_value"] == pytest.approx(0.5**8)
    assert one_sided.high == 1.0


def test_the_bootstrap_of_a_mean_difference_is_students() -> None:
    true = RNG.normal(size=300)
    a, b = true + RNG.normal(size=300), true + RNG.normal(scale=1.2, size=300)
    found = paired_bootstrap(absolute, true, a, b, seed=1, repetitions=3000)
    oracle = stats.ttest_rel(np.abs(a - true), np.abs(b - true))
    assert bounds_of(found) == pytest.approx(tuple(oracle.confidence_interval(0.95)), abs=0.015)
    assert found.facts["p_value"] == pytest.approx(oracle.pvalue, abs=0.02)
    assert found.facts["standard_error"] == pytest.approx(
        float(oracle.df and (a - b).size and stats.sem(np.abs(a - true) - np.abs(b - true))), rel=0.08
    )


def test_the_bootstrap_draws_whole_entities_and_is_the_same_for_a_seed() -> None:
    first = (np.arange(300) // 3) * 3
    true = RNG.normal(size=300)[first]
    a, b = true + RNG.normal(size=300)[first], true + RNG.normal(size=300)[first]
    alone, together, again = (
        paired_bootstrap(absolute, true, a, b, seed=1, entity=entity) for entity in (None, first, first)
    )
    assert together == again
    assert float(together.facts["standard_error"] or 0) > 1.4 * float(alone.facts["standard_error"] or 0)


def test_the_bootstrap_of_what_is_undefined_says_so() -> None:
    none = paired_bootstrap(lambda _, __: None, [1.0, 2.0], np.ones(2), np.ones(2), seed=1)
    assert (none.value, none.reason) == (None, "the statistic is undefined")
    empty = paired_bootstrap(absolute, [], np.ones(0), np.ones(0), seed=1)
    assert empty.reason == "no rows"
    missing = paired_bootstrap(
        absolute, [1.0, 2.0], np.ones(2), np.ones(2), seed=1, entity=np.array([None, "a"], dtype=object)
    )
    assert missing.reason == "1 of 2 rows have no entity"
    one = paired_bootstrap(absolute, [1.0], np.ones(1), np.zeros(1), seed=1)
    assert (one.value, one.low, one.facts["p_value"]) == (-1.0, None, None)


def test_one_draw_that_is_undefined_leaves_no_interval() -> None:
    def some(true: np.ndarray, predicted: np.ndarray) -> float | None:
        return float(predicted.mean()) if true.sum() else None

    found = paired_bootstrap(some, [1.0, 0.0, 0.0], np.ones(3), np.zeros(3), seed=1)
    assert found.value == 1.0
    assert found.low is None
    assert int(found.facts["undefined_draws"] or 0) > 0
    with pytest.raises(ValueError, match="the same number is needed"):
        paired_bootstrap(some, [1.0], np.ones(2), np.ones(2), seed=1)
