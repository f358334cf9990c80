"""A stage over its limits, through Dagster: the run ends in words, with an exit code, and leaves nothing of it.

Without `from __future__ import annotations`: Dagster reads the annotations of an op as they stand.
"""

from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from ml_platform.adapters.spent_log import SpentLog
from ml_platform.orchestration import hand_on
from ml_platform.orchestration.build import build_all
from ml_platform.orchestration.hand_on import EXIT_CODE
from ml_platform.settings import load_settings
from ml_platform_tests.orchestration.small_model import write_model

STATM = pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="only Linux tells what a process holds")


@pytest.fixture
def instance(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dg.DagsterInstance]:
    monkeypatch.setenv("ML_PLATFORM_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("ML_PLATFORM_DEFS", str(tmp_path / "defs"))
    monkeypatch.delenv("ML_PLATFORM_ONLY", raising=False)
    with dg.instance_for_test() as found:
        yield found


def run(instance: dg.DagsterInstance, *stages: str) -> dg.ExecuteInProcessResult:
    return (
        build_all(load_settings())
        .resolve_job_def("parcels_release")
        .execute_in_process(
            instance=instance,
            asset_selection=[dg.AssetKey(["parcels", stage]) for stage in stages],
            raise_on_error=False,
        )
    )


@STATM
# The error may come within a finaliser, where Python swallows it with these words; it is raised again then.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.filterwarnings("ignore:unclosed file:ResourceWarning")  # of a file that was just being read
def test_a_stage_over_its_memory_fails_in_words_and_leaves_nothing(
    tmp_path: Path, instance: dg.DagsterInstance
) -> None:
    write_model(tmp_path, ("  policy:\n", "  resources:\n    snapshot: {memory: 1MiB}\n  policy:\n"))
    done = run(instance, "source", "snapshot", "quarantine")
    assert not done.success
    (event,) = done.filter_events(lambda one: one.is_step_failure)
    said = event.step_failure_data.user_failure_data
    assert said is not None
    assert str(said.description).startswith("parcels/snapshot: its process held ")
    assert "the model file allows 1 MiB (resources: memory)" in str(said.description)
    assert said.metadata is not None
    assert said.metadata[EXIT_CODE].value == 4
    home = tmp_path / "home"
    assert not [path for path in (home / "snapshots").glob("*") if not path.name.startswith(".")]
    assert [(one.stage, one.outcome) for one in SpentLog(home).read("parcels")] == [
        ("source", "worked"),
        ("snapshot", "failed"),
    ]


def test_a_stage_waits_in_its_pool_and_runs_when_there_is_a_slot(tmp_path: Path, instance: dg.DagsterInstance) -> None:
    write_model(tmp_path, ("  policy:\n", "  resources:\n    default: {memory: 64GiB, seconds: 600}\n  policy:\n"))
    instance.event_log_storage.set_concurrency_slots("data", 1)
    done = run(instance, "source", "snapshot", "quarantine")
    assert done.success
    (made,) = [
        event.materialization.metadata
        for event in done.get_asset_materialization_events()
        if event.asset_key == dg.AssetKey(["parcels", "snapshot"])
    ]
    assert {"stage_cpu_seconds", "stage_wall_seconds", "stage_peak_memory_mib"} <= set(made)
    assert "stage_cost" not in made
    assert instance.event_log_storage.get_concurrency_info("data").claimed_slots == []


def test_a_process_that_has_to_end_tells_dagster_before(
    instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    @dg.asset
    def busy(context: dg.AssetExecutionContext) -> None:
        hand_on._end(context, "parcels/model: far over its limit")

    ended: list[str] = []
    monkeypatch.setattr(hand_on, "end_process", ended.append)
    run_id = dg.materialize([busy], instance=instance, raise_on_error=False).run_id
    assert ended == ["parcels/model: far over its limit"]
    failures = instance.all_logs(run_id, of_type=dg.DagsterEventType.RUN_FAILURE)
    assert "far over its limit" in str(failures[0])
