"""Degradation: nothing is lost without noise, more with more, and values missing once stay missing."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from ml_platform.core.measurement import Measurement
from ml_platform.stages.probes.degradation import MISSINGS, NOISES, measure_degradation
from ml_platform.stages.probes.subject import Subject
from ml_platform.stages.robustness import noisy_values
from ml_platform_tests.stages.probes.test_moves import subject_of
from ml_platform_tests.stats.reading import bounds_of


@pytest.fixture(scope="module")
def subject(tmp_path_factory: pytest.TempPathFactory) -> Subject:
    return subject_of(tmp_path_factory.mktemp("binary"))


def kinds(found: list[Measurement]) -> dict[str, list[Measurement]]:
    return {kind: [one for one in found if one.facts["kind"] == kind] for kind in ("noise", "missing")}


def test_ranking_is_lost_the_more_is_missing(subject: Subject) -> None:
    found = kinds(list(measure_degradation(subject)))
    assert [one.facts["level"] for one in found["noise"]] == list(NOISES)
    assert [one.facts["level"] for one in found["missing"]] == list(MISSINGS)
    first, last = found["missing"][0], found["missing"][-1]
    assert (first.metric, first.subject, last.subject) == ("degraded_auc_drop", "missing 1 %", "missing 50 %")
    assert abs(first.value or 1.0) < 0.03
    assert bounds_of(last)[0] > 0
    assert abs(found["noise"][0].value or 1.0) < abs(last.value or 0.0)


@pytest.mark.parametrize("task", ["multiclass", "regression", "quantile"])
def test_other_tasks_lose_by_the_growth_of_their_loss(tmp_path: Path, task: str) -> None:
    found = kinds(list(measure_degradation(subject_of(tmp_path, task))))
    assert {one.metric for each in found.values() for one in each} == {"degraded_loss_change"}
    assert bounds_of(found["missing"][-1])[0] > 0.1


def test_the_same_draws_serve_every_level(subject: Subject) -> None:
    rows, train = subject.holdout.matrix, subject.matrix.part_of("train")
    one, ten = (noisy_values(rows, train, np.random.default_rng(7), noise=noise) for noise in (0.01, 0.1))
    np.testing.assert_allclose((ten - rows.values) / 10, one - rows.values, atol=1e-9)
    assert list(measure_degradation(subject)) == list(measure_degradation(subject))


def test_a_holdout_of_one_class_is_undefined(subject: Subject) -> None:
    matrix = dataclasses.replace(subject.holdout.matrix, target=np.ones(len(subject.holdout.score)))
    one_class = dataclasses.replace(subject, holdout=dataclasses.replace(subject.holdout, matrix=matrix))
    found = list(measure_degradation(one_class))
    assert len(found) == len(NOISES) + len(MISSINGS)
    assert all(one.value is None and one.reason for one in found)
