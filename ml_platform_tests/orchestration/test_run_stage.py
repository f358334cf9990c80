from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from ml_platform.adapters.platform import open_platform
from ml_platform.core.measured import Measured
from ml_platform.core.measurement import Measurement
from ml_platform.core.records import SplitRecord
from ml_platform.core.verdict import Outcome
from ml_platform.orchestration.desk import Desk
from ml_platform.orchestration.run_stage import Task, judged, memory_key, recall_or_work
from ml_platform.settings import Settings
from ml_platform_tests.orchestration.small_model import NOW, load_small

DIGEST = "ab" * 32
RECORD = SplitRecord(model="parcels", digest=DIGEST, snapshot_digest="cd" * 32, rows={"train": 3})
OVERLAP = Measurement(metric="row_overlap_share", value=0.0, n=100)
TASK = Task(stage="split", inputs={"snapshot": "cd" * 32}, kind="splits", record_type=SplitRecord)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    settings = Settings(home=tmp_path / "home", mlflow_uri="", actor="robin", defs=None, only=())
    return Desk(file=load_small(tmp_path), platform=open_platform(settings), now=NOW, run_id="run-1")


class Work:
    """Counts how often it was done, and keeps its artefact."""

    def __init__(self, desk: Desk) -> None:
        self.desk, self.times = desk, 0

    def __call__(self) -> Measured[SplitRecord]:
        self.times += 1
        self.desk.platform.store.put("splits", DIGEST, {"parts.parquet": b"rows"})
        return Measured(record=RECORD, measurements=(OVERLAP,))


def test_the_same_inputs_are_worked_on_once(desk: Desk) -> None:
    work = Work(desk)
    first, again = recall_or_work(desk, TASK, work), recall_or_work(desk, TASK, work)
    assert work.times == 1
    assert (first.unchanged, again.unchanged) == (False, True)
    assert again.record == first.record
    assert again.measurements == first.measurements


def test_an_artefact_that_is_gone_is_made_again(desk: Desk) -> None:
    work = Work(desk)
    recall_or_work(desk, TASK, work)
    folder = desk.platform.store.folder("splits", DIGEST)
    for path in folder.iterdir():
        path.unlink()
    folder.rmdir()
    recall_or_work(desk, TASK, work)
    assert work.times == 2


def test_what_somebody_edited_is_forgotten(desk: Desk) -> None:
    work = Work(desk)
    recall_or_work(desk, TASK, work)
    (path,) = (desk.platform.home / "memory" / "parcels.split").glob("*.json")
    path.write_text(path.read_text().replace('"value":0.0', '"value":0.001'))
    again = recall_or_work(desk, TASK, work)
    assert work.times == 2
    assert not again.unchanged
    assert again.measurements == (OVERLAP,)


def test_other_inputs_another_section_and_other_features_are_other_work(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = memory_key(desk, TASK)
    assert memory_key(desk, dataclasses.replace(TASK, inputs={"snapshot": "ef" * 32})) != key
    resplit = dataclasses.replace(desk, file=load_small(tmp_path, ("train_days: 120", "train_days: 110")))
    assert memory_key(resplit, TASK) != key
    monkeypatch.setattr("ml_platform.orchestration.run_stage.features_source", lambda _: "other")
    assert memory_key(desk, TASK) != key


def test_a_section_that_the_stage_does_not_read_changes_nothing(desk: Desk, tmp_path: Path) -> None:
    relearnt = dataclasses.replace(desk, file=load_small(tmp_path, ("rounds: 30", "rounds: 31")))
    assert memory_key(relearnt, TASK) == memory_key(desk, TASK)
    assert memory_key(relearnt, dataclasses.replace(TASK, stage="model")) != memory_key(
        desk, dataclasses.replace(TASK, stage="model")
    )


def test_how_a_version_goes_live_makes_no_other_model(desk: Desk, tmp_path: Path) -> None:
    manual, task = "deployment: {production: manual}", dataclasses.replace(TASK, stage="model")
    tried = load_small(tmp_path, (manual, "deployment: {production: automatic, strategy: {kind: shadow}}"))
    assert memory_key(dataclasses.replace(desk, file=tried), task) == memory_key(desk, task)
    ruled = load_small(tmp_path, (manual, "deployment: {selected_share: 0.2}"))
    assert memory_key(dataclasses.replace(desk, file=ruled), task) != memory_key(desk, task)


def test_verdicts_are_recorded_over_their_subject_under_their_policy(desk: Desk) -> None:
    made = judged(desk, "split", Measured(record=RECORD, measurements=(OVERLAP,)))
    part = desk.platform.ledger.part("parcels", "split", DIGEST, desk.policy.digest)
    assert part is not None
    assert part.verdicts == made.verdicts
    assert part.run_id == "run-1"
    assert [verdict.gate for verdict in made.verdicts] == list(desk.policy.gates_of("split"))


def test_what_was_never_measured_is_undecided_and_closes(desk: Desk) -> None:
    made = judged(desk, "split", Measured(record=RECORD, measurements=()))
    outcomes = {verdict.gate: verdict.outcome for verdict in made.verdicts}
    assert outcomes["no_row_in_two_parts"] is Outcome.UNDECIDED
    assert "no_row_in_two_parts" in {verdict.gate for verdict in made.closed}


def test_the_same_verdicts_are_recorded_once(desk: Desk) -> None:
    for run in ("run-1", "run-2"):
        judged(dataclasses.replace(desk, run_id=run), "split", Measured(record=RECORD, measurements=(OVERLAP,)))
    recorded = [entry for entry in desk.platform.ledger.audit(model="parcels") if entry.action == "verdicts_recorded"]
    assert len(recorded) == 1
