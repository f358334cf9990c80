"""What gives the outcome away: a gap, a feature that nothing replaces, a column under another name."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chatterjeexi

from ml_platform.stats.feature_dominance import feature_dominance
from ml_platform.stats.outcome_told_by_missing import outcome_told_by_missing
from ml_platform.stats.rank_dependence import rank_dependence
from ml_platform.stats.wilson import wilson


@given(st.integers(0, 10_000), st.integers(2, 60))
def test_rank_dependence_is_scipys_xi(seed: int, n: int) -> None:
    rng = np.random.default_rng(seed)
    cause, effect = rng.permutation(n).astype(float), rng.integers(0, 5, n).astype(float)
    effect[:2] = [0, 1]
    expected = chatterjeexi(cause, effect, y_continuous=False).statistic
    assert rank_dependence(cause, effect).value == pytest.approx(expected)


CAUSE = np.arange(-50.0, 50.0, 0.05)
FUNCTIONS = {
    "falls": -CAUSE, "turns": np.abs(CAUSE), "swings": np.sin(CAUSE), "steps": np.floor(CAUSE / 7), "jumps": CAUSE > 20
}  # fmt: skip


@pytest.mark.parametrize("name", FUNCTIONS)
def test_any_function_of_the_cause_depends_on_it_and_noise_does_not(name: str) -> None:
    rng = np.random.default_rng(1)
    cause, effect = CAUSE, FUNCTIONS[name]
    assert (rank_dependence(cause, effect).value or 0) > 0.95
    assert abs(rank_dependence(rng.permutation(cause), effect).value or 0) < 0.1


def test_equal_causes_with_different_effects_are_no_function_in_whatever_order_the_rows_come() -> None:
    effect = np.sort(np.random.default_rng(2).normal(size=2000))
    assert abs(rank_dependence(np.zeros(2000), effect).value or 0) < 0.1


@pytest.mark.parametrize(
    ("cause", "effect", "reason"),
    [
        ([1.0, None, 2.0], [None, 1.0, 2.0], "cause and effect have no two rows in common"),
        ([1.0, 2.0, 3.0], [4.0, 4.0, None], "the effect is constant"),
    ],
)
def test_rank_dependence_without_evidence_is_undefined(cause: list[float], effect: list[float], reason: str) -> None:
    found = rank_dependence(cause, effect)
    assert (found.value, found.reason) == (None, reason)


def test_a_gap_that_always_means_the_outcome_tells_it_as_surely_as_its_rows_allow() -> None:
    y = np.arange(400) % 4 == 0
    feature = np.where(y, np.nan, 1.0)
    found = outcome_told_by_missing(feature, y)
    upper = wilson(0, 100).high
    assert upper is not None
    assert found.value == pytest.approx(max(1 - upper / 0.75, 1 - (wilson(0, 300).high or 1) / 0.25))
    few = np.where(np.arange(400) < 3, np.nan, 1.0)
    assert outcome_told_by_missing(few, np.arange(400) < 200).value == 0


def test_a_value_that_is_there_only_with_the_outcome_tells_it_too() -> None:
    y = np.arange(2000) % 20 == 0
    found = outcome_told_by_missing(np.where(y, 1.0, np.nan), y)
    assert (found.value or 0) > 0.95
    assert found.facts["missing"] == 1900


def test_a_column_without_gaps_and_a_gap_by_chance_tell_nothing() -> None:
    rng = np.random.default_rng(3)
    y = rng.random(5000) < 0.3
    assert outcome_told_by_missing(rng.normal(size=5000), y).value == 0
    assert (outcome_told_by_missing(np.where(rng.random(5000) < 0.3, np.nan, 1.0), y).value or 0) < 0.1
    texts = np.array(["a", None], dtype=object)[rng.integers(0, 2, 5000)]
    assert (outcome_told_by_missing(texts, y).value or 0) < 0.1


def test_one_class_is_undefined() -> None:
    assert outcome_told_by_missing([1.0, np.nan], [1, 1]).reason == "the outcome has no two classes"


def test_dominance_is_what_is_lost_of_what_is_explained() -> None:
    full, without, none = np.array([0.1, 0.3]), np.array([0.3, 0.5]), np.array([0.6, 0.6])
    found = feature_dominance(full, without, none)
    explained, explained_without = 1 - 0.2 / 0.6, 1 - 0.4 / 0.6
    assert found.value == pytest.approx((explained - explained_without) / explained)
    assert found.facts["explained"] == pytest.approx(explained)


def test_the_others_are_granted_to_explain_something() -> None:
    full, none = np.array([0.5, 0.5]), np.array([0.6, 0.6])
    lone = feature_dominance(full, none, none)
    assert lone.value == pytest.approx((1 / 6 - 0.17) / 0.17)
    assert feature_dominance(full, none, none, others_at_least=0).value == pytest.approx(1)
    useless = feature_dominance(none, none, none, others_at_least=0)
    assert useless.value == 0


def test_rows_of_one_person_count_together() -> None:
    rng = np.random.default_rng(4)
    full = np.repeat(rng.random(50), 4)
    without, none, person = full + 0.2 + 0.1 * np.repeat(rng.random(50), 4), np.ones(200), np.repeat(np.arange(50), 4)
    alone = feature_dominance(full, without, none)
    together = feature_dominance(full, without, none, entity=person)
    assert (together.high or 0) - (together.low or 0) > 1.5 * ((alone.high or 0) - (alone.low or 0))


def test_without_doubt_there_is_nothing_to_explain() -> None:
    assert "no loss" in feature_dominance([0.1], [0.1], [0.0]).reason
