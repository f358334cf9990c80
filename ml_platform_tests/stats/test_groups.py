"""Group comparisons against fairlearn, by hand, and where they must not be fooled."""

from __future__ import annotations

from typing import TYPE_CHECKING

import fairlearn.metrics as fairlearn
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from ml_platform.stats.difference_interval import difference_interval
from ml_platform.stats.false_positive_rate_difference import false_positive_rate_difference
from ml_platform.stats.group_auc_gap import group_auc_gap
from ml_platform.stats.ratio_interval import ratio_interval
from ml_platform.stats.selection_rate_difference import selection_rate_difference
from ml_platform.stats.selection_rate_ratio import selection_rate_ratio
from ml_platform.stats.true_positive_rate_difference import true_positive_rate_difference
from ml_platform_tests.stats.reading import GroupStatistic, bounds_of, covers, fact_of, value_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ml_platform.core.measurement import Measurement
    from ml_platform.stats.columns import Flags

SEEDS = st.integers(0, 10_000)


def drawn(seed: int, n: int = 600) -> tuple[Flags, Flags, NDArray[np.object_]]:
    """Return outcomes, decisions and three large groups of different rates."""
    rng = np.random.default_rng(seed)
    group = np.array(["a", "b", "c"], dtype=object)[np.arange(n) % 3]
    y = rng.random(n) < 0.4
    decision = rng.random(n) < 0.2 + 0.2 * (group == "b") + 0.4 * (group == "c") + 0.1 * y
    return y, decision, group


def worst(found: tuple[Measurement, ...]) -> float:
    return max(value_of(one) for one in found)


@settings(max_examples=15)  # fairlearn is slow
@given(SEEDS)
def test_the_smallest_ratio_equals_fairlearns(seed: int) -> None:
    y, decision, group = drawn(seed)
    found = selection_rate_ratio(decision, group)
    assert len(found) == 2
    assert min(value_of(one) for one in found) == pytest.approx(
        fairlearn.demographic_parity_ratio(y, decision, sensitive_features=group)
    )


@settings(max_examples=15)  # fairlearn is slow
@given(SEEDS)
def test_the_largest_differences_equal_fairlearns(seed: int) -> None:
    y, decision, group = drawn(seed)
    options = {"sensitive_features": group}
    assert worst(selection_rate_difference(decision, group)) == pytest.approx(
        fairlearn.demographic_parity_difference(y, decision, **options)
    )
    assert worst(true_positive_rate_difference(y, decision, group)) == pytest.approx(
        fairlearn.true_positive_rate_difference(y, decision, **options)
    )
    assert worst(false_positive_rate_difference(y, decision, group)) == pytest.approx(
        fairlearn.false_positive_rate_difference(y, decision, **options)
    )


def test_ratio_and_difference_by_hand_with_their_intervals() -> None:
    group = np.repeat([1, 0], [100, 120])
    decision = np.r_[np.repeat([1, 0], [30, 70]), np.repeat([1, 0], [60, 60])]
    (ratio,) = selection_rate_ratio(decision, group, attribute="black")
    (apart,) = selection_rate_difference(decision, group, attribute="black")
    assert (ratio.value, ratio.subject, ratio.n) == (0.6, "black=1 vs black=0", 100)
    katz = ratio_interval(30, 100, 60, 120)
    assert (ratio.low, ratio.high) == pytest.approx((katz.low, katz.high))
    assert (apart.value, apart.facts["signed"]) == pytest.approx((0.2, -0.2))
    newcombe = difference_interval(60, 120, 30, 100)
    assert (apart.low, apart.high) == pytest.approx((newcombe.low, newcombe.high))
    assert (apart.facts["group_n"], apart.facts["reference_n"]) == (100, 120)


def test_a_handful_of_lucky_rows_is_not_the_reference() -> None:
    group = np.repeat(["large", "small", "tiny"], [1000, 400, 3])
    decision = np.r_[np.repeat([1, 0], [500, 500]), np.repeat([1, 0], [100, 300]), [1, 1, 1]]
    subjects = [one.subject for one in selection_rate_ratio(decision, group)]
    assert subjects == ["small vs large", "tiny vs large"]
    tiny = selection_rate_ratio(decision, group)[1]
    assert tiny.value == 0.5
    assert tiny.facts["ratio"] == 2.0
    assert tiny.n == 3


@pytest.mark.parametrize("reference", ["a", "site=a"])
def test_the_reference_can_be_named(reference: str) -> None:
    _, decision, group = drawn(1)
    found = selection_rate_ratio(decision, group, attribute="site", reference=reference)
    assert [one.subject for one in found] == ["site=b vs site=a", "site=c vs site=a"]
    assert all(0 < value_of(one) <= 1 for one in found)


def test_a_reference_that_doesnt_occur_is_undefined() -> None:
    _, decision, group = drawn(1)
    (found,) = selection_rate_ratio(decision, group, attribute="site", reference="z")
    assert (found.value, found.reason, found.subject) == (None, "there is no group 'z'", "site")


def test_one_group_is_no_comparison() -> None:
    (found,) = selection_rate_difference([1, 0, 1], ["a", "a", "a"], attribute="site")
    assert (found.value, found.n, found.reason) == (None, 3, "there is only one group")


