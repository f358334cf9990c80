"""Feasible moves on toy rows, against brute force over everything that the trees can tell apart."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ml_platform.core.measurement import Measurement
from ml_platform.learners.tree_text import split_thresholds
from ml_platform.policy.movable import Move
from ml_platform.policy.spec import ModelSpec
from ml_platform.stages.features import read_matrix
from ml_platform.stages.model_files import read_scorer
from ml_platform.stages.probes.feasible import Feasible, feasible, values_to_try
from ml_platform.stages.probes.greedy_moves import greedy_moves
from ml_platform.stages.probes.moves import OtherDecision, decisions, measure_moves
from ml_platform.stages.probes.subject import Subject
from ml_platform.stages.raw_rows import RawRows, read_raw_rows
from ml_platform.stages.scored_part import score_part
from ml_platform.stages.train import train
from ml_platform_tests.fakes.store import FakeStore
from ml_platform_tests.fakes.tracker import FakeTracker
from ml_platform_tests.stages.probes import plain_features
from ml_platform_tests.stages.test_task_measures import matrix_of, spec_of
from ml_platform_tests.stages.toy import NOW, repository, stored, toy_matrix, toy_rows, toy_spec

BY = {"load": {"by": [-0.5, 0.5]}}


def subject_of(folder: Path, task: str = "binary", *, plain: bool = False) -> Subject:
    root, spec = repository(folder), toy_spec() if task == "binary" else spec_of(task)
    store, matrix = FakeStore(root / "home"), toy_matrix(toy_rows()) if task == "binary" else matrix_of(task)
    if plain:
        said = spec.model_dump(mode="json", exclude_none=True)
        spec = toy_spec(**{**said, "features": plain_features.__name__})
        matrix = dataclasses.replace(matrix, values=matrix.values[:, :3], names=matrix.names[:3])
    features, _ = stored(store, spec, matrix=matrix)
    if not plain:
        features = dataclasses.replace(features, lineage={**features.lineage, "both": ("load", "wind")})
    model = train(spec, store=store, features=features, tracker=FakeTracker(), actor="ann", now=NOW, root=root).record
    matrix, scorer = read_matrix(store, features), read_scorer(store, model.digest)
    holdout = score_part(matrix.part_of("holdout"), scorer, threshold=model.threshold, threads=1)
    return Subject(spec=spec, store=store, features=features, model=model, matrix=matrix, holdout=holdout, levels={})


def moving(spec: ModelSpec, movable: Mapping[str, Any]) -> ModelSpec:
    said = spec.model_dump(mode="json", exclude_none=True)
    return toy_spec(**{**said, "evaluation": {"movable": movable}})


def measured(subject: Subject, movable: Mapping[str, Any]) -> dict[tuple[str, str], Measurement]:
    found = measure_moves(dataclasses.replace(subject, spec=moving(subject.spec, movable)))
    return {(one.metric, one.subject): one for one in found}


def raw_of(subject: Subject, movable: Mapping[str, Any]) -> tuple[RawRows, tuple[Feasible, ...]]:
    spec = moving(subject.spec, movable)
    raw = read_raw_rows(
        spec, store=subject.store, features=subject.features, matrix=subject.matrix, holdout=subject.holdout
    )
    return raw, feasible(raw, subject.features, spec.movable)


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Subject:
    return subject_of(tmp_path_factory.mktemp("plain"), plain=True)


@pytest.fixture(scope="module")
def binary(tmp_path_factory: pytest.TempPathFactory) -> Subject:
    return subject_of(tmp_path_factory.mktemp("binary"))


def everything(raw: RawRows, row: int, movable: Mapping[str, Move]) -> dict[str, list[float]]:
    """Return a value from every stretch that the trees can tell apart, within what is feasible."""
    thresholds, found = split_thresholds(raw.rows.model_text), {}
    for name, move in movable.items():
        own = float(raw.inputs[name][row])
        if move.to is not None:
            found[name] = [own, *(float(code) for code in raw.encode([{name: level} for level in move.to])[name])]
            continue
        down, up = move.by or (0.0, 0.0)
        low, high = move.range or (own + down, own + up)
        cuts = np.array(thresholds[name])
        between = np.concatenate([[low, own, high], cuts, np.nextafter(cuts, np.inf)])
        found[name] = [own] if np.isnan(own) else [own, *between[(between >= low) & (between <= high)].tolist()]
    return found


def brute_force(raw: RawRows, movable: Mapping[str, Move]) -> np.ndarray:
    """Return which rows' decisions some combination of values changes."""
    own, flipped = decisions(raw, raw.rows.score), np.zeros(len(raw.rows.score), dtype=np.bool_)
    for row in range(own.size):
        grid = everything(raw, row, movable)
        combined = np.array(list(itertools.product(*grid.values())))
        inputs = {name: np.repeat(values[row], len(combined)) for name, values in raw.inputs.items()}
        inputs |= {name: combined[:, place].copy() for place, name in enumerate(grid)}
        flipped[row] = bool((decisions(raw, raw.score(inputs)) != own[row]).any())
    return flipped


