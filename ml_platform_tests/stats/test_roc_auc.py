"""ROC AUC and everything built on its DeLong variance."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from sklearn.metrics import roc_auc_score

from ml_platform.stats.generalisation_gap import generalisation_gap
from ml_platform.stats.roc_auc import roc_auc
from ml_platform.stats.roc_auc_difference import roc_auc_difference
from ml_platform.stats.wilson import wilson
from ml_platform_tests.stats.reading import bounds_of, covers, fact_of, value_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

ROWS = st.integers(4, 60)


def drawn(seed: int, n: int, strength: float = 1.0) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    rng = np.random.default_rng(seed)
    y = (np.arange(n) % 3 == 0).astype(np.float64)
    return y, np.round(strength * y + rng.normal(size=n), 1)


def delong_by_pairs(
    y: NDArray[np.float64], score: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Compare every positive with every negative, as the paper defines its components."""
    above, below = score[y == 1][:, None], score[y == 0][None, :]
    wins = (above > below) + 0.5 * (above == below)
    return wins.mean(axis=1), wins.mean(axis=0)


@given(st.integers(0, 10_000), ROWS)
def test_auc_equals_scikit_learn_also_with_ties(seed: int, n: int) -> None:
    y, score = drawn(seed, n)
    assert roc_auc(y, score).value == pytest.approx(roc_auc_score(y, score))


@given(st.integers(0, 10_000), ROWS)
def test_the_standard_error_equals_delong_over_all_pairs(seed: int, n: int) -> None:
    y, score = drawn(seed, n)
    tens, ones = delong_by_pairs(y, score)
    expected = np.sqrt(tens.var(ddof=1) / tens.size + ones.var(ddof=1) / ones.size)
    assert roc_auc(y, score).facts["standard_error"] == pytest.approx(expected, abs=1e-12)


def test_auc_by_hand() -> None:
    found = roc_auc([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8])  # the positive at .35 loses against .4: 3 of 4 pairs
    assert found.value == 0.75
    assert found.facts["standard_error"] == pytest.approx(np.sqrt(0.125 / 2 + 0.125 / 2))
    assert (found.facts["positives"], found.facts["negatives"]) == (2, 2)


@given(st.integers(0, 10_000), ROWS)
def test_auc_doesnt_depend_on_the_scale_of_the_score_or_the_order_of_rows(seed: int, n: int) -> None:
    y, score = drawn(seed, n)
    order = np.random.default_rng(seed).permutation(n)
    moved = roc_auc(y[order], np.exp(score[order]) * 7)
    assert moved.value == pytest.approx(roc_auc(y, score).value)
    assert moved.low == pytest.approx(roc_auc(y, score).low)


@given(st.integers(0, 10_000), ROWS)
def test_swapping_the_classes_mirrors_auc_and_its_interval(seed: int, n: int) -> None:
    y, score = drawn(seed, n)
    one, other = roc_auc(y, score), roc_auc(1 - y, score)
    assert other.value == pytest.approx(1 - value_of(one))
    low, high = bounds_of(one)
    assert bounds_of(other) == pytest.approx((1 - high, 1 - low))


def test_the_interval_covers_as_often_as_it_says() -> None:
    truth = 0.76025  # of two normals one standard deviation apart: Phi(1 / sqrt 2)
    rng = np.random.default_rng(5)
    covered = 0
    for _ in range(400):
        y = np.repeat([1.0, 0.0], [40, 80])
        found = roc_auc(y, y + rng.normal(size=120))
        covered += covers(found, truth)
    assert 0.925 <= covered / 400 <= 0.98


def test_perfect_separation_is_no_certainty() -> None:
    found = roc_auc([0, 0, 0, 1, 1], [1, 2, 3, 4, 5])
    assert (found.value, found.low, found.high) == (1.0, wilson(2, 2).low, 1.0)
    mirrored = roc_auc([1, 1, 1, 0, 0], [1, 2, 3, 4, 5])
    assert (mirrored.value, mirrored.low, mirrored.high) == (0.0, 0.0, wilson(0, 2).high)


def test_perfect_separation_of_few_entities_is_even_less() -> None:
    found = roc_auc([0] * 50 + [1] * 50, np.arange(100), entity=np.arange(100) % 2)
    assert found.low == wilson(2, 2).low


def test_scores_as_far_apart_as_floats_can_be_are_ranked() -> None:
    assert roc_auc([0, 1, 0, 1], [-1.7e308, 1.7e308, 0.0, -1.0]).value == 0.75


def test_one_row_of_a_class_has_an_auc_but_no_interval() -> None:
    found = roc_auc([0, 0, 1], [1, 3, 2])
    assert (found.value, found.low, found.high) == (0.5, None, None)


def test_repeated_rows_of_an_entity_add_no_certainty() -> None:
    y, score = drawn(1, 300)
    once = roc_auc(y, score)
    again = roc_auc(np.repeat(y, 4), np.repeat(score, 4), entity=np.repeat(np.arange(300), 4))
    assert again.value == pytest.approx(once.value)
    assert again.facts["standard_error"] == pytest.approx(once.facts["standard_error"], rel=0.02)


