"""Rows written straight into MLflow's tables are those that its client writes, and its client reads them."""

from __future__ import annotations

import contextlib
import dataclasses
import math
import re
import sqlite3
from pathlib import Path

import pytest
import yaml

from ml_platform.adapters import mlflow_rows
from ml_platform.adapters.mlflow_client import database_of
from ml_platform.adapters.mlflow_rows import MlflowRows
from ml_platform.adapters.mlflow_tracking import MlflowTracker
from ml_platform.core.ports import TrainingRun
from ml_platform.core.trial import Trial
from ml_platform_tests.adapters.test_mlflow_tracking import CONDITIONS, deployment, release

RUN = TrainingRun(
    model="straight",
    parameters={"seed": 1, "num_leaves": 31, "early_stopping_rounds": None},
    metrics={"rounds": 3.0, "unknown": math.nan, "endless": math.inf},
    tags={"snapshot_digest": "f" * 64, "model_digest": "d" * 64},
    conditions=CONDITIONS,
    files=("model.txt", "scoring.json"),
    example={"a": (0.1,), "b": (0.2,)},
)
TRIALS = [
    Trial(number=0, state="completed", parameters={"num_leaves": 7}, losses=(0.5, 0.25), seconds=1.0),
    Trial(number=1, state="failed", parameters={"num_leaves": 1}, losses=(), seconds=0.1, reason="too few"),
]


@pytest.fixture(scope="module")
def tracker(tracking: str, tmp_path_factory: pytest.TempPathFactory) -> MlflowTracker:
    made = MlflowTracker(tracking, tmp_path_factory.mktemp("rows"))
    assert not made.has_run("0" * 32)  # MLflow makes its database
    assert MlflowRows.at(database_of(tracking)) is not None
    return made


def test_each_row_is_the_one_that_mlflows_client_writes(
    tracker: MlflowTracker, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = everything(tracker)
    tell_all(tracker, "straight")
    straight = everything(tracker)
    monkeypatch.setattr(mlflow_rows, "REVISIONS", frozenset())
    tell_all(tracker, "sent")
    sent = everything(tracker)
    written = [without_names(straight[table] - before[table]) for table in straight]
    assert [without_names(sent[table] - straight[table]) for table in sent] == written
    assert sum(bool(rows) for rows in written) == 13


def test_mlflows_client_reads_what_was_written(tracker: MlflowTracker) -> None:
    client, run_id = tracker._client, tracker.log_training(dataclasses.replace(RUN, model="read"))
    tracker.log_metrics(run_id, {"rounds": 4.0})
    found = client.get_run(run_id)
    assert (found.info.status, found.info.run_name) == ("FINISHED", "read dddddddddddd")
    assert found.data.params == {"seed": "1", "num_leaves": "31"}
    assert [found.data.metrics[name] for name in ("rounds", "endless")] == [4.0, 1.7976931348623157e308]
    assert [metric.value for metric in client.get_metric_history(run_id, "rounds")] == [3.0, 4.0]
    assert found.outputs is not None
    (output,) = found.outputs.model_outputs
    logged = client.get_logged_model(output.model_id)
    assert (logged.status.value, logged.source_run_id, logged.tags["model_digest"]) == ("READY", run_id, "d" * 64)
    assert client.search_logged_models([found.info.experiment_id])[0].model_id == output.model_id


@pytest.mark.parametrize("classes", [(), ("late", "in time", "never")])
def test_the_description_of_a_model_is_mlflows_own(tracker: MlflowTracker, classes: tuple[str, ...]) -> None:
    from mlflow.models import Model

    _, location = tracker._logged_model(tracker.log_training(dataclasses.replace(RUN, classes=classes)))
    path = Path(location.removeprefix("file://")) / "MLmodel"
    said, read = yaml.safe_load(path.read_text()), Model.load(str(path.parent))
    assert read.to_dict() == said
    assert read.signature is not None
    assert read.signature.to_dict() == said["signature"]


def test_a_deleted_experiment_comes_back(tracker: MlflowTracker) -> None:
    run = dataclasses.replace(RUN, model="revived")
    first = tracker.log_training(run)
    experiment = tracker._client.get_run(first).info.experiment_id
    tracker._client.delete_experiment(experiment)
    assert not tracker.has_run(first)
    assert tracker.has_run(tracker.log_training(run))
    assert tracker._client.get_experiment(experiment).lifecycle_stage == "active"


def test_only_a_whole_database_of_a_known_revision_is_written_straight(tmp_path: Path) -> None:
    database = tmp_path / "mlflow.db"
    assert MlflowRows.at(None) is None
    assert MlflowRows.at(database) is None
    (known,) = mlflow_rows.REVISIONS
    for revision, written in (("a later one", False), (known, True)):
        database.unlink(missing_ok=True)
        with contextlib.closing(sqlite3.connect(database)) as tables, tables:
            tables.execute("CREATE TABLE alembic_version (version_num TEXT)")
            tables.execute("INSERT INTO alembic_version VALUES (?)", (revision,))
        assert (MlflowRows.at(database) is not None) is written
    database.with_suffix(".making").touch()
    assert MlflowRows.at(database) is None
    (tmp_path / "empty.db").touch()
    assert MlflowRows.at(tmp_path / "empty.db") is None


def tell_all(tracker: MlflowTracker, model: str) -> None:
    run_id = tracker.log_training(dataclasses.replace(RUN, model=model))
    tracker.log_trials(model, run_id, TRIALS)
    tracker.log_metrics(run_id, {"auc": 0.5})
    for version in (1, 2, 2):
        tracker.project_release(dataclasses.replace(release(version), model=model), run_id)
    for version in (1, 2):
        tracker.project_live(dataclasses.replace(deployment(version), model=model))


def everything(tracker: MlflowTracker) -> dict[str, set[str]]:
    """Return every row of every table as text, without what is drawn or measured anew each time."""
    database = database_of(tracker.tracking_uri)
    assert database is not None
    with contextlib.closing(sqlite3.connect(database)) as tables:
        tables.row_factory = sqlite3.Row
        names = [name for (name,) in tables.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {name: {str(dict(row)) for row in tables.execute(f'SELECT * FROM "{name}"')} for name in names}  # noqa: S608


def without_names(rows: set[str]) -> list[str]:
    said = {
        r"\b(m-)?[0-9a-f]{32}\b": "an id", r"\b1[0-9]{12}\b": "now", r"'experiment_id': \d+": "an experiment",
        r"\b(straight|sent)\b": "a model",
    }  # fmt: skip
    found = []
    for row in rows:
        text = row
        for pattern, word in said.items():
            text = re.sub(pattern, word, text)
        found.append(text)
    return sorted(found)
