from __future__ import annotations

import dataclasses
import datetime as dt
import json
import subprocess
import sys
from pathlib import Path

import pytest

from ml_platform.adapters import mlflow_tracking
from ml_platform.adapters.mlflow_client import database_of
from ml_platform.adapters.mlflow_tracking import MlflowTracker
from ml_platform.core.errors import Unavailable
from ml_platform.core.ports import Tracker, TrainingRun
from ml_platform.core.records import Candidate, Conditions, DeploymentRecord, ReleaseRecord
from ml_platform.core.trial import DEFAULT, Trial

NOW = dt.datetime(2024, 5, 1, tzinfo=dt.UTC)
CONDITIONS = Conditions(
    seed=1,
    threads=1,
    learner="lightgbm",
    learner_version="4.7.0",
    environment_digest="e" * 64,
    code_digest="c" * 64,
    git_commit="a" * 40,
    git_dirty=False,
    cpu="Example",
    python="CPython 3.11.7",
)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("mlflow")


@pytest.fixture(scope="module")
def tracker(home: Path) -> MlflowTracker:
    return MlflowTracker(f"sqlite:///{home / 'mlflow.db'}", home / "artifacts")


@pytest.fixture
def run() -> TrainingRun:
    return TrainingRun(
        model="toy",
        parameters={"seed": 1, "num_leaves": 31, "early_stopping_rounds": None},
        metrics={"rounds": 3.0},
        tags={"snapshot_digest": "f" * 64, "model_digest": "d" * 64},
        conditions=CONDITIONS,
        files=("model.txt", "scoring.json"),
        example={"a": (0.1,), "b": (0.2,)},
    )


def release(version: int = 1) -> ReleaseRecord:
    digests = {name.name: name.name for name in dataclasses.fields(Candidate)}
    return ReleaseRecord(
        model="toy",
        version=version,
        candidate=Candidate(**digests),
        evidence_digest=f"{version}" * 64,
        policy_digest="b" * 64,
        released_at=NOW,
        released_by="ann",
    )


def deployment(version: int = 1) -> DeploymentRecord:
    return DeploymentRecord(
        model="toy",
        environment="staging",
        version=version,
        model_digest="d" * 64,
        evidence_digest=f"{version}" * 64,
        since=NOW,
        actor="ann",
        reason="it passed",
    )


def test_it_is_a_tracker(tracker: MlflowTracker) -> None:
    port: Tracker = tracker
    assert port is tracker


def test_a_run_holds_parameters_metrics_whole_digests_and_the_model(tracker: MlflowTracker, run: TrainingRun) -> None:
    run_id = tracker.log_training(run)
    tracker.log_metrics(run_id, {"roc_auc": 0.8})
    found = tracker._client.get_run(run_id)
    assert found.data.params == {"seed": "1", "num_leaves": "31"}
    assert found.data.metrics == {"rounds": 3.0, "roc_auc": 0.8}
    assert found.data.tags["snapshot_digest"] == "f" * 64
    assert tracker.has_run(run_id)
    assert found.outputs is not None
    assert len(found.outputs.model_outputs) == 1


def test_the_logged_model_points_to_the_sealed_one_and_holds_none_of_it(
    tracker: MlflowTracker, run: TrainingRun
) -> None:
    from mlflow.models import Model

    _, location = tracker._logged_model(tracker.log_training(run))
    folder = Path(location.removeprefix("file://"))
    described = Model.load(str(folder))
    assert list(described.flavors) == ["ml_platform"]
    assert described.signature is not None
    assert described.signature.inputs.input_names() == ["a", "b"]
    pointer = json.loads((folder / described.flavors["ml_platform"]["data"]).read_text())
    assert (pointer["model_digest"], pointer["files"]) == ("d" * 64, ["model.txt", "scoring.json"])
    assert (folder / "requirements.txt").read_text().startswith("lightgbm==")
    assert {path.name for path in folder.rglob("*") if path.is_file()} <= {
        "MLmodel", "model.json", "requirements.txt", "python_env.yaml", "registered_model_meta",
    }  # fmt: skip


def test_everything_lies_under_the_given_folders(tracker: MlflowTracker, run: TrainingRun, home: Path) -> None:
    tracker.log_training(run)
    assert {path.name for path in home.iterdir()} == {"mlflow.db", "mlflow.lock", "artifacts"}
    assert [path.name for path in (home / "artifacts").iterdir()] == ["toy"]


