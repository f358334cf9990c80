"""A window of several classes is held against the release by its probabilities, its decisions and its outcomes."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import accuracy_score, log_loss, recall_score, roc_auc_score

from ml_platform.adapters.artefacts import FileArtefacts
from ml_platform.core.measurement import Measurement
from ml_platform.core.records import MonitoringRecord
from ml_platform.core.traffic import Label, Prediction
from ml_platform.policy.spec import ModelSpec
from ml_platform.stages.monitor import live_metrics, monitor_window
from ml_platform.stages.reference import Reference
from ml_platform.stages.window import collect_window
from ml_platform.stats.macro_roc_auc import macro_roc_auc
from ml_platform_tests.stages.test_monitor import JUNE, RELEASE
from ml_platform_tests.stages.test_monitor import SPEC as TWO
from ml_platform_tests.stages.told_traffic import told, words
from ml_platform_tests.stats.reading import bounds_of, fact_of

CLASSES = ("ebb", "flood", "slack")
COMMON = np.array([0.5, 0.3, 0.2])
N = 900


def several() -> ModelSpec:
    said = TWO.model_dump(mode="json", exclude_none=True)
    target = {"type": "category", "levels": CLASSES, "role": "target"}
    learner = {**said["learner"], "objective": "multiclass"}
    watched = {**said["monitoring"], "retrain_when": ["live_loss_holds"]}
    changed = {"learner": learner, "contract": {**said["contract"], TWO.target: target}, "monitoring": watched}
    return ModelSpec.model_validate_json(json.dumps({**said, **changed}))


SPEC = several()


def scored(rng: np.random.Generator, n: int, *, sharp: float = 2.0) -> tuple[np.ndarray, np.ndarray]:
    """Return probabilities and outcomes that come true as they say."""
    logits = np.log(COMMON) + sharp * rng.normal(0, 1, (n, 3))
    scores = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    return scores, (scores.cumsum(axis=1) < rng.random((n, 1))).sum(axis=1)


def reference(headline: float | None = None) -> Reference:
    rng = np.random.default_rng(1)
    scores, outcomes = scored(rng, 2_000)
    rows = pd.DataFrame({"height": rng.normal(0, 1, 2_000), "moon": "new", TWO.target: np.array(CLASSES)[outcomes]})
    loss = log_loss(outcomes, scores) if headline is None else headline
    by_class = {name: pd.Series(scores[:, code]) for code, name in enumerate(CLASSES)}
    known = rows.astype({TWO.target: "category"})
    ranking = macro_roc_auc(outcomes, scores)
    return Reference(rows=known, scores=by_class, headline=loss, standard_error=0.01, ranking=ranking)


def window(
    tmp_path: Path, scores: np.ndarray, labels: list[str | None], then: Reference | None = None
) -> tuple[MonitoringRecord, dict[tuple[str, str], Measurement]]:
    one = Prediction(
        id="", at=JUNE.start, event_time=JUNE.start, model="tides", environment="production", version=2,
        model_digest="g", status=200, score=0.5, latency_seconds=0.001, inputs={"height": 0.0, "moon": "new"},
    )  # fmt: skip
    predictions = [
        dataclasses.replace(
            one, id=f"{index:06}", score=max(row, default=0.5), scores=tuple(row),
            event_time=JUNE.start + dt.timedelta(minutes=index),
        )
        for index, row in enumerate(scores.tolist())
    ]  # fmt: skip
    came = [
        Label(prediction_id=f"{index:06}", label=label, at=JUNE.end)
        for index, label in enumerate(labels)
        if label is not None
    ]
    store = FileArtefacts(tmp_path)
    kept = collect_window(
        "tides", "production", JUNE, predictions=told(predictions), words=words(came), store=store, now=JUNE.end
    )
    found = monitor_window(
        SPEC, store=store, window=kept.record, period=JUNE, live=RELEASE, reference=then or reference()
    )
    return found.record, {(each.metric, each.subject): each for each in found.measurements}


def names(outcomes: np.ndarray) -> list[str | None]:
    return [CLASSES[code] for code in outcomes]


def test_a_window_as_before_is_measured_as_a_library_measures_it(tmp_path: Path) -> None:
    scores, outcomes = scored(np.random.default_rng(2), N)
    record, found = window(tmp_path, scores, names(outcomes))
    decided, change = scores.argmax(axis=1), found["live_loss_change", ""]
    assert record.labelled == N
    assert {metric for metric, _ in found} >= set(live_metrics("multiclass"))
    assert change.facts["loss"] == pytest.approx(log_loss(outcomes, scores))
    assert change.low is not None
    assert change.high is not None
    assert change.low < 0 < change.high
    assert (found["live_loss_against_constant", ""].high or 0) < 0
    assert found["live_accuracy", ""].value == pytest.approx(accuracy_score(outcomes, decided))
    area = roc_auc_score(outcomes, scores, multi_class="ovr")
    assert found["live_macro_roc_auc", ""].value == pytest.approx(area)
    moved = found["live_macro_roc_auc_change", ""]
    assert moved.value == pytest.approx(area - fact_of(moved, "macro_roc_auc_at_release"))
    assert bounds_of(moved)[0] < 0 < bounds_of(moved)[1]
    recalls = recall_score(outcomes, decided, average=None)
    assert [found["live_class_recall", name].value for name in CLASSES] == pytest.approx(list(recalls))
    assert [found["live_class_bias", name].value for name in CLASSES] == pytest.approx([0, 0, 0], abs=0.05)
    assert all(value is not None and value < 0.1 for value in (found["score_psi", name].value for name in CLASSES))
    assert ("score_psi", "") not in found


def test_outcomes_that_no_longer_follow_raise_the_loss_surely(tmp_path: Path) -> None:
    scores, outcomes = scored(np.random.default_rng(3), N)
    _, found = window(tmp_path, scores, names((outcomes + 1) % 3))
    assert (found["live_loss_change", ""].low or 0) > 0.25
    assert (found["live_loss_against_constant", ""].low or 0) > 0
    assert (found["live_macro_roc_auc_change", ""].high or 0) < -0.03
    assert max(abs(found["live_class_bias", name].value or 0) for name in CLASSES) > 0.1


def test_probabilities_that_move_show_in_the_drift_of_their_class(tmp_path: Path) -> None:
    scores, outcomes = scored(np.random.default_rng(4), N, sharp=0.1)
    _, found = window(tmp_path, scores, names(outcomes))
    assert all((found["score_psi", name].value or 0) > 0.2 for name in CLASSES)


def test_a_class_that_never_came_leaves_only_its_own_measurements_undefined(tmp_path: Path) -> None:
    scores, outcomes = scored(np.random.default_rng(5), N)
    _, found = window(tmp_path, scores, names(np.minimum(outcomes, 1)))
    assert found["live_class_recall", "slack"].value is None
    assert found["live_macro_roc_auc", ""].value is None
    assert found["live_macro_roc_auc_change", ""].reason == found["live_macro_roc_auc", ""].reason
    assert found["live_class_recall", "ebb"].value is not None
    assert found["live_loss_change", ""].value is not None


def test_a_label_of_no_class_counts_as_none_and_is_said(tmp_path: Path) -> None:
    scores, _ = scored(np.random.default_rng(6), 60)
    record, found = window(tmp_path, scores, ["ebb"] * 40 + ["storm"] * 15 + [None] * 5)
    assert record.labelled == 40
    said = "40 labels have come for this version (15 more are no outcomes of late), 50 are needed"
    assert {found[metric, ""].reason for metric in live_metrics("multiclass")} == {said}


def test_a_window_without_the_probabilities_of_the_classes_defines_nothing(tmp_path: Path) -> None:
    _, found = window(tmp_path, np.empty((60, 0)), ["ebb"] * 60)
    assert found["live_loss_change", ""].reason == "the window holds no probabilities of 3 of 3 classes"
    assert found["score_psi", "ebb"].value is None


def test_a_release_without_a_loss_compares_nothing(tmp_path: Path) -> None:
    scores, outcomes = scored(np.random.default_rng(7), 100)
    then = dataclasses.replace(reference(headline=0.0), ranking=None)
    _, found = window(tmp_path, scores, names(outcomes), then)
    assert found["live_loss_change", ""].value is None
    assert found["live_macro_roc_auc_change", ""].value is None
    assert found["live_accuracy", ""].value is not None
