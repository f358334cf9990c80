"""The run launcher: launches as Dagster's default one does, and can say whether the process of a run is still there.

Dagster's default launcher can't: a run whose process was killed together with the code server, as when a machine loses
power, would count as under way for good, and keep every later run of its model in the queue.
"""

from __future__ import annotations

import json
import os
import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

# Dagster's own, of the pinned version: what its run monitoring asks a launcher for.
from dagster._core.events import DagsterEventType
from dagster._core.launcher import CheckRunHealthResult, DefaultRunLauncher, WorkerStatus
from dagster._core.storage.tags import GRPC_INFO_TAG

if TYPE_CHECKING:
    import dagster as dg
    from dagster._core.launcher import LaunchRunContext

PLACE_TAG = "ml_platform/place"
STARTED = "Started process for run"
HERE = frozenset({"localhost", "127.0.0.1", "::1"})
SLACK_SECONDS = 10.0
PROC = Path("/proc")
_ENDED = frozenset("ZX")  # a zombie's work is over too


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where processes live: a host since it was started; `booted` is when that was, on the clock of the events.

    `process` is known before the run says it only where the run's process is the one that launches it.
    """

    host: str
    boot: str
    booted: float
    process: int | None = None

    def tags(self) -> dict[str, str]:
        """Return the run's tag that says it."""
        said = {"host": self.host, "boot": self.boot, "booted": self.booted, "process": self.process}
        return {PLACE_TAG: json.dumps(said)}


def this_place(process: int | None = None) -> Place | None:
    """Return where this process lives; None where the operating system doesn't tell."""
    try:
        boot = (PROC / "sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return None
    booted = time.time() - time.clock_gettime(time.CLOCK_BOOTTIME)
    return Place(host=socket.gethostname(), boot=boot, booted=booted, process=process)


class LocalRunLauncher(DefaultRunLauncher):
    """Launches runs against the code server, and looks after those that run on this machine."""

    @property
    def supports_check_run_worker_health(self) -> bool:
        """Say that Dagster's run monitoring may ask."""
        return True

    def launch_run(self, context: LaunchRunContext) -> None:
        """Launch a run, with a tag that says where its process lives."""
        here = this_place()
        self._instance.add_run_tags(context.dagster_run.run_id, here.tags() if here else {PLACE_TAG: ""})
        super().launch_run(context)

    def check_run_worker_health(self, run: dg.DagsterRun) -> CheckRunHealthResult:
        """Say whether the run's process is there; what can't be seen from here counts as there."""
        place = _place_of(run.tags)
        here = this_place()
        if place is None or here is None or place.host != here.host:
            return CheckRunHealthResult(WorkerStatus.RUNNING, "its process can't be seen from here")
        if place.boot != here.boot:
            return CheckRunHealthResult(WorkerStatus.NOT_FOUND, f"{place.host} was started anew since")
        process, since = (place.process, None) if place.process is not None else self._process_of(run)
        if process is None or _is_there(process, place, since):
            return CheckRunHealthResult(WorkerStatus.RUNNING)
        return CheckRunHealthResult(WorkerStatus.NOT_FOUND, f"process {process} of {place.host} is gone")

    def _process_of(self, run: dg.DagsterRun) -> tuple[int | None, float | None]:
        """Return the run's process and when it said so."""
        said = self._instance.all_logs(run.run_id, of_type=DagsterEventType.ENGINE_EVENT)
        for entry in said:
            event = entry.dagster_event
            if event is not None and (event.message or "").startswith(STARTED):
                return int(str(event.engine_event_data.metadata["pid"].value)), entry.timestamp
        return None, None


def _place_of(tags: Mapping[str, str]) -> Place | None:
    """Return where a run's process lives, None where that isn't known or isn't the machine that launched it."""
    if not tags.get(PLACE_TAG):
        return None
    server = json.loads(tags.get(GRPC_INFO_TAG, "{}"))
    if server and "socket" not in server and server.get("host") not in HERE:
        return None
    return Place(**json.loads(tags[PLACE_TAG]))


def _is_there(process: int, place: Place, said_at: float | None) -> bool:
    """Say whether a process is there, and is the one that said its number then: numbers are given again."""
    try:
        fields = (PROC / str(process) / "stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return False
    if fields[0] in _ENDED:
        return False
    began = place.booted + int(fields[19]) / os.sysconf("SC_CLK_TCK")
    return said_at is None or began <= said_at + SLACK_SECONDS