@pytest.mark.parametrize(
    ("y", "score", "reason"),
    [
        ([1, 1], [0.1, 0.2], "all 2 outcomes are of one class"),
        ([0, 2, 1], [0.1, 0.2, 0.3], "1 of 3 values of y_true are neither 0 nor 1"),
        ([0, 1], [0.1, np.inf], "1 of 2 values of y_score are not finite"),
        ([0, 1, 1], [0.5, 0.5, 0.5], "the score is constant: it ranks nothing"),
    ],
)
def test_undefined_auc_says_why(y: list[int], score: list[float], reason: str) -> None:
    assert roc_auc(y, score).reason == reason


def test_text_instead_of_numbers_raises_without_showing_it() -> None:
    with pytest.raises(ValueError, match=r"y_score: holds .* values that are no numbers") as caught:
        roc_auc([0, 1], ["secret", "word"])
    assert "secret" not in str(caught.value)


@given(st.integers(0, 10_000), st.integers(6, 60))
def test_the_paired_difference_equals_delong_over_all_pairs(seed: int, n: int) -> None:
    y, a = drawn(seed, n)
    _, b = drawn(seed + 1, n)
    found = roc_auc_difference(y, a, b)
    tens_a, ones_a = delong_by_pairs(y, a)
    tens_b, ones_b = delong_by_pairs(y, b)
    tens, ones = tens_a - tens_b, ones_a - ones_b
    variance = tens.var(ddof=1) / tens.size + ones.var(ddof=1) / ones.size
    assert found.value == pytest.approx(roc_auc_score(y, a) - roc_auc_score(y, b))
    assert found.facts["standard_error"] == pytest.approx(np.sqrt(variance), abs=1e-12)


def test_a_score_doesnt_differ_from_itself() -> None:
    y, score = drawn(3, 50)
    found = roc_auc_difference(y, score, score * 2)
    assert (found.value, found.low, found.high, found.facts["p_value"]) == (0.0, 0.0, 0.0, None)


def test_swapping_the_scores_changes_only_the_sign() -> None:
    y, a = drawn(4, 80)
    _, b = drawn(5, 80)
    one, other = roc_auc_difference(y, a, b), roc_auc_difference(y, b, a)
    low, high = bounds_of(one)
    assert (other.value, *bounds_of(other)) == pytest.approx((-value_of(one), -high, -low))
    assert other.facts["p_value"] == pytest.approx(one.facts["p_value"])


def test_the_p_value_is_uniform_when_both_scores_are_equally_good() -> None:
    rng = np.random.default_rng(11)
    y = np.repeat([1.0, 0.0], [60, 90])
    small = [
        fact_of(roc_auc_difference(y, y + rng.normal(size=150), y + rng.normal(size=150)), "p_value") < 0.2
        for _ in range(300)
    ]
    assert 0.14 <= np.mean(small) <= 0.26


def test_a_difference_with_one_row_of_a_class_has_no_interval() -> None:
    found = roc_auc_difference([0, 0, 1], [1, 3, 2], [1, 2, 3])
    assert (found.value, found.low, found.facts["p_value"]) == (-0.5, None, None)


def test_the_gap_is_the_difference_of_two_independent_aucs() -> None:
    train_y, train_score = drawn(6, 900, strength=1.5)
    holdout_y, holdout_score = drawn(7, 600)
    found = generalisation_gap(train_y, train_score, holdout_y, holdout_score)
    train, holdout = roc_auc(train_y, train_score), roc_auc(holdout_y, holdout_score)
    gap = value_of(train) - value_of(holdout)
    assert found.value == pytest.approx(gap)
    half = 1.959964 * np.hypot(fact_of(train, "standard_error"), fact_of(holdout, "standard_error"))
    assert (found.low, found.high) == pytest.approx((gap - half, gap + half), abs=0.003)
    assert found.n == 600
    assert found.facts["train"] == train.value


def test_the_gap_is_undefined_when_either_side_is_and_says_which() -> None:
    found = generalisation_gap([0, 1], [0.1, 0.2], [1, 1], [0.1, 0.2])
    assert found.value is None
    assert found.reason == "holdout: all 2 outcomes are of one class"


@settings(max_examples=50)
@given(hnp.arrays(np.float64, st.integers(0, 12), elements=st.floats(allow_nan=True, allow_infinity=True)), st.data())
def test_nothing_that_is_a_column_ever_raises(score: NDArray[np.float64], data: st.DataObject) -> None:
    y = data.draw(hnp.arrays(np.float64, score.size, elements=st.sampled_from([0.0, 1.0, np.nan, 2.0])))
    found = roc_auc(y, score)
    assert found.value is None or 0 <= found.value <= 1
    assert (found.value is None) == bool(found.reason)
