"""Losses and their changes against scikit-learn, by hand, and by simulation."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from sklearn import metrics as sklearn

from ml_platform.stats.bias_share import bias_share
from ml_platform.stats.bootstrap import bootstrap
from ml_platform.stats.coverage import coverage
from ml_platform.stats.group_bias_gap import group_bias_gap
from ml_platform.stats.group_loss_gap import group_loss_gap
from ml_platform.stats.loss_change import loss_change
from ml_platform.stats.median_absolute_error import median_absolute_error
from ml_platform.stats.pinball_loss import pinball_loss
from ml_platform_tests.stats.reading import bounds_of, covers, fact_of, width_of

if TYPE_CHECKING:
    from ml_platform.stats.columns import Floats


def drawn(seed: int, n: int = 200) -> tuple[Floats, Floats]:
    rng = np.random.default_rng(seed)
    true = rng.normal(10, 3, size=n)
    return true, true + rng.normal(0.5, 1, size=n)


@pytest.mark.parametrize("seed", range(20))
def test_values_equal_scikit_learn(seed: int) -> None:
    true, predicted = drawn(seed, 2 + seed * 3)
    assert median_absolute_error(true, predicted).value == pytest.approx(sklearn.median_absolute_error(true, predicted))
    expected = sklearn.mean_pinball_loss(true, predicted, alpha=0.8)
    assert pinball_loss(true, predicted, quantile=0.8).value == pytest.approx(expected)


def test_changes_and_shares_by_hand() -> None:
    assert loss_change([1.0, 2.0], [2.0, 4.0]).value == pytest.approx(-0.5)
    assert bias_share([1.0, 2.0, 6.0], [2.0, 2.0, 4.0]).value == pytest.approx(-1 / 3)  # errors 1, 0, -2
    assert coverage([1.0, 2.0, 3.0], [1.0, 1.0, 5.0]).value == pytest.approx(2 / 3)


def test_intervals_cover_as_often_as_they_say() -> None:
    hits, normal = np.zeros(3), 0.6744897501960817
    for seed in range(300):
        rng = np.random.default_rng(seed)
        errors = rng.normal(size=150)
        before = np.abs(errors) + rng.exponential(0.2, size=150)
        nothing = np.zeros(150)
        hits += [
            covers(median_absolute_error(nothing, errors), normal),
            covers(loss_change(np.abs(errors), before), -0.2 / (np.sqrt(2 / np.pi) + 0.2)),
            covers(bias_share(nothing, errors), 0.0),
        ]
    assert (hits / 300 >= 0.91).all()
    assert (hits / 300 <= 0.985).all()


def test_the_paired_interval_of_a_change_agrees_with_the_bootstrap() -> None:
    true, predicted = drawn(1, 500)
    losses, before = np.abs(true - predicted), np.abs(true - predicted) + np.random.default_rng(2).exponential(0.3, 500)
    again = bootstrap(lambda a, b: float(a.mean() / b.mean() - 1), losses, before, seed=1, repetitions=500)
    assert bounds_of(loss_change(losses, before)) == pytest.approx(bounds_of(again), abs=0.01)


def test_repeated_rows_of_an_entity_add_no_certainty() -> None:
    true, predicted = drawn(2)
    entity = np.repeat(np.arange(200), 4)
    for statistic in (bias_share, median_absolute_error, loss_change):
        once = statistic(true, predicted)
        again = statistic(np.repeat(true, 4), np.repeat(predicted, 4), entity=entity)
        assert again.value == pytest.approx(once.value)
        assert width_of(again) == pytest.approx(width_of(once), rel=0.05)


def test_predictions_without_an_error_have_no_bias() -> None:
    found = bias_share([1.0, 2.0], [1.0, 2.0])
    assert found.value == 0
    assert found.facts == {"errors": 0}


def test_one_entity_has_a_value_but_no_interval() -> None:
    for statistic in (bias_share, median_absolute_error, loss_change):
        found = statistic([1.0, 2.0], [1.5, 2.5], entity=["a", "a"])
        assert found.value is not None
        assert found.low is None


def test_without_loss_before_nothing_changed() -> None:
    assert loss_change([1.0, 2.0], [0.0, 0.0]).reason == "there was no loss before that could change"


@pytest.mark.parametrize("quantile", [0.0, 1.0, 1.5])
def test_a_quantile_outside_its_range_raises(quantile: float) -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        pinball_loss([1.0], [1.0], quantile=quantile)


def test_the_group_with_the_least_loss_is_the_yardstick() -> None:
    rng = np.random.default_rng(3)
    losses = np.concatenate([rng.uniform(0, 1, 200), rng.uniform(1, 2, 200)])
    (found,) = group_loss_gap(losses, ["a"] * 200 + ["b"] * 200, attribute="sex")
    assert found.subject == "sex=b vs sex=a"
    assert found.value == pytest.approx(1.0, abs=0.1)
    assert fact_of(found, "signed") > 0
    assert fact_of(found, "group") > fact_of(found, "reference") > 0
    (perfect,) = group_loss_gap([0.0, 0.0], ["a", "b"])
    assert perfect.reason == "no prediction has any loss"


def test_groups_whose_predictions_lean_apart_are_told_in_units_of_the_mean_error() -> None:
    (found,) = group_bias_gap([0.0] * 8, [1.0] * 4 + [-1.0] * 4, ["a"] * 4 + ["b"] * 4, attribute="sex")
    assert (found.subject, found.value) == ("sex=b vs sex=a", 2.0)
    (perfect,) = group_bias_gap([1.0, 2.0], [1.0, 2.0], ["a", "b"])
    assert perfect.reason == "no prediction has any error"
