"""Intervals whose error has no textbook formula hold what they say, and agree with what redrawing the rows shows."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from ml_platform.core.measurement import Measurement
from ml_platform.stats.balanced_accuracy import balanced_accuracy
from ml_platform.stats.bootstrap import bootstrap
from ml_platform.stats.bounded_interval import bounded_interval
from ml_platform.stats.entities import Entities, entities
from ml_platform.stats.lift import lift
from ml_platform.stats.median_absolute_error import median_absolute_error
from ml_platform.stats.pinball_loss import pinball_loss
from ml_platform.stats.r_squared import r_squared
from ml_platform.stats.root_mean_squared_error import root_mean_squared_error
from ml_platform.stats.satterthwaite import freedom_of, satterthwaite
from ml_platform.stats.share import effective_size, share
from ml_platform_tests.stats.reading import bounds_of, covers, value_of, width_of

Floats = NDArray[np.float64]
Draw = Callable[[np.random.Generator], tuple[Floats, Floats]]


def outcomes(rng: np.random.Generator, rows: int) -> tuple[Floats, Floats]:
    """Return 0/1 and a score of it."""
    score = rng.normal(size=rows)
    return (rng.random(rows) < 1 / (1 + np.exp(0.5 - score))).astype(np.float64), score


def numbers(rng: np.random.Generator, rows: int) -> tuple[Floats, Floats]:
    """Return outcomes whose errors have a long tail, and predictions."""
    known = rng.normal(size=rows)
    return known + 0.5 * rng.standard_t(6, size=rows), known


def holds_as_often_as_it_says(
    statistic: Callable[..., Measurement], draw: Callable[..., tuple[Floats, Floats]], rows: int
) -> None:
    truth = value_of(statistic(*draw(np.random.default_rng(0), 1_000_000)))
    rng = np.random.default_rng(1)
    held = sum(covers(statistic(*draw(rng, rows)), truth) for _ in range(400))
    assert stats.binomtest(held, 400, 0.95).pvalue > 0.001


def test_the_interval_of_a_lift_holds_it_as_often_as_it_says() -> None:
    holds_as_often_as_it_says(lift, outcomes, 300)


@pytest.mark.parametrize("statistic", [root_mean_squared_error, r_squared, median_absolute_error])
def test_long_tails_are_held_as_often_as_said(statistic: Callable[..., Measurement]) -> None:
    holds_as_often_as_it_says(statistic, numbers, 200)


def test_losses_that_weigh_one_side_more_are_held_as_often_as_said() -> None:
    holds_as_often_as_it_says(lambda true, made: pinball_loss(true, made + 0.5, quantile=0.8), numbers, 100)


@pytest.mark.parametrize("together", [False, True])
def test_a_lift_is_as_unsure_as_redrawing_rows_and_cut_shows(*, together: bool) -> None:
    rng = np.random.default_rng(2)
    y, score = outcomes(rng, 400)
    entity = None
    if together:
        entity = np.repeat(np.arange(400), 3)
        y, score = y[entity], score[entity] + rng.normal(size=1200) / 1000
    found = lift(y, score, entity=entity)
    redrawn = bootstrap(lambda a, b: lift(a, b).value, y, score, seed=3, repetitions=400, entity=entity)
    assert width_of(found) == pytest.approx(width_of(redrawn), rel=0.15)


def test_rows_tied_at_the_cut_are_as_positive_as_their_tie() -> None:
    y, score = np.tile([1.0, 0.0, 0.0, 0.0], 50), np.repeat([1.0, 0.0], 100)  # half of the upper tie is taken
    found = lift(y, score, top=0.25)
    assert found.value == 1.0
    redrawn = bootstrap(lambda a, b: lift(a, b, top=0.25).value, y, score, seed=3, repetitions=400)
    assert width_of(found) == pytest.approx(width_of(redrawn), rel=0.2)


def test_a_lift_with_every_positive_row_on_top_is_as_unsure_as_its_positive_rows() -> None:
    y = np.append(np.zeros(95), np.ones(5))
    low, high = bounds_of(lift(y, y))
    assert (low, high) == pytest.approx((stats.binomtest(5, 5).proportion_ci(method="wilson").low * 10, 10.0))


def test_degrees_of_freedom_are_those_of_scipys_kurtosis_and_at_most_those_of_normal_values() -> None:
    tailed, flat = np.random.default_rng(4).standard_t(5, size=500), np.arange(100.0)
    expected = 2 * 500 / (stats.kurtosis(tailed, fisher=False) - 1)
    assert satterthwaite((tailed - tailed.mean()) / 500, Entities()) == pytest.approx(expected)
    assert satterthwaite((flat - flat.mean()) / 100, Entities()) == 99
    assert satterthwaite(np.zeros(10), Entities()) == 9
    assert freedom_of(tailed, Entities()) == np.inf
    assert freedom_of(flat - flat.mean(), entities(np.arange(100) // 50, flat)) == 1


def test_few_degrees_of_freedom_widen_a_bounded_interval() -> None:
    sure, doubted = (bounded_interval(0.6, 0.002, fewest=9, freedom=freedom) for freedom in (np.inf, 5.0))
    assert doubted[0] < sure[0] < sure[1] < doubted[1]  # type: ignore[operator]


def test_entities_of_different_size_count_by_the_jackknife() -> None:
    rng = np.random.default_rng(5)
    entity = np.repeat(np.arange(60), rng.integers(1, 9, size=60))
    hits = rng.random(entity.size) < rng.beta(1, 1, size=60)[entity]
    left_out = np.array([hits[entity != one].mean() for one in range(60)])
    variance = 59 / 60 * np.square(left_out - hits.mean()).sum()
    plain = hits.mean() * (1 - hits.mean()) / variance
    assert 0.9 * plain < effective_size(hits, entities(entity, hits), 0.95) < plain


def test_equal_rows_of_equally_many_count_as_one_row_less_than_entities() -> None:
    hits = np.random.default_rng(6).random(40) < 0.3
    found = share(np.repeat(hits, 5), entity=np.repeat(np.arange(40), 5))
    assert found.facts["effective_n"] == pytest.approx(39)


def test_classes_mixed_within_entities_are_weighed_together() -> None:
    rng = np.random.default_rng(7)
    entity = np.repeat(np.arange(80), 6)
    effect = rng.normal(size=80)[entity]
    y = (rng.random(480) < 0.5).astype(np.float64)
    decisions = (effect + y - 0.5 + 0.3 * rng.normal(size=480) > 0).astype(np.float64)
    found = balanced_accuracy(y, decisions, entity=entity)
    redrawn = bootstrap(
        lambda a, b: balanced_accuracy(a, b).value, y, decisions, seed=8, repetitions=400, entity=entity
    )
    assert width_of(found) == pytest.approx(width_of(redrawn), rel=0.15)


def test_predictions_without_an_error_have_a_value_and_no_interval() -> None:
    found = r_squared([1.0, 2.0, 4.0], [1.0, 2.0, 4.0])
    assert (found.value, found.low, found.high) == (1.0, None, None)


def test_two_rows_tell_next_to_nothing_of_an_explained_share() -> None:
    low, high = bounds_of(r_squared([1.0, 2.0], [1.1, 2.3], confidence=0.9999))
    assert low < -1e6
    assert 0.9 < high <= 1