def test_the_trials_of_a_study_are_runs_inside_the_training_run(tracker: MlflowTracker, run: TrainingRun) -> None:
    run_id = tracker.log_training(run)
    tried = Trial(number=0, state="completed", parameters={"num_leaves": 7}, losses=(0.5, 0.25), seconds=1.0)
    failed = Trial(number=1, state="failed", parameters={"num_leaves": 1}, losses=(), seconds=0.1, reason="too few")
    plain = Trial(number=DEFAULT, state="completed", parameters={}, losses=(0.75,), seconds=1.0)
    tracker.log_trials("toy", run_id, [plain, tried, failed])
    experiment = tracker._client.get_run(run_id).info.experiment_id
    inside = tracker._client.search_runs([experiment], f"tags.mlflow.parentRunId = '{run_id}'")
    found = {one.info.run_name: one for one in inside}
    assert found.keys() == {"the learner as it is", "trial 0", "trial 1"}
    assert found["trial 0"].data.params == {"num_leaves": "7"}
    assert found["trial 0"].data.metrics == {"loss": 0.25}
    assert {name: one.info.status for name, one in found.items()} == {
        "the learner as it is": "FINISHED", "trial 0": "FINISHED", "trial 1": "FAILED",
    }  # fmt: skip
    assert found["trial 1"].data.tags["reason"] == "too few"


def test_an_unknown_run_is_not_tracked(tracker: MlflowTracker) -> None:
    assert not tracker.has_run("0" * 32)
    assert not tracker.has_run("not a run's id")


def test_a_training_that_breaks_off_leaves_a_failed_run_and_no_draft(
    tracker: MlflowTracker, run: TrainingRun, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(mlflow_tracking, "describe_model", full)
    with pytest.raises(Unavailable, match="can't be written"):
        tracker.log_training(dataclasses.replace(run, model="broken"))
    client = tracker._client
    experiment = client.get_experiment_by_name("broken")
    assert experiment is not None
    assert [each.info.status for each in client.search_runs([experiment.experiment_id])] == ["FAILED"]
    assert not list((home / "artifacts").glob(".draft-*"))


def test_showing_a_release_twice_registers_one_version(tracker: MlflowTracker, run: TrainingRun) -> None:
    run_id = tracker.log_training(run)
    for _ in range(2):
        tracker.project_release(release(1), run_id)
    found = tracker._client.search_model_versions("name = 'toy' and tags.version = '1'")
    assert len(found) == 1
    assert found[0].tags["candidate_digest"] == release(1).candidate.digest
    assert found[0].run_id == run_id


def test_the_alias_follows_what_is_live(tracker: MlflowTracker, run: TrainingRun) -> None:
    run_id = tracker.log_training(run)
    for version in (1, 2):
        tracker.project_release(release(version), run_id)
    for version in (1, 2, 2, 1):
        tracker.project_live(deployment(version))
        shown = tracker._client.get_model_version_by_alias("toy", "staging")
        assert shown.tags["version"] == str(version)


def test_what_was_never_released_is_not_shown_as_live(tracker: MlflowTracker, run: TrainingRun) -> None:
    tracker.log_training(run)
    with pytest.raises(Unavailable, match="project the release first"):
        tracker.project_live(deployment(9))


def test_a_release_without_its_run_is_not_shown(tracker: MlflowTracker) -> None:
    with pytest.raises(Unavailable, match="train again"):
        tracker.project_release(release(3), "0" * 32)


def test_a_database_that_is_none_is_unavailable_in_words(tmp_path: Path, run: TrainingRun) -> None:
    (tmp_path / "mlflow.db").write_text("no database at all, but text" * 100)
    broken = MlflowTracker(f"sqlite:///{tmp_path / 'mlflow.db'}", tmp_path / "artifacts")
    with pytest.raises(Unavailable, match="check MLFLOW_TRACKING_URI"):
        broken.log_training(run)


def test_a_folder_that_can_not_be_made_is_unavailable_in_words(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    broken = MlflowTracker(f"sqlite:///{tmp_path / 'file' / 'mlflow.db'}", tmp_path / "artifacts")
    with pytest.raises(Unavailable, match="runs can't be read"):
        broken.has_run("0" * 32)


def test_only_a_sqlite_uri_names_a_database_file() -> None:
    assert database_of("sqlite:////home/x/mlflow.db") == Path("/home/x/mlflow.db")
    assert database_of("http://localhost:5000") is None


def test_opening_mlflow_calls_nobody_says_nothing_and_writes_nothing_into_the_users_home(
    tmp_path: Path,
) -> None:
    quiet_home = tmp_path / "user"
    quiet_home.mkdir()
    code = (
        "import socket, sys\n"
        "from pathlib import Path\n"
        "def refused(*_): sys.exit('called out')\n"
        "socket.socket.connect = refused\n"
        "from ml_platform.adapters.mlflow_tracking import MlflowTracker\n"
        "assert 'mlflow' not in sys.modules\n"
        "home = Path(sys.argv[1])\n"
        "print(MlflowTracker(f'sqlite:///{home}/m.db', home / 'a').has_run('0' * 32))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)],
        env={"HOME": str(quiet_home), "PATH": "/usr/bin:/bin"},
        cwd=quiet_home,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stdout, done.stderr, done.returncode) == ("False\n", "", 0)
    assert list(quiet_home.rglob("*")) == []