@pytest.mark.parametrize(
    "movable",
    [
        {"load": {"by": [-0.5, 0.5]}},
        {"load": {"by": [0.0, 0.3]}},
        {"wind": {"range": [-1.0, 2.0]}},
        {"site": {"to": ["north", "south"]}},
    ],
)
def test_with_one_column_exactly_what_brute_force_flips_is_flipped(plain: Subject, movable: dict[str, Any]) -> None:
    raw, columns = raw_of(plain, movable)
    moved = greedy_moves(raw, columns, OtherDecision(raw, decisions(raw, raw.rows.score)))
    assert not columns[0].thinned
    np.testing.assert_array_equal(moved.reached, brute_force(raw, raw.spec.movable))
    assert set(moved.columns[moved.reached]) <= {1}


def test_with_two_columns_brute_force_never_flips_fewer(plain: Subject) -> None:
    movable = {"load": {"by": [-0.3, 0.3]}, "site": {"to": ["north", "south", "west"]}}
    raw, columns = raw_of(plain, movable)
    moved = greedy_moves(raw, columns, OtherDecision(raw, decisions(raw, raw.rows.score)))
    every = brute_force(raw, raw.spec.movable)
    assert not (moved.reached & ~every).any()
    assert moved.reached.sum() >= 0.9 * every.sum()
    assert (moved.columns[moved.reached] == 2).any()


def test_a_flipped_decision_is_flipped_by_the_smallest_move_of_one_column(plain: Subject) -> None:
    raw, columns = raw_of(plain, BY)
    own = decisions(raw, raw.rows.score)
    moved = greedy_moves(raw, columns, OtherDecision(raw, own))
    for row in np.flatnonzero(moved.reached)[:20]:
        values = np.array(everything(raw, int(row), raw.spec.movable)["load"])
        inputs = {name: np.repeat(each[row], values.size) for name, each in raw.inputs.items()} | {"load": values}
        flips = decisions(raw, raw.score(inputs)) != own[row]
        least = np.abs(values[flips] - raw.inputs["load"][row]).min() / (columns[0].scale or 1.0)
        assert moved.length[row] == pytest.approx(least)


def test_both_directions_are_measured_with_intervals(binary: Subject) -> None:
    found = measured(binary, BY)
    assert set(found) == {
        (metric, f"decided {name}")
        for metric in ("adversarial_flip_share", "smallest_flipping_move")
        for name in ("negative", "positive")
    }
    for name in ("negative", "positive"):
        flips, least = (
            found["adversarial_flip_share", f"decided {name}"],
            found["smallest_flipping_move", f"decided {name}"],
        )
        assert flips.value is not None
        assert flips.low is not None
        assert 0 < flips.low < flips.value < (flips.high or 0.0) < 1
        assert flips.facts["movable_columns"] == "load"
        assert least.n == flips.facts["successes"]
        assert least.value is not None
        assert 0 < least.value <= 0.6


