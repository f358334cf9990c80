"""The loss inside a slice against that of all other rows: against scipy, by hand, by simulation."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from ml_platform.stats.loss_excess import loss_excess
from ml_platform_tests.stats.reading import bounds_of, covers, fact_of, width_of


def drawn(seed: int, n: int = 240) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    inside = np.arange(n) % 4 == 0
    return rng.exponential(size=n) * np.where(inside, 1.5, 1.0), inside * 1.0


@pytest.mark.parametrize("seed", range(10))
def test_difference_and_standard_error_are_those_of_two_independent_means(seed: int) -> None:
    losses, inside = drawn(seed)
    a, b = losses[inside == 1], losses[inside == 0]
    found = loss_excess(losses, inside)
    assert found.value == pytest.approx(a.mean() / b.mean() - 1)
    assert fact_of(found, "difference") == pytest.approx(a.mean() - b.mean())
    error = np.sqrt(a.var() / a.size + b.var() / b.size) * np.sqrt(losses.size / (losses.size - 1))
    expected = stats.t.sf((a.mean() - b.mean()) / error, min(a.size, b.size) - 1)
    assert fact_of(found, "p_value") == pytest.approx(expected)
    welch = stats.ttest_ind(a, b, equal_var=False, alternative="greater").pvalue
    assert fact_of(found, "p_value") == pytest.approx(welch, rel=0.35)


def test_the_interval_covers_as_often_as_it_says() -> None:
    hits = sum(covers(loss_excess(*drawn(seed)), 0.5) for seed in range(500))
    assert 0.92 <= hits / 500 <= 0.98


def test_rows_that_are_repeated_tell_nothing_new_when_their_entity_is_known() -> None:
    losses, inside = drawn(1)
    once = loss_excess(losses, inside)
    five, entity = np.repeat(losses, 5), np.repeat(np.arange(losses.size), 5)
    known = loss_excess(five, np.repeat(inside, 5), entity=entity)
    assert known.value == pytest.approx(once.value)
    assert width_of(known) == pytest.approx(width_of(once))
    assert width_of(loss_excess(five, np.repeat(inside, 5))) < 0.5 * width_of(once)


def test_an_entity_on_both_sides_is_one_unit() -> None:
    losses, inside = drawn(2)
    together = loss_excess(losses, inside, entity=np.arange(losses.size) // 4)
    assert together.n == 60
    assert bounds_of(together)[0] < (together.value or 0.0) < bounds_of(together)[1]


@pytest.mark.parametrize(
    ("losses", "inside", "reason"),
    [
        ([1.0, 2.0], [1, 1], "no rows outside"),
        ([1.0, 2.0], [0, 0], "no rows inside"),
        ([1.0, 0.0], [1, 0], "no loss outside"),
        ([np.inf, 0.0], [1, 0], "not finite"),
        ([1.0, 0.5], [2, 0], "neither 0 nor 1"),
    ],
)
def test_what_cant_be_compared_is_undefined(losses: list[float], inside: list[int], reason: str) -> None:
    found = loss_excess(losses, inside)
    assert found.value is None
    assert reason in found.reason


def test_one_row_inside_has_a_value_and_no_interval() -> None:
    found = loss_excess([4.0, 2.0, 2.0], [1, 0, 0])
    assert (found.value, found.low, found.high, found.facts["p_value"]) == (1.0, None, None, None)


def test_losses_that_never_vary_prove_nothing() -> None:
    found = loss_excess([4.0, 4.0, 2.0, 2.0], [1, 1, 0, 0])
    assert (found.value, found.facts["p_value"]) == (1.0, None)


def test_no_loss_inside_is_as_small_as_can_be() -> None:
    found = loss_excess([0.0, 0.0, 2.0, 4.0], [1, 1, 0, 0])
    assert (found.value, found.low) == (-1.0, -1.0)
    assert found.high == -1.0  # nothing varied inside
