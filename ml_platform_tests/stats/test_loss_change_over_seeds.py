"""The interval over seeds: that of the rows when seeds agree, that of the seeds when rows do, both between."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from ml_platform.stats.loss_change import loss_change
from ml_platform.stats.loss_change_over_seeds import loss_change_over_seeds
from ml_platform_tests.stats.reading import bounds_of, value_of

RNG = np.random.default_rng(3)
BEFORE = RNG.gamma(2.0, size=400)
LOSSES = 0.9 * BEFORE + 0.1 * RNG.gamma(2.0, size=400)


def test_seeds_that_agree_leave_the_interval_of_the_rows() -> None:
    found = loss_change_over_seeds(LOSSES, BEFORE, of_seeds=[1.8, 1.8, 1.8])
    assert bounds_of(found) == pytest.approx(bounds_of(loss_change(LOSSES, BEFORE)))


def test_rows_that_agree_leave_the_interval_of_the_seeds() -> None:
    ones, seeds = np.ones(400), [0.99, 1.03, 1.01, 0.98]
    found = loss_change_over_seeds(0.9 * ones, ones, of_seeds=seeds)
    assert bounds_of(found) == pytest.approx(stats.t.interval(0.95, 3, loc=-0.1, scale=np.std(seeds, ddof=1)))
    assert found.facts["seed_standard_deviation"] == pytest.approx(np.std(seeds, ddof=1))


def test_without_any_variation_there_is_no_width() -> None:
    assert bounds_of(loss_change_over_seeds(np.ones(9), np.ones(9), of_seeds=[1.0, 1.0])) == (0.0, 0.0)


@given(st.lists(st.floats(1.5, 2.5), min_size=2, max_size=6))
@settings(max_examples=30, deadline=None)
def test_seeds_only_widen(seeds: list[float]) -> None:
    found, rows = loss_change_over_seeds(LOSSES, BEFORE, of_seeds=seeds), loss_change(LOSSES, BEFORE)
    assert value_of(found) == value_of(rows)
    low, high = bounds_of(found)
    assert low <= bounds_of(rows)[0] + 1e-12
    assert high >= bounds_of(rows)[1] - 1e-12


def test_it_holds_the_gain_of_another_draw_as_often_as_it_says() -> None:
    """Draw models whose seeds move their loss, and see whether the interval holds the learner's mean change of 0."""
    rng, held = np.random.default_rng(5), 0
    for _ in range(400):
        before = rng.gamma(2.0, size=150)
        seeds = rng.normal(scale=0.05, size=4)
        losses = before * (1 + seeds[0]) + rng.normal(scale=0.3, size=150)
        low, high = bounds_of(loss_change_over_seeds(losses, before, of_seeds=list(before.mean() * (1 + seeds))))
        held += low <= 0 <= high
    assert 0.92 <= held / 400 <= 0.99


def test_one_training_shows_no_luck() -> None:
    with pytest.raises(ValueError, match="1 trainings; two or more are needed"):
        loss_change_over_seeds([1.0], [1.0], of_seeds=[1.0])


def test_entities_count_as_rows() -> None:
    entity = np.repeat(np.arange(80), 5)
    found = loss_change_over_seeds(LOSSES, BEFORE, of_seeds=[1.8, 1.8], entity=entity)
    assert bounds_of(found) == pytest.approx(bounds_of(loss_change(LOSSES, BEFORE, entity=entity)))
