"""A window holds each prediction once, with the label that came for it."""

from __future__ import annotations

import dataclasses
import datetime as dt
from pathlib import Path

import pytest

from ml_platform.adapters.artefacts import FileArtefacts
from ml_platform.core.measured import Measured
from ml_platform.core.measurement import Measurement
from ml_platform.core.records import WindowRecord
from ml_platform.core.traffic import Label, Prediction
from ml_platform.policy.judge import outcome_of
from ml_platform.policy.load import load_model
from ml_platform.stages.periods import month
from ml_platform.stages.window import collect_window, read_window
from ml_platform_tests.policy.files import NOW as FILE_NOW
from ml_platform_tests.policy.files import write_model
from ml_platform_tests.stages.told_traffic import told, words

JUNE = month("2013-06")
NOW = JUNE.end + dt.timedelta(days=400)
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
    return collected(tmp_path, predictions, [said(name, label) for name, label in (labels or {}).items()])


def collected(
    tmp_path: Path, predictions: list[Prediction], labels: list[Label], *, now: dt.datetime = NOW, torn: int = 0
) -> Measured[WindowRecord]:
    return collect_window(
        "flights", "production", JUNE, predictions=told(predictions), words=words(labels),
        store=FileArtefacts(tmp_path), now=now, torn=torn,
    )  # fmt: skip


def said(name: str, label: float | str, at: dt.datetime = NOW) -> Label:
    return Label(prediction_id=name, label=label, at=at)


def test_predictions_are_counted_once_and_joined_with_their_labels(tmp_path: Path) -> None:
    repeated = [prediction("a", 1), prediction("a", 1), prediction("b", 2)]
    measured = collect(tmp_path, repeated, {"b": 1.0, "elsewhere": 0.0})
    assert (measured.record.predictions, measured.record.labelled) == (2, 1)
    frame = read_window(FileArtefacts(tmp_path), measured.record)
    assert frame["id"].tolist() == ["a", "b"]
    assert frame["label"].tolist()[1] == 1.0
    assert frame["input_carrier"].tolist() == ["UA", "UA"]


def test_of_several_classes_each_probability_and_the_names_that_came_are_kept(tmp_path: Path) -> None:
    rows = [dataclasses.replace(prediction(name, 1), scores=scores) for name, scores in CLASSED.items()]
    measured = collect(tmp_path, rows, {"a": "late", "c": 2.0})
    frame = read_window(FileArtefacts(tmp_path), measured.record)
    assert frame["label"].fillna("none").tolist() == ["late", "none", "2"]
    assert frame["score_1"].tolist()[:2] == [0.25, 0.5]
    assert frame["score_1"].isna().tolist() == [False, False, True]


def test_what_lies_outside_the_period_is_left_out(tmp_path: Path) -> None:
    july = prediction("c", 1)
    outside = Prediction(**{name: getattr(july, name) for name in july.__slots__} | {"event_time": JUNE.end})
    assert collect(tmp_path, [outside, prediction("a", 30)]).record.predictions == 1


def test_what_nobody_was_answered_with_is_left_out(tmp_path: Path) -> None:
    shadow = dataclasses.replace(prediction("s", 1), route="shadow", pair="a")
    assert collect(tmp_path, [shadow, prediction("a", 1)]).record.predictions == 1


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


def test_made_again_without_new_data_it_is_the_same_and_says_so(tmp_path: Path) -> None:
    rows = [prediction("a", 1)]
    first, again = (collect(tmp_path, each, {"a": 1.0}) for each in (rows, [*rows, *rows]))
    assert not first.unchanged
    assert again.unchanged
    assert again.record.digest == first.record.digest
    assert again.record.facts["repeated_predictions"] == 1


def test_of_contrary_lines_with_one_id_the_first_answered_stands_and_the_other_is_counted(tmp_path: Path) -> None:
    early, late = prediction("a", 1), prediction("a", 2, score=0.75)
    for rows in ([early, late], [late, early]):
        found = collect(tmp_path, rows)
        assert found.record.facts["contrary_predictions"] == 1
        assert read_window(FileArtefacts(tmp_path), found.record)["score"].tolist() == [0.25]