def test_features_made_of_a_moved_column_move_with_it(binary: Subject) -> None:
    raw, (column,) = raw_of(binary, BY)
    assert len(column.values[0]) > 10  # of `load` itself and, as `both` is made of it, what other rows have
    more = measured(binary, {"load": {"by": [-3.0, 3.0]}})
    some = measured(binary, BY)
    for key in (("adversarial_flip_share", "decided negative"), ("adversarial_flip_share", "decided positive")):
        assert (more[key].value or 0.0) > (some[key].value or 1.0)
    assert raw.spec.movable["load"].by == (-0.5, 0.5)


def test_where_nothing_can_be_flipped_there_is_no_smallest_move(binary: Subject) -> None:
    found = measured(binary, {"load": {"range": [50.0, 60.0]}})
    assert found["adversarial_flip_share", "decided positive"].value == 0.0
    least = found["smallest_flipping_move", "decided positive"]
    assert (least.value, least.reason) == (None, "no decision was flipped")


def test_a_level_never_seen_and_a_missing_value_cant_be_moved(plain: Subject) -> None:
    raw, columns = raw_of(plain, {"wind": {"by": [-0.5, 0.5]}, "site": {"to": ["north"]}})
    missing, north = np.isnan(raw.inputs["wind"]), raw.inputs["site"] == 0
    assert all(columns[0].values[row].size == 0 for row in np.flatnonzero(missing))
    assert all(columns[1].values[row].size == 0 for row in np.flatnonzero(north))
    _, (never,) = raw_of(plain, {"site": {"to": ["east"]}})
    assert not any(each.size for each in never.values)
    assert never.scale is None


def test_several_classes_are_moved_away_from_each(tmp_path: Path) -> None:
    found = measured(subject_of(tmp_path, "multiclass"), BY)
    shares = [one for (metric, _), one in found.items() if metric == "adversarial_flip_share"]
    assert [one.subject for one in shares] == ["decided early", "decided late", "decided lost"]
    assert all(one.value is not None and 0 < one.value < 1 for one in shares)


def test_numbers_are_moved_up_and_down(tmp_path: Path) -> None:
    found = measured(subject_of(tmp_path, "regression"), BY)
    up, down = found["largest_feasible_move", "upward"], found["largest_feasible_move", "downward"]
    for one in (up, down):
        assert one.value is not None
        assert 0.5 < one.value < 3  # the number rises by 3 with each load
        assert isinstance(one.facts["over_the_mean_absolute_error"], float)


def test_the_same_seed_measures_the_same(binary: Subject) -> None:
    assert measured(binary, BY) == measured(binary, BY)


def test_nothing_is_measured_where_nothing_is_movable(binary: Subject) -> None:
    assert list(measure_moves(binary)) == []


@pytest.mark.parametrize("task", ["binary", "regression"])
def test_features_that_cant_be_made_again_leave_it_undefined(binary: Subject, tmp_path: Path, task: str) -> None:
    subject = binary if task == "binary" else dataclasses.replace(binary, spec=spec_of(task))
    broken = dataclasses.replace(subject, features=dataclasses.replace(subject.features, code_digest="0" * 64))
    found = measured(broken, BY)
    assert found
    assert all(one.value is None and "its code isn't the recorded one" in one.reason for one in found.values())


@pytest.mark.parametrize(
    ("own", "whole", "expected"),
    [
        (3.0, True, [2.0, 4.0, 6.0]),
        (3.0, False, [2.5, np.nextafter(3.5, 9), np.nextafter(5.0, 9)]),
        (np.nan, True, []),
    ],
)
def test_one_value_stands_for_each_stretch(own: float, whole: bool, expected: list[float]) -> None:
    cuts = np.array([0.5, 2.5, 3.5, 5.0, 8.0])
    assert values_to_try(own, cuts, np.empty(0), (1.0, 6.0), whole=whole).tolist() == expected
