"""What a real Dagster instance says of its daemon, its sensors and its queue."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.definitions.run_request import InstigatorType
from dagster._core.remote_origin import RemoteInstigatorOrigin
from dagster._core.scheduler.instigation import (
    InstigatorState,
    InstigatorStatus,
    SensorInstigatorData,
    TickData,
    TickStatus,
)
from dagster._daemon.types import DaemonHeartbeat

from ml_platform.orchestration.daemon_state import SENSOR_DAEMON, daemon_of, read_daemon
from ml_platform.orchestration.origin import repository

NOW = dt.datetime(2026, 5, 1, 12, tzinfo=dt.UTC)


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.instance_for_test() as found:
        yield found


def switch_on(instance: dg.DagsterInstance, name: str, *, ticked_before: float | None) -> None:
    origin = RemoteInstigatorOrigin(repository_origin=repository(), instigator_name=name)
    state = InstigatorState(origin, InstigatorType.SENSOR, InstigatorStatus.RUNNING, SensorInstigatorData())
    instance.add_instigator_state(state)
    if ticked_before is not None:
        at = NOW.timestamp() - ticked_before
        instance.create_tick(
            TickData(state.instigator_origin_id, name, InstigatorType.SENSOR, TickStatus.SKIPPED, at,
                     selector_id=state.selector_id)
        )  # fmt: skip


def test_where_no_daemon_ever_ran_nothing_is_known(instance: dg.DagsterInstance) -> None:
    found = read_daemon(instance, now=NOW)
    assert (found.heartbeat_seconds, found.sensors, found.queued, found.oldest_queued_seconds) == (None, {}, 0, None)


def test_heartbeat_and_ticks_have_their_ages(instance: dg.DagsterInstance) -> None:
    instance.add_daemon_heartbeat(DaemonHeartbeat(NOW.timestamp() - 7, SENSOR_DAEMON, "id", []))
    switch_on(instance, "ticks_sensor", ticked_before=30.0)
    switch_on(instance, "silent_sensor", ticked_before=None)
    found = read_daemon(instance, now=NOW)
    assert found.heartbeat_seconds == pytest.approx(7)
    assert found.sensors == {"ticks_sensor": pytest.approx(30.0), "silent_sensor": None}


def test_the_oldest_queued_run_waits(instance: dg.DagsterInstance) -> None:
    origin = repository().get_job_origin("flights_retrain")
    instance.add_run(
        dg.DagsterRun(job_name="flights_retrain", status=dg.DagsterRunStatus.QUEUED, remote_job_origin=origin)
    )
    later = dt.datetime.now(tz=dt.UTC) + dt.timedelta(hours=1)
    found = read_daemon(instance, now=later)
    assert found.queued == 1
    assert found.oldest_queued_seconds == pytest.approx(3600, abs=60)


def test_a_folder_without_an_instance_says_why(tmp_path: Path) -> None:
    assert "there is no dagster.yaml" in daemon_of(tmp_path, now=NOW).why


def test_a_projects_own_instance_is_asked(tmp_path: Path) -> None:
    (tmp_path / "dagster.yaml").write_text("telemetry: {enabled: false}\n")
    assert daemon_of(tmp_path, now=NOW).why == ""
