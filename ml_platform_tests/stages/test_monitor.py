"""Monitoring compares the live version with what it was like when it was released, and with nothing else."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ml_platform.adapters.artefacts import FileArtefacts
from ml_platform.core.measurement import Measurement
from ml_platform.core.records import Candidate, ReleaseRecord
from ml_platform.core.traffic import Label, Prediction
from ml_platform.policy.spec import ModelSpec
from ml_platform.stages.beyond_chance import beyond_chance
from ml_platform.stages.live_numbers import measure_live_numbers
from ml_platform.stages.monitor import live_metrics, measure_labelled, monitor_window
from ml_platform.stages.periods import month
from ml_platform.stages.reference import Reference
from ml_platform.stages.window import collect_window
from ml_platform.stats.psi_of_counts import psi_of_counts
from ml_platform_tests.stages.told_traffic import told, words

JUNE = month("2013-06")
RELEASE = ReleaseRecord(
    model="tides",
    version=2,
    candidate=Candidate(
        model="tides",
        source_digest="s",
        snapshot_digest="a",
        split_digest="b",
        features_digest="c",
        code_digest="d",
        parameters_digest="e",
        environment_digest="f",
        model_digest="g",
        evaluation_digest="h",
        git_commit="i",
    ),
    evidence_digest="e",
    policy_digest="p",
    released_at=JUNE.start,
    released_by="someone",
)
SPEC = ModelSpec.model_validate_json(
    """{
    "model": "tides", "purpose": "test", "owner": "team", "risk_class": "minimal", "description": "test",
    "source": {"tables": {"t": {"kind": "file", "path": "t.csv"}}, "licence": "none", "description": "test"},
    "contract": {
        "at": {"type": "datetime", "role": "time", "also": ["feature"]},
        "height": {"type": "number", "missing": 0.1},
        "moon": {"type": "category"},
        "late": {"type": "boolean", "role": "target"}
    },
    "features": "ml_platform_tests.stages.toy_features",
    "split": {"kind": "time", "train_days": 9, "validation_days": 9, "calibration_days": 9, "holdout_days": 9},
    "learner": {"kind": "lightgbm", "objective": "binary", "seed": 1, "threads": 1, "rounds": 1},
    "monitoring": {"start": "2013-06-01", "retrain_when": ["live_auc_holds"], "cooldown_days": 0, "minimum_labels": 50}
    }"""
)


def rows(rng: np.random.Generator, n: int, *, shift: float = 0.0) -> pd.DataFrame:
    height = rng.normal(shift, 1, n)
    return pd.DataFrame({"height": height, "moon": np.where(rng.random(n) < 0.5, "new", "full")})


def reference(auc: float | None = 0.75) -> Reference:
    rng = np.random.default_rng(1)
    return Reference(
        rows=rows(rng, 2_000), scores={"": pd.Series(rng.uniform(0, 1, 1_000))}, headline=auc, standard_error=0.01
    )


def measured(
    tmp_path: Path, *, n: int = 600, version: int = 2, shift: float = 0.0, noise: float = 0.5, labelled: bool = True
) -> dict[tuple[str, str], Measurement]:
    rng = np.random.default_rng(2)
    frame = rows(rng, n, shift=shift)
    scores = rng.uniform(0, 1, n)
    outcomes = scores + rng.normal(0, noise, n) > 0.5
    predictions = [
        Prediction(
            id=f"{index:06}",
            at=JUNE.start,
            event_time=JUNE.start + dt.timedelta(minutes=index),
            model="tides",
            environment="production",
            version=version,
            model_digest="g",
            status=200,
            score=float(scores[index]),
            latency_seconds=0.001,
            inputs={"height": float(frame["height"][index]), "moon": str(frame["moon"][index])},
        )
        for index in range(n)
    ]
    came = zip(predictions, outcomes, strict=True) if labelled else ()
    labels = [Label(prediction_id=one.id, label=float(label), at=JUNE.end) for one, label in came]
    store = FileArtefacts(tmp_path)
    window = collect_window(
        "tides", "production", JUNE, predictions=told(predictions), words=words(labels), store=store, now=JUNE.end
    )
    found = monitor_window(SPEC, store=store, window=window.record, period=JUNE, live=RELEASE, reference=reference())
    assert found.record.window_end == JUNE.end
    return {(one.metric, one.subject): one for one in found.measurements}


def test_performance_is_measured_with_an_interval_against_the_release(tmp_path: Path) -> None:
    found = measured(tmp_path)
    auc, change = found["live_roc_auc", ""], found["live_roc_auc_change", ""]
    assert auc.value is not None
    assert change.value is not None
    assert change.value == pytest.approx(auc.value - 0.75)
    assert change.low is not None
    assert change.high is not None
    assert change.low < change.value < change.high
    assert found["live_calibration_bias", ""].n == 600


def test_too_few_labels_leave_performance_undefined_with_the_number_needed(tmp_path: Path) -> None:
    found = measured(tmp_path, labelled=False)
    assert found["live_roc_auc", ""].value is None
    assert found["live_roc_auc_change", ""].reason == "0 labels have come for this version, 50 are needed"


def test_a_moved_input_shows_in_its_own_column_and_time_is_no_drift(tmp_path: Path) -> None:
    calm, moved = measured(tmp_path), measured(tmp_path, shift=2.0)
    still, gone = calm["input_psi", "height"].value, moved["input_psi", "height"].value
    assert still is not None
    assert gone is not None
    assert still < gone
    assert gone > 1
    assert moved["input_psi", "moon"].value == pytest.approx(calm["input_psi", "moon"].value)
    assert ("input_psi", "at") not in moved


def test_rows_of_another_version_are_left_out(tmp_path: Path) -> None:
    found = measured(tmp_path, version=1)
    assert found["live_roc_auc", ""].n == 0
    assert found["input_psi", "height"].value is None


def test_a_missing_share_counts_beyond_what_the_contract_allows(tmp_path: Path) -> None:
    found = measured(tmp_path)["live_missing_share_excess", "height"]
    assert found.value == pytest.approx(-0.1)
    assert found.facts == {"missing_share": 0.0, "declared": 0.1}


def test_a_window_without_traffic_defines_nothing(tmp_path: Path) -> None:
    assert all(one.value is None for one in measured(tmp_path, n=0).values())


def numbers_of(task: str) -> tuple[ModelSpec, Reference]:
    """Return a model of numbers, and what it was when it was released: off by 1 on average."""
    said = SPEC.model_dump(mode="json", exclude_none=True)
    learner = {**said["learner"], "objective": task, **({"quantile": 0.9} if task == "quantile" else {})}
    contract = {**said["contract"], SPEC.target: {"type": "number", "role": "target"}}
    spec = ModelSpec.model_validate_json(json.dumps({**said, "learner": learner, "contract": contract}))
    rng = np.random.default_rng(1)
    known = rows(rng, 2_000).assign(**{SPEC.target: rng.normal(10, 5, 2_000)})
    scores = {"": pd.Series(rng.normal(10, 5, 1_000))}
    return spec, Reference(rows=known, scores=scores, headline=1.0, standard_error=0.02)


def live_numbers(task: str, *, off: float, n: int = 400, headline: float | None = 1.0) -> dict[str, Measurement]:
    spec, then = numbers_of(task)
    rng = np.random.default_rng(5)
    label = rng.normal(10, 5, n)
    score = label + rng.normal(off, np.sqrt(np.pi / 2), n)
    then = dataclasses.replace(then, headline=headline)
    return {one.metric: one for one in measure_live_numbers(spec, label, score, then)}


def test_a_window_of_numbers_is_held_against_the_loss_at_release() -> None:
    calm, worse = live_numbers("regression", off=0.0), live_numbers("regression", off=3.0)
    assert set(calm) == set(live_metrics("regression"))
    change = calm["live_loss_change"]
    assert change.value == pytest.approx(0, abs=0.1)
    assert change.low is not None
    assert change.high is not None
    assert change.low < 0 < change.high
    assert (worse["live_loss_change"].low or 0) > 1
    assert worse["live_bias_share"].value == pytest.approx(1, abs=0.1)
    assert worse["live_bias"].value == pytest.approx(3, abs=0.3)
    assert (calm["live_loss_against_constant"].high or 0) < 0


def test_a_window_of_quantiles_is_held_against_what_it_should_cover() -> None:
    found = live_numbers("quantile", off=1.6)
    assert set(found) == set(live_metrics("quantile"))
    assert found["live_coverage_error"].value == pytest.approx(0, abs=0.05)


def test_without_a_loss_at_release_nothing_is_compared() -> None:
    assert live_numbers("regression", off=0.0, headline=None)["live_loss_change"].value is None


def test_too_few_labels_leave_numbers_undefined() -> None:
    spec, then = numbers_of("regression")
    for needed, count in ((50, 10), (1, 10)):
        frame = pd.DataFrame({"label": np.zeros(count), "score": np.zeros(count)})
        watched = spec.monitoring and spec.monitoring.model_copy(update={"minimum_labels": needed})
        one = spec.model_copy(update={"monitoring": watched})
        found = list(measure_labelled(frame, then, one))
        assert {each.metric for each in found} == set(live_metrics("regression"))
        if needed > count:
            assert all(each.value is None for each in found)


def test_many_levels_and_few_rows_alone_are_no_drift() -> None:
    rng = np.random.default_rng(6)
    then, now = rng.multinomial(50_000, np.full(100, 0.01)), rng.multinomial(500, np.full(100, 0.01))
    found = psi_of_counts(then, now)
    assert (found.value or 0) > 0.15
    assert (beyond_chance(found).value or 0) < 0.1
    undefined = psi_of_counts(then, then * 0)
    assert beyond_chance(undefined) == undefined
