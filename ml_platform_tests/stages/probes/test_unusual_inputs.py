"""Unusual inputs: rows from other worlds are noticed, clean ones aren't, and what can't be seen isn't claimed."""

from __future__ import annotations

import dataclasses
from typing import Any, cast

import numpy as np
import pytest

from ml_platform.core.measurement import Measurement
from ml_platform.stages.matrix import Matrix
from ml_platform.stages.probes.subject import Subject
from ml_platform.stages.probes.unusual import learn_unusual
from ml_platform.stages.probes.unusual_inputs import measure_unusual_inputs, other_worlds
from ml_platform.stages.scored_part import ScoredPart
from ml_platform_tests.stages.toy import toy_spec

NOTHING = cast("Any", None)


def matrix_of(n: int = 4000, *, seed: int = 1, categorical: bool = True, entity: bool = False) -> Matrix:
    """Return rows whose numbers depend on one another, in parts of half, an eighth, an eighth and a quarter."""
    rng = np.random.default_rng(seed)
    size = rng.lognormal(size=n)
    weight, price = size * rng.lognormal(0, 0.1, n), 20 * size * rng.lognormal(0, 0.1, n)
    kind = np.digitize(size, [0.5, 1.5]).astype(np.float64)
    columns = [size, weight, price, *([kind] if categorical else [])]
    part = np.repeat(
        ["train", "validation", "calibration", "holdout"], [n // 2, n // 8, n // 8, n - n // 2 - 2 * (n // 8)]
    )
    return Matrix(
        values=np.column_stack(columns),
        names=("size", "weight", "price", "kind")[: len(columns)],
        categorical=("kind",) if categorical else (),
        target=np.zeros(n),
        part=part,
        entity=rng.integers(0, n // 3, n).astype(np.uint64) if entity else None,
    )


def subject_of(matrix: Matrix) -> Subject:
    held = matrix.part_of("holdout")
    holdout = ScoredPart(matrix=held, score=np.zeros(held.target.size), threshold=0.5, scorer=NOTHING, threads=1)
    return Subject(
        spec=toy_spec(), store=NOTHING, features=NOTHING, model=NOTHING, matrix=matrix, holdout=holdout, levels={}
    )  # fmt: skip


def measured(matrix: Matrix) -> dict[tuple[str, str], Measurement]:
    return {(one.metric, one.subject): one for one in measure_unusual_inputs(subject_of(matrix))}


@pytest.fixture(scope="module")
def found() -> dict[tuple[str, str], Measurement]:
    return measured(matrix_of())


def test_clean_rows_seldom_raise_an_alarm(found: dict[tuple[str, str], Measurement]) -> None:
    alarms = found["ood_false_alarm_share", ""]
    assert alarms.value is not None
    assert alarms.low is not None
    assert alarms.low <= 0.01 <= alarms.value + 0.02
    assert alarms.n == 1000
    assert alarms.facts["expected"] == 0.01


def test_rows_of_other_worlds_are_noticed(found: dict[tuple[str, str], Measurement]) -> None:
    least = {
        "two numbers swapped": 0.6,
        "a number 1.6 times as large": 0.3,
        "a number 10 times as large": 0.8,
        "each value from another row": 0.7,
        "nothing known": 1.0,
        "a level never seen": 0.99,
    }
    assert {subject for metric, subject in found if metric == "ood_detection_rate"} == set(least)
    for world, rate in least.items():
        one = found["ood_detection_rate", world]
        assert one.value is not None
        assert one.value >= rate, world
        assert one.low is not None
    assert found["ood_detected_share", ""].facts["worlds"] == 6


def test_all_worlds_together_have_an_interval_over_rows_or_entities() -> None:
    for entity in (False, True):
        total = measured(matrix_of(entity=entity))["ood_detected_share", ""]
        assert total.n == 6000
        assert cast("float", total.facts["effective_n"]) <= total.n
        assert total.low is not None


def test_without_categories_there_is_no_world_of_unseen_levels() -> None:
    worlds = [name for name, _ in other_worlds(matrix_of(100, categorical=False), np.random.default_rng(1))]
    assert "a level never seen" not in worlds
    one_number = dataclasses.replace(matrix_of(100), values=matrix_of(100).values[:, 2:], names=("price", "kind"))
    names = [name for name, _ in other_worlds(one_number, np.random.default_rng(1))]
    assert "two numbers swapped" not in names
    only_level = dataclasses.replace(one_number, values=one_number.values[:, 1:], names=("kind",))
    assert [name for name, _ in other_worlds(only_level, np.random.default_rng(1))] == [
        "each value from another row", "nothing known", "a level never seen",
    ]  # fmt: skip


def test_worlds_change_what_they_say() -> None:
    rows = matrix_of(200)
    worlds = dict(other_worlds(rows, np.random.default_rng(1)))
    swapped = worlds["two numbers swapped"]
    np.testing.assert_allclose(np.sort(swapped[:, :3], axis=1), np.sort(rows.values[:, :3], axis=1))
    assert ((swapped != rows.values).sum(axis=1) == 2).all()
    assert ((worlds["a number 10 times as large"] != rows.values).sum(axis=1) == 1).all()
    np.testing.assert_allclose(np.sort(worlds["each value from another row"], axis=0), np.sort(rows.values, axis=0))


def test_rows_that_are_missing_throughout_leave_nothing_to_change() -> None:
    rows = matrix_of()
    values = np.where((rows.part == "holdout")[:, None], np.nan, rows.values)
    empty = measured(dataclasses.replace(rows, values=values))
    total = empty["ood_detected_share", ""]
    assert (total.value, total.reason) == (None, "no world changes any row")


def test_too_few_rows_to_draw_the_line_are_undefined() -> None:
    few = measured(matrix_of(799))
    assert len(few) == 3
    assert all(one.value is None and "200 set the line" in one.reason for one in few.values())


def test_a_feature_without_values_and_new_values_beyond_the_ends_are_told_apart() -> None:
    rows = matrix_of(1000)
    values = rows.values.copy()
    values[:, 1] = np.nan
    detector = learn_unusual(dataclasses.replace(rows, values=values), dataclasses.replace(rows, values=values))
    beyond = values.copy()
    beyond[:, 2] = 1e9
    assert detector.unusual(beyond).all()
    assert detector.unusual(rows.values).all()  # it was always missing, and now it isn't
    assert detector.unusual(values).mean() <= 0.02


def test_the_same_seed_measures_the_same() -> None:
    assert measured(matrix_of()) == measured(matrix_of())
