"""Our classes of Dagster's storage keep what Dagster's own keep, in the same files."""

from __future__ import annotations

import threading
import uuid
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.instance.ref import InstanceRef

from ml_platform.orchestration.history import Events, Runs, Schedules, engine_of

ROOT = Path(__file__).parents[2]
DAGSTERS_OWN = "storage: {sqlite: {base_dir: .dagster/storage}}\n"


@dg.asset
def parcels() -> None:
    pass


@dg.asset_check(asset="parcels")
def is_there() -> dg.AssetCheckResult:
    return dg.AssetCheckResult(passed=True, metadata={"n": 3})


def instance_in(folder: Path, settings: str) -> dg.DagsterInstance:
    (folder / "dagster.yaml").write_text(settings)
    return dg.DagsterInstance.from_ref(InstanceRef.from_dir(str(folder)))


def own_settings() -> str:
    return (ROOT / "dagster.yaml").read_text()


@pytest.fixture(autouse=True)
def _in_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_the_projects_dagster_yaml_names_these_classes(tmp_path: Path) -> None:
    with instance_in(tmp_path, own_settings()) as instance:
        assert isinstance(instance.run_storage, Runs)
        assert isinstance(instance.event_log_storage, Events)
        assert isinstance(instance.schedule_storage, Schedules)


@pytest.mark.parametrize(("before", "after"), [(DAGSTERS_OWN, None), (None, DAGSTERS_OWN)])
def test_a_history_of_dagsters_own_goes_on_in_ours_and_back(
    tmp_path: Path, before: str | None, after: str | None
) -> None:
    said = []
    for settings in (before, after):
        with instance_in(tmp_path, settings or own_settings()) as instance:
            result = dg.materialize([parcels, is_there], instance=instance)
            said.append(
                [
                    entry.get_dagster_event().event_type_value
                    for entry in instance.all_logs(result.run_id)
                    if entry.is_dagster_event
                ]
            )
    assert said[0] == said[1]
    with instance_in(tmp_path, own_settings()) as instance:
        assert instance.get_runs_count() == 2
        assert len(instance.fetch_materializations(dg.AssetKey("parcels"), limit=9).records) == 2


def test_a_run_can_be_watched_while_it_goes_on(tmp_path: Path) -> None:
    with instance_in(tmp_path, own_settings()) as instance:
        run = dg.DagsterRun(job_name="one", run_id=str(uuid.uuid4()))
        instance.add_run(run)
        heard = threading.Event()
        instance.watch_event_logs(run.run_id, None, lambda *_: heard.set())
        instance.report_engine_event("it began", run)
        assert heard.wait(30)


def test_an_engine_is_made_once_for_a_database(tmp_path: Path) -> None:
    one, other = (f"sqlite:///{tmp_path}/{name}.db" for name in ("one", "other"))
    assert engine_of(one) is engine_of(one)
    assert engine_of(one) is not engine_of(other)
