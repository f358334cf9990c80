"""The tour, taken for real: every command is run in order, and everything the pages show is said.

Minutes of work, so it's a drill: `make drills` takes it, `make test` holds the commands and names only.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from ml_platform_tests.docs.pages import DOCS, ROOT, blocks_of, commands
from ml_platform_tests.docs.said import missing

BIN = Path(sys.executable).parent
SKIPPED = ("make setup", "source ", "make ui")
REFUSED = {
    "dagster job execute -m ml_platform.definitions -j health_cost_release": 1,
    "ml-platform controls flights": 1,
    "ml-platform promote flights/2 --env production --reason 'once more'": 1,
}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    for name in ("dagster.yaml", "workspace.yaml"):
        shutil.copy(ROOT / name, tmp_path)
    return tmp_path


def environment(project: Path) -> dict[str, str]:
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("ML_PLATFORM", "MLFLOW_TRACKING"))}
    path = f"{BIN}{os.pathsep}{os.environ['PATH']}"
    return {**kept, "PATH": path, "DAGSTER_HOME": str(project), "OMP_WAIT_POLICY": "passive"}


class Walk:
    """Runs the commands of a page one after the other; a service runs until the next command but a request."""

    def __init__(self, project: Path) -> None:
        self._project = project
        self._service: subprocess.Popen[bytes] | None = None
        self._url = ""

    def run(self, command: str) -> str:
        """Run a command and return what it said; its exit code has to be the expected one."""
        if command.startswith("ml-platform serve"):
            self._serve(command)
            return ""
        if command.startswith("curl"):
            command = command.replace("localhost:8080", self._url)
        else:
            self.stop()
        command = command.replace("make run", "ml-platform run flights")
        done = subprocess.run(
            ["bash", "-c", command], cwd=self._project, env=environment(self._project), capture_output=True, text=True,
            check=False,
        )  # fmt: skip
        assert done.returncode == REFUSED.get(command, 0), done.stdout + done.stderr
        return done.stdout + done.stderr

    def stop(self) -> None:
        """End the service, as Ctrl-C does."""
        if self._service is not None:
            self._service.terminate()
            assert self._service.wait(timeout=30) == 0
            self._service = None

    def _serve(self, command: str) -> None:
        port = self._project / "port"
        words = [*command.split(), "--port", "0", "--port-file", str(port)]
        self._service = subprocess.Popen(words, cwd=self._project, env=environment(self._project))
        deadline = time.monotonic() + 60
        while not port.exists():
            assert time.monotonic() < deadline, "the service doesn't answer"
            time.sleep(0.05)
        self._url = f"127.0.0.1:{port.read_text().strip()}"


@pytest.fixture
def walk(project: Path) -> Iterator[Walk]:
    walk = Walk(project)
    yield walk
    walk.stop()


@pytest.mark.drill
def test_the_tour_is_as_it_is_told(walk: Walk, request: pytest.FixtureRequest) -> None:
    if request.config.getoption("drills") != "full":
        pytest.skip("takes minutes: `make drills`")
    said = told = ""
    for block in blocks_of(DOCS / "tour.md"):
        if block.language == "sh":
            said = "\n".join(walk.run(one) for one in commands(block.text) if not one.startswith(SKIPPED))
            told += said
        elif block.language == "text":
            assert missing(said, block.text) == [], f"{block.where} isn't what was said:\n{said}"
    for page in (ROOT / "README.md", DOCS / "retraining.md", DOCS / "lock.md"):
        shown = next(block for block in blocks_of(page) if block.language == "text")
        assert missing(told, shown.text) == [], f"{shown.where} isn't what was said"
    assert re.search(r"selection_rate_ratio of female=0 vs female=1 = 0\.34", told), "the README says 0.34"