def test_missing_is_a_group_and_no_row_is_left_out() -> None:
    (found,) = selection_rate_difference([1, 0, 1, 1], [1.0, np.nan, 1.0, np.nan], attribute="black")
    assert found.subject == "black=missing vs black=1"
    assert fact_of(found, "group_n") + fact_of(found, "reference_n") == 4


def test_nobody_selected_anywhere_is_no_equality() -> None:
    (found,) = selection_rate_ratio(np.zeros(10), np.repeat(["a", "b"], 5))
    assert (found.value, found.reason) == (None, "no row is selected in either group")


def test_nobody_selected_in_one_group_is_the_ratio_0() -> None:
    (found,) = selection_rate_ratio(np.repeat([0, 1], 50), np.repeat(["a", "b"], 50))
    assert (found.value, found.low) == (0.0, 0.0)
    assert 0 < bounds_of(found)[1] < 0.2


def test_a_group_without_positive_rows_is_undefined_and_stays() -> None:
    y = np.array([1, 1, 0, 0, 1, 1])
    found = true_positive_rate_difference(y, [1, 0, 1, 0, 1, 1], list("aabbcc"), attribute="site")
    by_subject = {one.subject: one for one in found}
    lost = by_subject["site=b vs site=c"]
    assert (lost.value, lost.n) == (None, 0)
    assert lost.reason == "site=b: the group has no such row"
    assert by_subject["site=a vs site=c"].value == 0.5


def test_no_group_with_positive_rows_is_undefined() -> None:
    (found,) = true_positive_rate_difference([0, 0], [1, 0], ["a", "b"])
    assert (found.value, found.reason) == (None, "no group could be measured")


def test_a_named_reference_without_positive_rows_makes_the_others_undefined() -> None:
    (found,) = true_positive_rate_difference([1, 0], [1, 0], ["a", "b"], reference="b")
    assert (found.value, found.reason) == (None, "b: the group has no such row")


@pytest.mark.parametrize("statistic", [selection_rate_ratio, selection_rate_difference])
def test_persons_with_many_rows_are_not_many_persons(statistic: GroupStatistic) -> None:
    _, decision, group = drawn(2, 300)
    person = np.repeat(np.arange(300), 4)
    alone = statistic(np.repeat(decision, 4), np.repeat(group, 4))
    together = statistic(np.repeat(decision, 4), np.repeat(group, 4), entity=person)
    for one, other in zip(alone, together, strict=True):
        assert other.value == pytest.approx(one.value)
        assert bounds_of(other)[1] - value_of(other) > 1.5 * (bounds_of(one)[1] - value_of(one))


@pytest.mark.parametrize("statistic", [selection_rate_ratio, selection_rate_difference])
def test_a_row_without_person_makes_the_comparison_undefined(statistic: GroupStatistic) -> None:
    (found,) = statistic([1, 0], ["a", "b"], entity=["x", None])
    assert (found.value, found.reason) == (None, "1 of 2 rows have no entity")


def test_the_ratio_interval_of_persons_covers_as_often_as_it_says() -> None:
    rng = np.random.default_rng(9)
    group = np.repeat(np.arange(240) % 2, 5)
    covered = 0
    for _ in range(300):
        mean = np.where(np.arange(240) % 2 == 1, 0.2, 0.4)
        risk = rng.beta(3 * mean, 3 * (1 - mean))
        decision = rng.random(1200) < np.repeat(risk, 5)
        (found,) = selection_rate_ratio(decision, group, entity=np.repeat(np.arange(240), 5))
        covered += covers(found, 0.5)
    assert 0.92 <= covered / 300 <= 0.985


@given(SEEDS)
def test_relabelling_the_groups_changes_no_number(seed: int) -> None:
    _, decision, group = drawn(seed, 120)
    renamed = np.array([{"a": "z", "b": "y", "c": "x"}[name] for name in group], dtype=object)
    before = sorted(value_of(one) for one in selection_rate_ratio(decision, group))
    after = sorted(value_of(one) for one in selection_rate_ratio(decision, renamed))
    assert before == pytest.approx(after)


def test_the_auc_gap_is_the_difference_of_the_groups_aucs() -> None:
    rng = np.random.default_rng(8)
    group = np.arange(900) % 2
    y = rng.random(900) < 0.4
    score = y * np.where(group == 1, 0.5, 2.0) + rng.normal(size=900)
    (found,) = group_auc_gap(y, score, group, attribute="female")
    aucs = [roc_auc_score(y[group == code], score[group == code]) for code in (0, 1)]
    assert found.value == pytest.approx(aucs[0] - aucs[1])
    assert found.facts["signed"] == pytest.approx(aucs[1] - aucs[0])
    assert found.subject == "female=1 vs female=0"
    assert covers(found, value_of(found))


def test_a_group_of_one_class_has_no_auc_but_is_named() -> None:
    found = group_auc_gap([0, 1, 0, 1, 1, 1], [0.1, 0.9, 0.2, 0.7, 0.5, 0.6], list("aabbcc"))
    by_subject = {one.subject: one for one in found}
    assert by_subject["c vs a"].reason == "c: all 2 outcomes are of one class"


def test_no_group_with_two_classes_is_undefined() -> None:
    (found,) = group_auc_gap([0, 0, 1, 1], [0.1, 0.2, 0.3, 0.4], list("aabb"), attribute="site")
    assert (found.value, found.reason, found.subject) == (None, "no group could be measured", "site")