def test_a_label_that_can_not_be_true_is_counted_with_its_reason_and_never_joined(tmp_path: Path) -> None:
    rows = [prediction(name, 10) for name in "abcd"] + [prediction("e", 10, status=422, score=None)]
    times = {
        "a": JUNE.start,  # before the prediction was made
        "b": NOW + dt.timedelta(seconds=1),
        "c": NOW,  # a year late, and fine
        "e": NOW,  # of a refused request
        "x": NOW,  # of no prediction here
    }
    labels = [said(name, 1.0, at) for name, at in times.items()]
    found = collected(tmp_path, rows, [*labels, said("c", 0.0), said("a", 0.0), said("x", 0.0), said("c", 1.0)])
    assert found.record.labelled == 1
    facts = dict(found.record.facts)
    assert facts == {
        "repeated_predictions": 0, "contrary_predictions": 0, "contradicted_labels": 1,
        "labels_from_the_future": 1, "labels_known_before_the_prediction": 1, "labels_of_refused_requests": 1,
    }  # fmt: skip
    measured = {one.metric: one for one in found.measurements}
    assert measured["label_left_out_share"].value == 0.75
    assert measured["label_delay_days"].value == pytest.approx(420, abs=1)
    assert measured["refused_share"].value == 0.2
    frame = read_window(FileArtefacts(tmp_path), found.record)
    assert frame.loc[frame["label"].notna(), "id"].tolist() == ["c"]


def test_a_label_from_the_future_is_joined_once_its_time_has_come(tmp_path: Path) -> None:
    early, late = (
        collected(tmp_path, [prediction("a", 1)], [said("a", 1.0)], now=now)
        for now in (NOW - dt.timedelta(days=1), NOW)
    )
    assert [early.record.labelled, late.record.labelled] == [0, 1]
    assert early.record.digest != late.record.digest


def test_a_feed_that_stopped_and_torn_lines_are_measured(tmp_path: Path) -> None:
    found = collected(tmp_path, [prediction("a", 3)], [], torn=3)
    measured = {one.metric: one.value for one in found.measurements}
    assert measured["quiet_share"] == pytest.approx(27.5 / 30)
    assert measured["torn_line_share"] == 0.75
    assert measured["contrary_prediction_share"] == 0
    assert measured["label_left_out_share"] is None


def test_a_row_that_the_guard_abstained_for_is_answered_and_no_error_and_its_label_is_left_alone(
    tmp_path: Path,
) -> None:
    flagged = dataclasses.replace(prediction("b", 2), beyond=("distance",))
    silent = dataclasses.replace(prediction("c", 29, score=None), beyond=("distance",))
    rows = [prediction("a", 1), flagged, silent, prediction("d", 3, status=422, score=None)]
    found = collect(tmp_path, rows, {"a": 1.0, "c": 1.0})
    measured = {one.metric: one for one in found.measurements}
    assert (measured["abstained_share"].value, measured["abstained_share"].n) == (1 / 3, 3)
    assert (measured["flagged_share"].value, measured["flagged_share"].n) == (0.5, 2)
    assert (measured["error_share"].value, measured["refused_share"].value) == (0, 0.25)
    assert measured["label_left_out_share"].value == 0
    assert measured["label_share"].value == 0.5
    assert measured["quiet_share"].value == pytest.approx(1.5 / 30)
    assert (found.record.errors, found.record.labelled) == (0, 1)
    frame = read_window(FileArtefacts(tmp_path), found.record)
    assert frame.loc[frame["id"] == "c", ["status", "score", "label"]].isna().values.tolist() == [[False, True, True]]


def test_where_nothing_was_answered_nothing_is_known_of_abstaining(tmp_path: Path) -> None:
    rows = [prediction("a", 1, status=500, score=None)]
    measured = {one.metric: one for one in collect(tmp_path, rows).measurements}
    assert measured["abstained_share"].value is None
    assert measured["flagged_share"].value is None
    assert measured["quiet_share"].reason == "nothing was answered"


@pytest.mark.parametrize(
    ("share", "n", "outcome"),
    [(0.05, 4000, "passed"), (0.0, 200, "passed"), (0.2, 200, "failed"), (1.0, 99, "undecided"), (None, 0, "undecided"),
     (float("nan"), 200, "undecided")],
)  # fmt: skip
def test_many_rows_without_a_prediction_are_warned_of(
    tmp_path: Path, share: float | None, n: int, outcome: str
) -> None:
    gate = load_model(write_model(tmp_path), now=FILE_NOW).policy.gates["the_model_answers"]
    low = None if share is None else share / 2
    assert gate.severity == "warn"
    assert outcome_of(gate, Measurement(metric="abstained_share", value=share, low=low, high=share, n=n)) == outcome
