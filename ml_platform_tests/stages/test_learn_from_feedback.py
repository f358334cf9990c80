"""Accepted feedback becomes rows behind the source's, to train on and nothing else, where the model file says so."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
from collections.abc import Sequence
from pathlib import Path

import msgspec
import pytest

from ml_platform.adapters.artefacts import FileArtefacts
from ml_platform.core.records import SnapshotRecord
from ml_platform.policy.spec import ModelSpec
from ml_platform.sources.read import fingerprint
from ml_platform.stages.accept_feedback import FILE, KIND, Accepted, AcceptedLabel
from ml_platform.stages.learn_from_feedback import Learned, read_learned
from ml_platform.stages.snapshot import SnapshotTaken, read_rows, take_snapshot
from ml_platform.stages.split import make_split, read_parts
from ml_platform_tests.orchestration.small_model import NOW, load_small, rows

LEARNS = ("evaluation: {profile: fast}", "evaluation: {profile: fast}\n  feedback: {at_most_share: 0.1}")
REGION = ("region: {type: category, role: group}", "region: {type: category, role: group, missing: 0.2}")
MARCH = dt.datetime(2025, 3, 15, tzinfo=dt.UTC)
TABLE = rows(600)


def label(number: int, at: dt.datetime = MARCH, **changes: object) -> AcceptedLabel:
    one = AcceptedLabel(
        prediction_id=f"p{number}", label=1.0, source="source x", remark="r", weight=0.97, known_at=at, event_time=at,
        inputs={"weight": 1.0 + number / 100, "distance": 10.0, "carrier": "sea"},
    )  # fmt: skip
    return dataclasses.replace(one, **changes)  # type: ignore[arg-type]


def taken(spec: ModelSpec, store: FileArtefacts, labels: Sequence[AcceptedLabel]) -> SnapshotTaken:
    source = fingerprint(spec, now=NOW).record
    feedback = Learned(digest="f" * 64, labels=tuple(labels))
    return take_snapshot(spec, store=store, source=source, as_of=None, reference=None, now=NOW, feedback=feedback)


@pytest.fixture
def spec(tmp_path: Path) -> ModelSpec:
    return load_small(tmp_path, LEARNS, REGION, table=TABLE).spec


@pytest.fixture
def store(tmp_path: Path) -> FileArtefacts:
    return FileArtefacts(tmp_path / "home")


def plain(spec: ModelSpec, store: FileArtefacts) -> SnapshotRecord:
    return taken(spec, store, ()).snapshot.record


def test_accepted_labels_are_the_snapshots_last_rows_and_its_manifest_names_them(
    spec: ModelSpec, store: FileArtefacts
) -> None:
    without = plain(spec, store)
    made = taken(spec, store, [label(2), label(1)]).snapshot
    record = made.record
    assert (record.rows, record.feedback_rows, record.feedback_digest) == (without.rows + 2, 2, "f" * 64)
    frame = read_rows(spec, store, record)
    assert frame["weight"].tail(2).tolist() == [1.01, 1.02]
    assert frame["late"].tail(2).tolist() == [True, True]
    manifest = json.loads(store.read("snapshots", record.digest, "manifest.json"))
    assert manifest["record"]["feedback_rows"] == 2
    counted = next(one for one in made.measurements if one.metric == "row_count")
    assert counted.facts["rows_from_feedback"] == 2


def test_they_are_in_no_part_but_training(spec: ModelSpec, store: FileArtefacts) -> None:
    august = dt.datetime(2025, 8, 15, tzinfo=dt.UTC)
    record = taken(
        spec, store, [label(1), label(2, august), label(3, dt.datetime(2025, 6, 15, tzinfo=dt.UTC))]
    ).snapshot.record
    split = make_split(spec, store=store, snapshot=record, as_of=None).record
    parts = read_parts(store, split)
    assert record.feedback_rows == 3
    assert set(parts[-3:]) == {"train", "unused"}
    assert (parts[:-3] == "holdout").any()


def test_what_the_source_knows_or_nobody_knew_then_is_left_out(spec: ModelSpec, store: FileArtefacts) -> None:
    known = TABLE.iloc[100]
    same = label(1, known["sent"].to_pydatetime(), inputs={n: known[n] for n in ("weight", "distance", "carrier")})
    later = dt.datetime(2025, 9, 2, tzinfo=dt.UTC)
    record = taken(spec, store, [same, label(2, known_at=later), label(3, event_time=later)]).snapshot.record
    assert record == plain(spec, store)


def test_a_row_that_breaks_the_contract_goes_to_the_quarantine(spec: ModelSpec, store: FileArtefacts) -> None:
    made = taken(spec, store, [label(1, inputs={"weight": 99.0, "distance": 10.0, "carrier": "sea"}), label(2)])
    assert made.snapshot.record.feedback_rows == 1
    assert made.quarantine.record.rows == 1


def test_no_more_than_the_files_share_is_taken_and_the_newest_first(spec: ModelSpec, store: FileArtefacts) -> None:
    many = [label(number, MARCH + dt.timedelta(minutes=number)) for number in range(100)]
    record = taken(spec, store, many).snapshot.record
    of_source = plain(spec, store).rows
    assert record.feedback_rows == int(of_source * 0.1) < 100
    assert read_rows(spec, store, record)["weight"].iloc[-1] == 1.99


def test_without_the_section_nothing_is_learned_from(tmp_path: Path, store: FileArtefacts) -> None:
    spec = load_small(tmp_path, REGION, table=TABLE).spec
    assert taken(spec, store, [label(1)]).snapshot.record.feedback_rows == 0


def test_kept_labels_are_read_by_their_digest(store: FileArtefacts) -> None:
    accepted = Accepted(labels=(label(1),), left_out={})
    store.put(KIND, accepted.digest, {FILE: msgspec.json.encode(accepted)})
    assert read_learned(store, accepted.digest) == Learned(digest=accepted.digest, labels=accepted.labels)
    assert read_learned(store, "") is None
