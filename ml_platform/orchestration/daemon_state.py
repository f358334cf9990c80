"""What Dagster's instance knows of its daemon, its sensors and its queue."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING

import dagster as dg

from ml_platform.core.errors import Unavailable
from ml_platform.core.health import Daemon

if TYPE_CHECKING:
    # Dagster's own, of the pinned version; it exports the instance's methods and not this type.
    from dagster._core.scheduler.instigation import InstigatorState

SENSOR_DAEMON = "SENSOR"


def read_daemon(instance: dg.DagsterInstance, *, now: dt.datetime) -> Daemon:
    """Return the ages of the sensor daemon's heartbeat and of each running sensor's last tick, and the queue."""
    beat = instance.get_daemon_heartbeats().get(SENSOR_DAEMON)
    queued = dg.RunsFilter(statuses=[dg.DagsterRunStatus.QUEUED])
    oldest = instance.get_run_records(queued, limit=1, ascending=True)
    return Daemon(
        heartbeat_seconds=None if beat is None else max(now.timestamp() - beat.timestamp, 0.0),
        sensors=_sensors(instance, now),
        queued=instance.get_runs_count(queued),
        oldest_queued_seconds=max((now - one.create_timestamp).total_seconds() for one in oldest) if oldest else None,
    )


def daemon_of(root: Path, *, now: dt.datetime) -> Daemon:
    """Return the same of the instance of a project's folder; where it can't be asked, why nothing is known."""
    from ml_platform.orchestration.launch import open_dagster

    try:
        with open_dagster(root, dg.Definitions()) as opened:
            return read_daemon(opened.instance, now=now)
    except Unavailable as error:
        return Daemon(why=str(error))


def _sensors(instance: dg.DagsterInstance, now: dt.datetime) -> dict[str, float | None]:
    from dagster._core.definitions.run_request import InstigatorType

    states = instance.all_instigator_state(instigator_type=InstigatorType.SENSOR)
    return {one.name: _age(instance, one, now) for one in states if one.is_running}


def _age(instance: dg.DagsterInstance, state: InstigatorState, now: dt.datetime) -> float | None:
    ticks = instance.get_ticks(state.instigator_origin_id, state.selector_id, limit=1)
    return max(now.timestamp() - ticks[0].timestamp, 0.0) if ticks else None
