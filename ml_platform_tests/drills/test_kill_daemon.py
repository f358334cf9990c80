"""Kill Dagster's daemon with all it has started, at any point: a reason to retrain is followed once, and to its end."""

from __future__ import annotations

import contextlib
import os
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import dagster as dg
import psutil
import pytest

from ml_platform.adapters.ledger import verify_audit
from ml_platform.adapters.ledger.checkpoints import Checkpoints, target_of
from ml_platform.adapters.platform import open_platform
from ml_platform.adapters.signing_keys import FileSigningKeys
from ml_platform.settings import load_settings
from ml_platform.stages.retraining import REQUESTED
from ml_platform_tests.flow.project import MODEL, ROOT, Project, project_in
from ml_platform_tests.flow.traffic import serve_badly
from ml_platform_tests.orchestration.small_model import POLICY, WAIVED

MONTH = "2025-10"
LONGEST_SECONDS = 45.0
PATIENCE_SECONDS = 420.0
JOB = f"{MODEL}_retrain"
# The daemon's own patience is made short, so that a drill ends.
IMPATIENT = ("poll_interval_seconds: 30", "poll_interval_seconds: 3")
WORKSPACE = """\
load_from:
  - python_module: {module_name: ml_platform.definitions, working_directory: ., location_name: ml_platform}
"""


@pytest.mark.drill
def test_a_killed_daemon_retrains_once_and_to_the_end(tmp_path: Path, drill_count: Callable[[int, int], int]) -> None:
    rng = random.Random(20130701)
    with project_in(tmp_path, tracking=None) as project:
        prepare(project)
        for _ in range(drill_count(1, 10)):
            with daemon(project):
                time.sleep(rng.uniform(5.0, LONGEST_SECONDS))
        with daemon(project):
            wait_for_the_end(project)
        check(project)


def prepare(project: Project) -> None:
    """Let a version go live, serve a month that it says nothing of, and judge it: a reason to retrain."""
    project.write((POLICY, WAIVED))
    settings = project.folder / "dagster.yaml"
    text = settings.read_text()
    assert IMPATIENT[0] in text
    settings.write_text(text.replace(*IMPATIENT))
    (project.folder / "workspace.yaml").write_text(WORKSPACE)
    assert project.call("run", MODEL).code == 0
    assert project.call("promote", MODEL, "--env", "production", "--reason", "a drill").code == 0
    live = project.live("production")
    assert live is not None
    serve_badly(project.home, live, MONTH)
    tags = f'{{"dagster/partition": "{MONTH}"}}'
    said = project.call(
        "dagster", "job", "execute", "-m", "ml_platform.definitions", "-j", f"{MODEL}_monitor", "--tags", tags
    )
    assert said.code == 1, said.err  # an alarm


@contextlib.contextmanager
def daemon(project: Project) -> Iterator[None]:
    """Run the daemon, and kill it with everything that it has started."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "DAGSTER_HOME": str(project.folder)}
    environment = {name: value for name, value in environment.items() if not name.startswith("COVERAGE_")}
    command = [sys.executable, "-m", "dagster._daemon", "run", "-w", "workspace.yaml"]
    with (project.folder / "daemon.log").open("ab") as said:
        child = subprocess.Popen(command, cwd=project.folder, env=environment, stdout=said, stderr=said)
    try:
        yield
    finally:
        everyone = psutil.Process(child.pid).children(recursive=True) if child.poll() is None else []
        for each in [*everyone, child]:
            with contextlib.suppress(psutil.NoSuchProcess, ProcessLookupError):
                each.kill()
        child.wait(30)
        psutil.wait_procs(everyone, timeout=30)


def runs(project: Project) -> list[dg.DagsterRun]:
    """Return the runs of retraining, newest first."""
    with dg.DagsterInstance.from_config(str(project.folder)) as instance:
        return list(instance.get_runs(dg.RunsFilter(job_name=JOB)))


def wait_for_the_end(project: Project) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        found = runs(project)
        if found and found[0].status is dg.DagsterRunStatus.SUCCESS:
            return
        time.sleep(2.0)
    said = (project.folder / "daemon.log").read_text()[-3000:]
    raise AssertionError(f"retraining didn't end: {[one.status for one in runs(project)]}\n{said}")


def check(project: Project) -> None:
    """One cause, one run with its repetitions, one new version, one live, and a whole history."""
    found = runs(project)
    roots = {one.root_run_id or one.run_id for one in found}
    assert len(roots) == 1, [(one.run_id, one.root_run_id, one.status) for one in found]
    assert Counter(one.status for one in found)[dg.DagsterRunStatus.SUCCESS] == 1
    with open_platform(load_settings()) as platform:
        causes = [entry.payload["cause"] for entry in platform.ledger.all_of(REQUESTED, subject=MODEL)]
    assert len(causes) == len(set(causes)) == 1
    assert [release.version for release in project.releases()] == [1, 2]
    checkpoints = Checkpoints(target_of(project.home, ""), FileSigningKeys(project.home))
    assert verify_audit(project.home / "ledger.sqlite", checkpoints) == []
