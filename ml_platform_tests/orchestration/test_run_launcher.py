from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.events import DagsterEvent, DagsterEventType, EngineEventData
from dagster._core.launcher import WorkerStatus
from dagster._core.storage.tags import GRPC_INFO_TAG

from ml_platform.orchestration import run_launcher
from ml_platform.orchestration.launch import open_dagster
from ml_platform.orchestration.run_launcher import PLACE_TAG, LocalRunLauncher, Place, this_place

ROOT = Path(__file__).parents[2]
SOCKET = {GRPC_INFO_TAG: json.dumps({"host": "localhost", "socket": "some"})}


@dg.asset
def thing() -> dg.MaterializeResult[None]:
    return dg.MaterializeResult(metadata={"digest": "ab" * 32})


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("launcher")
    shutil.copy(ROOT / "dagster.yaml", folder)
    return folder


@pytest.fixture
def instance(project: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dg.DagsterInstance]:
    monkeypatch.chdir(project)
    with dg.DagsterInstance.from_config(str(project)) as opened:
        yield opened


@pytest.fixture
def launcher(instance: dg.DagsterInstance) -> LocalRunLauncher:
    found = instance.run_launcher
    assert isinstance(found, LocalRunLauncher)
    return found


@pytest.fixture
def here() -> Place:
    found = this_place()
    assert found is not None
    return found


def started(instance: dg.DagsterInstance, tags: dict[str, str], process: int | None) -> dg.DagsterRun:
    """Return a run that is under way, in a process that said so."""
    run = instance.create_run_for_job(dg.Definitions(jobs=[empty]).resolve_job_def("empty"), tags=tags)
    if process is not None:
        instance.report_engine_event(
            f"Started process for run (pid: {process}).", run, EngineEventData.in_process(process)
        )
    instance.report_dagster_event(
        DagsterEvent(event_type_value=DagsterEventType.PIPELINE_START.value, job_name="empty"), run.run_id
    )
    found = instance.get_run_by_id(run.run_id)
    assert found is not None
    assert found.status is dg.DagsterRunStatus.STARTED
    return found


@dg.job
def empty() -> None:
    return None


def ended_process() -> int:
    with subprocess.Popen([sys.executable, "-c", ""]) as child:
        return child.pid


def test_the_projects_instance_asks_it_and_it_can_tell(launcher: LocalRunLauncher) -> None:
    assert launcher.supports_check_run_worker_health


def test_a_run_whose_process_is_there_is_under_way(
    instance: dg.DagsterInstance, launcher: LocalRunLauncher, here: Place
) -> None:
    run = started(instance, SOCKET | here.tags(), os.getpid())
    assert launcher.check_run_worker_health(run).status is WorkerStatus.RUNNING


def test_a_run_whose_process_was_killed_is_not(
    instance: dg.DagsterInstance, launcher: LocalRunLauncher, here: Place
) -> None:
    run = started(instance, SOCKET | here.tags(), ended_process())
    found = launcher.check_run_worker_health(run)
    assert found.status is WorkerStatus.NOT_FOUND
    assert "is gone" in str(found)


def test_a_process_whose_parent_has_not_heard_of_its_end_has_ended(
    instance: dg.DagsterInstance, launcher: LocalRunLauncher, here: Place
) -> None:
    child = subprocess.Popen([sys.executable, "-c", ""])
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    run = started(instance, SOCKET | here.tags(), child.pid)
    assert launcher.check_run_worker_health(run).status is WorkerStatus.NOT_FOUND
    child.wait()


def test_a_later_process_with_the_same_number_is_another_one(
    instance: dg.DagsterInstance, launcher: LocalRunLauncher, here: Place
) -> None:
    later = replace(here, booted=here.booted + 3600)  # as if it had begun an hour after the run said its number
    run = started(instance, SOCKET | later.tags(), os.getpid())
    assert launcher.check_run_worker_health(run).status is WorkerStatus.NOT_FOUND


def test_nothing_survives_a_new_start_of_the_machine(
    instance: dg.DagsterInstance, launcher: LocalRunLauncher, here: Place
) -> None:
    run = started(instance, SOCKET | replace(here, boot="another").tags(), os.getpid())
    assert launcher.check_run_worker_health(run).status is WorkerStatus.NOT_FOUND


@pytest.mark.parametrize(
    "tags",
    [
        {},
        SOCKET | {PLACE_TAG: ""},
        SOCKET | Place(host="elsewhere", boot="b", booted=0.0).tags(),
        {GRPC_INFO_TAG: json.dumps({"host": "code.example.org", "port": 4000})}
        | Place(host=socket.gethostname(), boot="b", booted=0.0).tags(),
    ],
    ids=["nobody said where", "where isn't told", "another machine", "a code server elsewhere"],
)
def test_what_cannot_be_seen_from_here_counts_as_under_way(
    instance: dg.DagsterInstance, launcher: LocalRunLauncher, tags: dict[str, str]
) -> None:
    run = started(instance, tags, ended_process())
    assert launcher.check_run_worker_health(run).status is WorkerStatus.RUNNING


def test_a_process_that_has_not_said_its_number_yet_counts_as_under_way(
    instance: dg.DagsterInstance, launcher: LocalRunLauncher, here: Place
) -> None:
    run = started(instance, SOCKET | here.tags(), None)
    assert launcher.check_run_worker_health(run).status is WorkerStatus.RUNNING


def test_a_command_that_was_killed_is_seen_and_its_run_is_not_begun_anew(
    instance: dg.DagsterInstance, launcher: LocalRunLauncher, project: Path
) -> None:
    definitions = dg.Definitions(assets=[thing], jobs=[dg.define_asset_job("make_thing")])
    with open_dagster(project, definitions) as dagster:
        assert dagster.launch("make_thing").success
        (run,) = dagster.instance.get_runs(dg.RunsFilter(job_name="make_thing"))
    place = json.loads(run.tags[PLACE_TAG])
    assert place["process"] == os.getpid()
    assert launcher.check_run_worker_health(run).status is WorkerStatus.RUNNING
    assert run.tags["dagster/max_retries"] == "0"
    killed = started(instance, Place(**place | {"process": ended_process()}).tags(), None)
    assert launcher.check_run_worker_health(killed).status is WorkerStatus.NOT_FOUND


def test_where_the_system_does_not_tell_nothing_is_said(
    instance: dg.DagsterInstance,
    launcher: LocalRunLauncher,
    here: Place,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.setattr(run_launcher, "PROC", tmp_path)
    assert this_place() is None
    run = started(instance, SOCKET | here.tags(), ended_process())
    assert launcher.check_run_worker_health(run).status is WorkerStatus.RUNNING
