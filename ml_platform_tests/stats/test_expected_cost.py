"""What decisions cost, and what they save against deciding every row alike."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from ml_platform.stats.expected_cost import cost_table, expected_cost
from ml_platform.stats.expected_cost_gain import expected_cost_gain
from ml_platform_tests.stats.reading import bounds_of, covers, value_of, width_of

COSTS = [[0, 1], [5, 0]]


def test_the_gain_is_against_the_cheaper_of_both_constants() -> None:
    y, made = [0, 0, 0, 1], [0, 0, 1, 1]  # always 0 costs 5 / 4, always 1 costs 3 / 4
    found = expected_cost_gain(y, made, costs=COSTS)
    assert (found.value, found.facts["constant"], found.facts["constant_cost"]) == (0.5, 1, 0.75)


def test_decisions_that_are_the_constant_show_no_gain_and_have_no_interval() -> None:
    found = expected_cost_gain([0, 0, 1], [1, 1, 1], costs=COSTS)
    assert (found.value, found.low, found.high) == (0.0, None, None)


@pytest.mark.parametrize("statistic", [expected_cost, expected_cost_gain])
def test_a_class_without_costs_is_undefined(statistic: object) -> None:
    found = statistic([0, 2], [0, 1], costs=COSTS)  # type: ignore[operator]
    assert found.reason == "1 of 2 rows are of a class without costs"


@pytest.mark.parametrize("costs", [[1, 2], [[1, 2]], [[1]], [[0, np.inf], [1, 0]]])
def test_costs_that_are_no_table_are_refused(costs: list[float]) -> None:
    with pytest.raises(ValueError, match="a finite cost per outcome"):
        cost_table(costs)


@pytest.mark.parametrize("statistic", [expected_cost, expected_cost_gain])
def test_intervals_hold_as_often_as_they_say_also_of_entities(statistic: object) -> None:
    def draw(rng: np.random.Generator, rows: int) -> tuple[np.ndarray, np.ndarray]:
        y = (rng.random(rows) < 0.2).astype(np.float64)
        return y, (rng.normal(size=rows) + y > 0.3).astype(np.float64)

    truth = value_of(statistic(*draw(np.random.default_rng(0), 1_000_000), costs=COSTS))  # type: ignore[operator]
    rng, held = np.random.default_rng(1), 0
    for _ in range(300):
        y, made = draw(rng, 120)
        entity = np.repeat(np.arange(120), 2)
        held += covers(statistic(y[entity], made[entity], costs=COSTS, entity=entity), truth)  # type: ignore[operator]
    assert stats.binomtest(held, 300, 0.95).pvalue > 0.001


def test_repeated_rows_of_an_entity_add_no_certainty() -> None:
    y, made = np.tile([0, 1, 1, 0, 1], 12), np.tile([0, 1, 0, 0], 15)
    alone = expected_cost(y, made, costs=COSTS)
    copied = expected_cost(np.repeat(y, 3), np.repeat(made, 3), costs=COSTS, entity=np.repeat(np.arange(60), 3))
    assert width_of(copied) == pytest.approx(width_of(alone))
    assert bounds_of(alone)[0] < value_of(alone) < bounds_of(alone)[1]
