"""Rows that say little, or nonsense: every robustness probe names what it can't measure, and none falls over."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import numpy as np
import pytest

from ml_platform.core.measurement import Measurement
from ml_platform.stages.matrix import Matrix
from ml_platform.stages.probes.degradation import measure_degradation
from ml_platform.stages.probes.subject import Subject
from ml_platform.stages.probes.unusual_inputs import measure_unusual_inputs
from ml_platform.stages.probes.weak_slices import measure_weak_slices
from ml_platform.stages.scored_part import score_part
from ml_platform_tests.stages.probes.test_moves import subject_of


@pytest.fixture(scope="module")
def subject(tmp_path_factory: pytest.TempPathFactory) -> Subject:
    return subject_of(tmp_path_factory.mktemp("binary"))


@pytest.fixture(scope="module")
def number(tmp_path_factory: pytest.TempPathFactory) -> Subject:
    return subject_of(tmp_path_factory.mktemp("regression"), "regression")


def with_matrix(subject: Subject, matrix: Matrix) -> Subject:
    scorer, threshold = subject.holdout.scorer, subject.holdout.threshold
    holdout = score_part(matrix.part_of("holdout"), scorer, threshold=threshold, threads=1)
    return dataclasses.replace(subject, matrix=matrix, holdout=holdout)


def probed(subject: Subject) -> Iterator[Measurement]:
    yield from measure_weak_slices(subject)
    yield from measure_degradation(subject)
    yield from measure_unusual_inputs(subject)


def sound(found: list[Measurement]) -> bool:
    return bool(found) and all(one.value is not None or one.reason for one in found)


def test_one_row_has_no_slices_and_no_ranking(subject: Subject) -> None:
    first = int(np.flatnonzero(subject.matrix.part == "holdout")[0])
    keep = (subject.matrix.part != "holdout") | (np.arange(subject.matrix.part.size) == first)
    found = list(probed(with_matrix(subject, subject.matrix.rows_of(keep))))
    assert sound(found)
    undefined = {one.metric for one in found if one.value is None}
    assert undefined == {"weak_slice_log_loss", "weak_slice_surprise", "degraded_auc_drop"}


def test_features_that_are_missing_throughout(subject: Subject) -> None:
    values = subject.matrix.values.copy()
    values[:, 0] = np.nan
    assert sound(list(probed(with_matrix(subject, dataclasses.replace(subject.matrix, values=values)))))
    nothing = np.full_like(values, np.nan)
    found = list(probed(with_matrix(subject, dataclasses.replace(subject.matrix, values=nothing))))
    assert sound(found)
    assert next(one for one in found if one.metric == "ood_detected_share").value is None


def test_one_class_only(subject: Subject) -> None:
    matrix = dataclasses.replace(subject.matrix, target=np.ones(subject.matrix.target.size))
    found = list(probed(with_matrix(subject, matrix)))
    assert sound(found)
    assert all(one.value is None for one in found if one.metric == "degraded_auc_drop")


def test_a_target_that_isnt_finite_is_undefined_everywhere(number: Subject) -> None:
    target = number.matrix.target.copy()
    target[np.flatnonzero(number.matrix.part == "holdout")[3]] = np.inf
    found = list(probed(with_matrix(number, dataclasses.replace(number.matrix, target=target))))
    assert sound(found)
    lost = [one for one in found if one.metric in {"weak_slice_loss", "degraded_loss_change"}]
    assert {one.value for one in lost} == {None}
    assert all("not finite" in one.reason for one in lost)


def test_predictions_that_are_always_the_same(subject: Subject) -> None:
    flat = dataclasses.replace(subject.holdout, score=np.full(len(subject.holdout.score), 0.5))
    assert sound(list(probed(dataclasses.replace(subject, holdout=flat))))


def test_one_entity_has_no_halves(subject: Subject) -> None:
    matrix = dataclasses.replace(subject.matrix, entity=np.zeros(subject.matrix.target.size, dtype=np.uint64))
    found = list(probed(with_matrix(subject, matrix)))
    assert sound(found)
    assert next(one for one in found if one.metric == "weak_slice_log_loss").value is None
