"""Folds never look ahead, never share an entity, and come from the training rows alone."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest

from ml_platform.core.errors import DataInvalid
from ml_platform.policy.spec import ModelSpec
from ml_platform.stages.folds import Fold, make_folds
from ml_platform.stages.matrix import Matrix
from ml_platform_tests.stages.toy import toy_matrix, toy_rows, toy_spec

SPACE = {"num_leaves": {"low": 3, "high": 9}}
ENTITY = {"kind": "entity", "train": 0.6, "validation": 0.1, "calibration": 0.1, "holdout": 0.2, "salt": "s"}


def spec_of(folds: int = 3, **changes: Any) -> ModelSpec:
    tuning = {"trials": 3, "seed": 1, "folds": folds, "space": SPACE}
    return toy_spec(tuning=tuning, **changes)


def train_rows(n: int = 1200) -> Matrix:
    return toy_matrix(toy_rows(n)).part_of("train")


def times(matrix: Matrix, fold: Fold) -> tuple[np.ndarray, np.ndarray]:
    assert matrix.time is not None
    return matrix.time[fold.train], matrix.time[fold.held]


def test_windows_by_time_expand_and_never_look_ahead() -> None:
    matrix = dataclasses.replace(train_rows(), entity=None)
    folds = make_folds(spec_of(), matrix)
    sizes = [int(fold.train.sum()) for fold in folds]
    assert sizes == [150, 300, 450]
    assert [int(fold.held.sum()) for fold in folds] == [150, 150, 150]
    for fold in folds:
        before, after = times(matrix, fold)
        assert before.max() < after.min()


def test_rows_of_one_moment_are_on_one_side() -> None:
    matrix = train_rows()
    assert matrix.time is not None
    days = matrix.time.astype("datetime64[D]").astype("datetime64[us]")
    for fold in make_folds(spec_of(), dataclasses.replace(matrix, time=days, entity=None)):
        assert not set(days[fold.train]) & set(days[fold.held])


def test_an_outcome_that_came_after_the_window_is_not_learned_from() -> None:
    contract = {name: column.model_dump(mode="json") for name, column in toy_spec().contract.items()}
    contract["late"]["available_after_days"] = 5.0
    matrix = dataclasses.replace(train_rows(), entity=None)
    for fold in make_folds(spec_of(contract=contract), matrix):
        before, after = times(matrix, fold)
        assert before.max() + np.timedelta64(5, "D") <= after.min()


@pytest.mark.parametrize("changes", [{}, {"split": ENTITY}])
def test_an_entity_is_never_on_both_sides(changes: dict[str, Any]) -> None:
    matrix = train_rows()
    assert matrix.entity is not None
    for fold in make_folds(spec_of(**changes), matrix):
        assert not set(matrix.entity[fold.train]) & set(matrix.entity[fold.held])


def test_by_entity_every_row_is_held_once_and_another_seed_deals_otherwise() -> None:
    matrix = train_rows()
    folds = make_folds(spec_of(split=ENTITY), matrix)
    assert (np.sum([fold.held for fold in folds], axis=0) == 1).all()
    other = make_folds(toy_spec(tuning={"trials": 3, "seed": 2, "folds": 3, "space": SPACE}, split=ENTITY), matrix)
    assert any((one.held != two.held).any() for one, two in zip(folds, other, strict=True))


def test_folds_do_not_depend_on_the_order_of_the_rows() -> None:
    matrix, order = train_rows(), np.random.default_rng(1).permutation(600)
    assert matrix.time is not None
    assert matrix.entity is not None
    shuffled = dataclasses.replace(matrix, time=matrix.time[order], entity=matrix.entity[order])
    for one, two in zip(make_folds(spec_of(), matrix), make_folds(spec_of(), shuffled), strict=True):
        assert (one.held[order] == two.held).all()
        assert (one.train[order] == two.train).all()


@pytest.mark.parametrize("rows", [0, 2])
def test_too_few_rows_for_the_folds_are_refused(rows: int) -> None:
    matrix = train_rows()
    few = matrix.rows_of(np.arange(matrix.target.size) < rows)
    with pytest.raises(DataInvalid, match=r"tuning.folds is 3, but the \d training rows can't fill as many"):
        make_folds(spec_of(), few)


def test_rows_without_time_and_entity_have_no_folds() -> None:
    bare = dataclasses.replace(train_rows(), time=None, entity=None)
    with pytest.raises(DataInvalid, match=r"lower tuning\.folds"):
        make_folds(spec_of(), bare)
