"""Dagster's daemon on a project, as a machine runs it, and the end that a machine may give it."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import dagster as dg
import psutil

from ml_platform_tests.flow.project import ROOT, Project

# The daemon looks often, so that a drill ends; one run is killed more often than on any machine.
IMPATIENT = (
    ("poll_interval_seconds: 30", "poll_interval_seconds: 2"),
    ("max_retries: 3", "max_retries: 20"),
)
PATIENT = {"DAGSTER_GRPC_TIMEOUT_SECONDS": "600"}  # a busy machine may need more than a minute to launch a run
WORKSPACE = """\
load_from:
  - python_module: {{module_name: {module}, working_directory: ., location_name: ml_platform}}
"""


@dataclass(slots=True)
class Machine:
    """A machine on which the daemon of a project runs, until its power is lost."""

    project: Project
    _daemon: subprocess.Popen[bytes] | None = None
    _orphans: list[psutil.Process] = field(default_factory=list)

    def start(self) -> None:
        """Start the daemon."""
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "DAGSTER_HOME": str(self.project.folder), **PATIENT}
        environment = {name: value for name, value in environment.items() if not name.startswith("COVERAGE_")}
        command = [sys.executable, "-m", "dagster._daemon", "run", "-w", "workspace.yaml"]
        with (self.project.folder / "daemon.log").open("ab") as said:
            self._daemon = subprocess.Popen(command, cwd=self.project.folder, env=environment, stdout=said, stderr=said)

    def kill_daemon(self) -> None:
        """Kill the daemon alone: what it started lives on."""
        assert self._daemon is not None
        self._orphans += _children(self._daemon)
        self._daemon.kill()
        self._daemon.wait(30)

    def lose_power(self) -> None:
        """Kill the daemon with everything that it has started."""
        if self._daemon is None:
            return
        everyone = [*_children(self._daemon), *self._orphans]
        for each in everyone:
            with contextlib.suppress(psutil.NoSuchProcess):
                each.kill()
        self._daemon.kill()
        self._daemon.wait(30)
        psutil.wait_procs(everyone, timeout=30)


def _children(process: subprocess.Popen[bytes]) -> list[psutil.Process]:
    return psutil.Process(process.pid).children(recursive=True) if process.poll() is None else []


@contextlib.contextmanager
def machine(project: Project) -> Iterator[Machine]:
    """Yield a machine on which the daemon runs; nothing of it is left at the end."""
    found = Machine(project)
    found.start()
    try:
        yield found
    finally:
        found.lose_power()


def make_impatient(project: Project, module: str) -> None:
    """Let the daemon of a project load a module, and look often at what became of its runs."""
    settings = project.folder / "dagster.yaml"
    text = settings.read_text()
    for patient, impatient in IMPATIENT:
        assert patient in text
        text = text.replace(patient, impatient)
    settings.write_text(text)
    (project.folder / "workspace.yaml").write_text(WORKSPACE.format(module=module))


def wait_until(project: Project, what: str, true: Callable[[], bool], *, seconds: float) -> None:
    """Wait until something is true; what the daemon said, and how its runs are, when it doesn't become true."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if true():
            return
        time.sleep(0.2)
    with dg.DagsterInstance.from_config(str(project.folder)) as instance:
        found = [(one.job_name, one.status.value, one.run_id[:8]) for one in instance.get_runs()]
    said = (project.folder / "daemon.log").read_text()[-4000:]
    raise AssertionError(f"not within {seconds:.0f} s: {what}; runs, newest first: {found}\n{said}")
