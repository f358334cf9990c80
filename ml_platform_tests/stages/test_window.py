"""A window holds each prediction once, with the label that came for it."""

from __future__ import annotations

import dataclasses
import datetime as dt
from pathlib import Path

import pytest

from ml_platform.adapters.artefacts import FileArtefacts
from ml_platform.core.errors import DataInvalid
from ml_platform.core.measured import Measured
from ml_platform.core.records import WindowRecord
from ml_platform.core.traffic import Prediction
from ml_platform.stages.window import collect_window, month, read_window

JUNE = month("2013-06")
CLASSED = {"a": (0.75, 0.25), "b": (0.5, 0.5), "c": ()}


def prediction(identity: str, day: int, *, status: int = 200, score: float | None = 0.25) -> Prediction:
    at = dt.datetime(2013, 6, day, 12, tzinfo=dt.UTC)
    return Prediction(
        id=identity,
        at=at,
        event_time=at,
        model="flights",
        environment="production",
        version=1,
        model_digest="m" * 64,
        status=status,
        score=score,
        latency_seconds=0.001,
        inputs={"distance": 100.0, "carrier": "UA"},
    )


def collect(
    tmp_path: Path, predictions: list[Prediction], labels: dict[str, float | str] | None = None
) -> Measured[WindowRecord]:
    store = FileArtefacts(tmp_path)
    return collect_window("flights", "production", JUNE, predictions=predictions, labels=labels or {}, store=store)


def test_predictions_are_counted_once_and_joined_with_their_labels(tmp_path: Path) -> None:
    repeated = [prediction("a", 1), prediction("a", 1), prediction("b", 2)]
    measured = collect(tmp_path, repeated, {"b": 1.0, "elsewhere": 0.0})
    assert (measured.record.predictions, measured.record.labelled) == (2, 1)
    frame = read_window(FileArtefacts(tmp_path), measured.record)
    assert frame["id"].tolist() == ["a", "b"]
    assert frame["label"].tolist()[1] == 1.0
    assert frame["input_carrier"].tolist() == ["UA", "UA"]


def test_of_several_classes_each_probability_and_the_names_that_came_are_kept(tmp_path: Path) -> None:
    told = [dataclasses.replace(prediction(name, 1), scores=scores) for name, scores in CLASSED.items()]
    measured = collect(tmp_path, told, {"a": "late", "c": 2.0})
    frame = read_window(FileArtefacts(tmp_path), measured.record)
    assert frame["label"].fillna("none").tolist() == ["late", "none", "2"]
    assert frame["score_1"].tolist()[:2] == [0.25, 0.5]
    assert frame["score_1"].isna().tolist() == [False, False, True]


def test_what_lies_outside_the_period_is_left_out(tmp_path: Path) -> None:
    july = prediction("c", 1)
    outside = Prediction(**{name: getattr(july, name) for name in july.__slots__} | {"event_time": JUNE.end})
    assert collect(tmp_path, [outside, prediction("a", 30)]).record.predictions == 1


def test_the_same_traffic_has_the_same_digest_and_a_late_label_another(tmp_path: Path) -> None:
    rows = [prediction("a", 1), prediction("b", 2)]
    first = collect(tmp_path, rows).record.digest
    assert collect(tmp_path, rows[::-1]).record.digest == first
    assert collect(tmp_path, rows, {"a": 0.0}).record.digest != first


def test_errors_and_latency_are_measured_with_their_evidence(tmp_path: Path) -> None:
    rows = [prediction("a", 1), prediction("b", 2, status=500, score=None)]
    found = {one.metric: one for one in collect(tmp_path, rows, {"a": 1.0}).measurements}
    assert found["predictions"].value == 2
    assert found["error_share"].value == 0.5
    assert found["label_share"].value == 1.0
    assert found["latency_p99_seconds"].n == 1


def test_an_empty_window_is_undefined_never_zero(tmp_path: Path) -> None:
    found = {one.metric: one for one in collect(tmp_path, []).measurements}
    assert found["predictions"].value == 0
    assert found["error_share"].value is None
    assert found["latency_p99_seconds"].reason == "nothing was scored"


@pytest.mark.parametrize("name", ["2013", "2013-13", "June", "2013-06-01", ""])
def test_a_month_that_is_not_one_is_refused_with_the_form_that_is_needed(name: str) -> None:
    with pytest.raises(DataInvalid, match="a month is written like 2013-06"):
        month(name)
