"""Statistics of several classes against scikit-learn, by hand, and by simulation; and the contract that they keep."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import pytest
from sklearn import metrics as sklearn

from ml_platform.stats.bootstrap import bootstrap
from ml_platform.stats.bounded_interval import bounded_interval
from ml_platform.stats.brier import brier
from ml_platform.stats.class_accuracy import class_accuracy
from ml_platform.stats.macro_f1 import macro_f1
from ml_platform.stats.macro_precision import macro_precision
from ml_platform.stats.macro_recall import macro_recall
from ml_platform.stats.macro_roc_auc import macro_roc_auc
from ml_platform.stats.multiclass_brier import multiclass_brier
from ml_platform.stats.multiclass_log_loss import multiclass_log_loss
from ml_platform.stats.top_label_calibration_error import top_label_calibration_error
from ml_platform_tests.stats.reading import Statistic, bounds_of, covers, value_of, width_of

if TYPE_CHECKING:
    from ml_platform.stats.columns import Codes, Floats

OF_DECISIONS: dict[Statistic, Callable[..., float]] = {
    class_accuracy: sklearn.accuracy_score,
    macro_recall: sklearn.balanced_accuracy_score,
    macro_precision: lambda true, decided: sklearn.precision_score(true, decided, average="macro"),
    macro_f1: lambda true, decided: sklearn.f1_score(true, decided, average="macro"),
}
OF_PROBABILITIES: list[Statistic] = [
    macro_roc_auc,
    multiclass_brier,
    multiclass_log_loss,
    top_label_calibration_error,
]


def drawn(seed: int, n: int = 200) -> tuple[Codes, Floats]:
    """Return classes that come true exactly as often as their probabilities say."""
    rng = np.random.default_rng(seed)
    score = rng.dirichlet([1.0, 2.0, 3.0], size=n)
    true = (score.cumsum(axis=1) > rng.random((n, 1))).argmax(axis=1)
    true[:3] = [0, 1, 2]
    return true, score


@pytest.mark.parametrize("statistic", OF_DECISIONS)
@pytest.mark.parametrize("seed", range(10))
def test_values_of_decisions_equal_scikit_learn(statistic: Statistic, seed: int) -> None:
    true, score = drawn(seed)
    decided = score.argmax(axis=1)
    assert statistic(true, decided).value == pytest.approx(OF_DECISIONS[statistic](true, decided))


@pytest.mark.parametrize("seed", range(10))
def test_values_of_probabilities_equal_scikit_learn(seed: int) -> None:
    true, score = drawn(seed)
    area = sklearn.roc_auc_score(true, score, multi_class="ovr", average="macro")
    assert macro_roc_auc(true, score).value == pytest.approx(area)
    assert multiclass_log_loss(true, score).value == pytest.approx(sklearn.log_loss(true, score))
    squares = sklearn.brier_score_loss(true, score, scale_by_half=False)
    assert multiclass_brier(true, score).value == pytest.approx(squares)


def test_with_two_classes_the_brier_score_is_twice_that_of_one() -> None:
    rng = np.random.default_rng(1)
    score = rng.random(50)
    true = (rng.random(50) < score).astype(float)
    both = np.column_stack([1 - score, score])
    assert multiclass_brier(true, both).value == pytest.approx(2 * value_of(brier(true, score)))


@pytest.mark.parametrize("statistic", [macro_recall, macro_precision, macro_f1])
def test_the_interval_of_a_macro_average_agrees_with_the_bootstrap(statistic: Statistic) -> None:
    true, score = drawn(4, 800)
    decided = score.argmax(axis=1)
    again = bootstrap(OF_DECISIONS[statistic], true, decided, seed=1, repetitions=150)
    assert bounds_of(statistic(true, decided)) == pytest.approx(bounds_of(again), abs=0.02)


def test_the_interval_of_the_macro_auc_covers_as_often_as_it_says() -> None:
    truth = value_of(macro_roc_auc(*drawn(99, 100_000)))
    covered = np.mean([covers(macro_roc_auc(*drawn(seed, 200)), truth) for seed in range(200)])
    assert 0.9 <= covered <= 0.99


@pytest.mark.parametrize("statistic", OF_DECISIONS)
def test_all_right_is_one_with_the_doubt_of_the_rarest_class(statistic: Statistic) -> None:
    found = statistic([0, 0, 0, 1, 1], [0, 0, 0, 1, 1])
    assert found.value == 1
    low, high = bounds_of(found)
    assert low < 0.6
    assert high == 1


def test_a_class_that_never_came_true_has_no_recall_and_one_never_decided_no_precision() -> None:
    assert macro_recall([0, 1], [0, 2]).reason == "class 2: it was decided and never came true"
    assert macro_precision([0, 1], [0, 0]).reason == "class 1: it came true and was never decided"
    assert macro_f1([0, 1], [0, 0]).value == pytest.approx(1 / 3)


def test_values_that_are_no_class_numbers_are_said() -> None:
    assert class_accuracy([0.5, 1.0], [0, 1]).reason == "1 of 2 values of y_true are no class numbers"
    assert class_accuracy([0, 1], [-1, 1]).reason == "1 of 2 values of decisions are no class numbers"


def test_without_a_variance_there_is_no_interval() -> None:
    assert bounded_interval(0.5, None, fewest=3) == (None, None)


@pytest.mark.parametrize("statistic", OF_PROBABILITIES)
def test_good_rows_give_a_value_within_its_interval(statistic: Statistic) -> None:
    found = statistic(*drawn(1), subject="all")
    assert found.metric == statistic.__name__
    assert found.subject == "all"
    assert found.n == 200
    assert covers(found, value_of(found))


@pytest.mark.parametrize("statistic", OF_PROBABILITIES)
def test_repeated_rows_of_an_entity_add_no_certainty(statistic: Statistic) -> None:
    true, score = drawn(2)
    entity = np.repeat(np.arange(200), 3)
    again = statistic(np.repeat(true, 3), np.repeat(score, 3, axis=0), entity=entity)
    assert width_of(again) == pytest.approx(width_of(statistic(true, score)), rel=0.1)


@pytest.mark.parametrize("statistic", OF_PROBABILITIES)
def test_flawed_rows_are_undefined_with_the_reason(statistic: Statistic) -> None:
    true, score = drawn(3)
    spoiled = score.copy()
    spoiled[5, 0] = np.nan
    for y, given, reason in (
        (true[:0], score[:0], "y_true has no rows"),
        (true, spoiled, "1 of 200 rows hold no probabilities that add up to 1"),
        (true, score * 2, "200 of 200 rows hold no probabilities that add up to 1"),
        (true + 1, score, f"{int((true == 2).sum())} of 200 outcomes are of a class without a probability"),
        (np.where(np.arange(200) == 7, np.nan, true), score, "1 of 200 values of y_true are not finite"),
    ):
        found = statistic(y, given)
        assert found.value is None
        assert found.reason == reason


@pytest.mark.parametrize("statistic", OF_PROBABILITIES)
@pytest.mark.parametrize("shape", [(3,), (2, 3), (3, 1)])
def test_another_shape_raises(statistic: Statistic, shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="y_score: has the shape"):
        statistic([0, 1, 0], np.full(shape, 0.5))


def test_a_class_that_never_came_true_has_no_area() -> None:
    found = macro_roc_auc([0, 1, 0], np.full((3, 3), 1 / 3))
    assert found.reason == "class 2 came true in 0 of 3 rows"


def test_a_certain_miss_is_counted_and_finite() -> None:
    found = multiclass_log_loss([0, 1], [[0.0, 1.0], [0.0, 1.0]])
    assert found.value == pytest.approx(18.02, abs=0.01)
    assert found.facts["clipped"] == 1
