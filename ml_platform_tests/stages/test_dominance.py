from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from ml_platform.core.measurement import Measurement
from ml_platform.stages.dominance import measure_dominance
from ml_platform.stages.feature_pairs import MOST_FEATURES, measure_pairs
from ml_platform.stages.matrix import Matrix
from ml_platform_tests.stages.toy import toy_spec

Floats = NDArray[np.float64]


def matrix(target: NDArray[np.bool_], columns: Mapping[str, NDArray[Any]], *categorical: str) -> Matrix:
    return Matrix(
        values=np.column_stack(list(columns.values())).astype(np.float64),
        names=tuple(columns),
        categorical=categorical,
        target=target.astype(np.float64),
        part=np.full(target.size, "train"),
    )


def world(n: int = 1_500) -> tuple[np.random.Generator, NDArray[np.bool_], dict[str, Floats]]:
    """Return outcomes, three honest features, and a leak that knows much, though not all, of the outcome."""
    rng = np.random.default_rng(11)
    honest = {name: rng.normal(size=n) for name in ("age", "income", "visits")}
    risk = sum(honest.values()) + rng.normal(size=n) * 2.5
    target = risk > 2
    return rng, target, {**honest, "leak": risk + rng.normal(size=n)}


def most(found: tuple[Measurement, ...]) -> Measurement:
    return max(found, key=lambda each: -1.0 if each.low is None else each.low)


def test_a_leak_explains_what_nothing_else_does() -> None:
    _, target, columns = world()
    found = most(measure_dominance(toy_spec(), matrix(target, columns)))
    assert found.subject == "leak"
    assert (found.low or 0) > 0.4
    honest = {name: column for name, column in columns.items() if name != "leak"}
    assert (most(measure_dominance(toy_spec(), matrix(target, honest))).low or 0) < 0.1


def test_two_copies_of_a_leak_dont_hide_one_another() -> None:
    rng, target, columns = world()
    copy = columns["leak"] + rng.normal(size=target.size) * 0.1
    found = most(measure_dominance(toy_spec(), matrix(target, {**columns, "copy": copy})))
    assert found.subject in {"leak", "copy"}
    assert found.facts["taken_away_with"] in {"leak", "copy"}
    assert (found.low or 0) > 0.4


def test_a_leak_among_levels_is_found_and_a_lone_honest_feature_isnt_one() -> None:
    _, target, columns = world()
    levels = np.floor(np.clip(columns.pop("leak"), -4, 6))
    levels[::50] = np.nan
    found = most(
        measure_dominance(toy_spec(), matrix(target, {**columns, "levels": levels - np.nanmin(levels)}, "levels"))
    )
    assert found.subject == "levels"
    assert (found.low or 0) > 0.3
    assert (most(measure_dominance(toy_spec(), matrix(target, {"age": columns["age"]}))).low or 0) < 0.1


def test_infinities_constants_and_empty_features_are_borne() -> None:
    _, target, columns = world(400)
    columns |= {"age": np.where(columns["age"] > 2, np.inf, columns["age"]), "one": np.ones(400)}
    columns |= {"none": np.full(400, np.nan)}
    assert most(measure_dominance(toy_spec(), matrix(target, columns))).subject == "leak"
    constant = measure_dominance(toy_spec(), matrix(target, {"one": np.ones(400)}))
    assert (constant[0].value or 0) <= 0


@pytest.mark.parametrize(
    ("rows", "positive", "reason"),
    [(99, 40, "99 training rows; 100 are needed"), (200, 1, "one half of the training rows has one class only")],
)
def test_too_little_evidence_is_undefined(rows: int, positive: int, reason: str) -> None:
    target = np.arange(rows) < positive
    (found,) = measure_dominance(toy_spec(), matrix(target, {"x": np.arange(rows)}))
    assert found.value is None
    assert reason in found.reason


def test_planned_and_actual_time_hold_the_answer_together() -> None:
    rng = np.random.default_rng(5)
    planned = rng.integers(300, 1400, 800).astype(np.float64)
    late = rng.exponential(20, 800)
    found = measure_pairs(
        matrix(late > 30, {"planned": planned, "actual": planned + late, "weight": rng.normal(size=800)})
    )
    assert (found.value, found.subject) == (1, "planned - actual")


def test_a_ratio_is_compared_where_it_exists() -> None:
    rng = np.random.default_rng(6)
    limit, used = rng.gamma(2, 500, 800) + 1, rng.random(800)
    found = measure_pairs(matrix(used > 0.9, {"limit": limit, "spent": limit * used}))
    assert found.subject == "limit / spent"
    assert found.value == 1
    holes = np.where(np.arange(800) % 4 == 0, np.nan, limit * used)
    assert measure_pairs(matrix(used > 0.9, {"limit": limit, "spent": holes})).value == 0.5


def test_without_a_pair_nothing_beats_guessing_and_left_out_features_are_counted() -> None:
    rng = np.random.default_rng(7)
    target = rng.random(60) < 0.4
    alone = measure_pairs(matrix(target, {"level": rng.integers(0, 5, 60), "x": rng.normal(size=60)}, "level"))
    assert (alone.value, alone.subject) == (0.5, "no pair")
    many = {f"x{number}": rng.normal(size=60) for number in range(MOST_FEATURES + 2)}
    assert measure_pairs(matrix(target, many)).facts["features_left_out"] == 2
