"""A project folder with one small model, and the commands that a person calls in it."""

from __future__ import annotations

import contextlib
import io
import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from ml_platform.adapters.platform import open_platform
from ml_platform.cli.main import main
from ml_platform.core.records import DeploymentRecord, ReleaseRecord
from ml_platform.settings import load_settings
from ml_platform_tests.orchestration.small_model import write_model

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd

ROOT = Path(__file__).parents[2]
MODEL = "parcels"


@dataclass(frozen=True)
class Said:
    """What a command printed and how it ended."""

    code: int
    out: str
    err: str


@dataclass(frozen=True)
class Project:
    """The folder; `home` holds the state."""

    folder: Path

    @property
    def home(self) -> Path:
        return self.folder / "home"

    @property
    def table(self) -> Path:
        return self.folder / "parcels.csv"

    def write(self, *changes: tuple[str, str], table: pd.DataFrame | None = None) -> None:
        """Write the model file with its changes, and its table."""
        write_model(self.folder, *changes, table=table)

    def ask(self, *arguments: str) -> Said:
        """Call a command in this process: its imports are paid already."""
        out, err = io.StringIO(), io.StringIO()
        with (
            contextlib.redirect_stdout(out),
            contextlib.redirect_stderr(err),
            pytest.raises(SystemExit) as end,
        ):
            main(list(arguments))
        code = end.value.code
        return _readable(Said(code if isinstance(code, int) else 0, out.getvalue(), err.getvalue()))

    def call(self, *command: str, most_bytes: int | None = None) -> Said:
        """Call `ml-platform` (or with `dagster` first, Dagster) as a process; no file may outgrow `most_bytes`."""
        environment = _environment()
        if most_bytes is not None:  # coverage's own data file would outgrow it too, and its trace isn't ours
            environment = {name: value for name, value in environment.items() if not name.startswith("COVERAGE_")}
        done = subprocess.run(
            _command(command), cwd=self.folder, env=environment, capture_output=True, text=True, check=False,
            preexec_fn=None if most_bytes is None else _small_disk(most_bytes),
        )  # fmt: skip
        return _readable(Said(done.returncode, done.stdout, done.stderr))

    def run_and_signal(self, number: signal.Signals, *, at: str, after: float = 0.0) -> Said:
        """Run the model, and send a signal to the process group, as a terminal does, so long after a stage began."""
        with subprocess.Popen(
            _command(("run", MODEL)), cwd=self.folder, env=_environment(), text=True, start_new_session=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        ) as child:  # fmt: skip
            assert child.stdout is not None
            seen = []
            for line in child.stdout:
                seen.append(line)
                if line.lstrip().startswith("…") and line.rstrip().endswith(at):
                    time.sleep(after)
                    with contextlib.suppress(ProcessLookupError):  # it ended meanwhile
                        os.killpg(child.pid, number)
                    break
            out, err = child.communicate(timeout=120)
        return _readable(Said(child.returncode, "".join(seen) + out, err))

    @contextlib.contextmanager
    def serve(self, environment: str) -> Iterator[int]:
        """Serve what is live as a person does, in a process of its own; yield the port."""
        port_file = self.folder / "port"
        words = ("serve", MODEL, "--env", environment, "--port", "0", "--port-file", str(port_file))
        with (self.folder / "serve.log").open("wb") as said:
            child = subprocess.Popen(_command(words), cwd=self.folder, env=_environment(), stdout=said, stderr=said)
        try:
            deadline = time.monotonic() + 90
            while not port_file.exists():
                assert child.poll() is None, (self.folder / "serve.log").read_text()
                assert time.monotonic() < deadline, "the service didn't come up"
                time.sleep(0.05)
            yield int(port_file.read_text())
        finally:
            child.terminate()
            child.wait(30)

    def live(self, environment: str) -> DeploymentRecord | None:
        """Return what is live."""
        with open_platform(load_settings()) as platform:
            return platform.ledger.live(MODEL, environment)

    def releases(self) -> tuple[ReleaseRecord, ...]:
        """Return every version."""
        with open_platform(load_settings()) as platform:
            return tuple(platform.ledger.releases(MODEL))

    def half_written(self) -> list[Path]:
        """Return what a write that never ended has left behind."""
        return [path for path in self.home.rglob("*") if ".draft" in path.name or path.suffix in {".tmp", ".making"}]


@contextlib.contextmanager
def project_in(folder: Path, tracking: str | None) -> Iterator[Project]:
    """Make the folder a project and the working directory, with settings of its own."""
    shutil.copy(ROOT / "dagster.yaml", folder)
    write_model(folder)
    with working_in(folder, tracking) as project:
        yield project


@contextlib.contextmanager
def working_in(folder: Path, tracking: str | None) -> Iterator[Project]:
    """Make the folder of a project the working directory, with settings of its own."""
    settings = {
        "ML_PLATFORM_HOME": str(folder / "home"),
        "ML_PLATFORM_DEFS": str(folder / "defs"),
        "ML_PLATFORM_ACTOR": "robin",
    } | ({"MLFLOW_TRACKING_URI": tracking} if tracking else {})
    with pytest.MonkeyPatch.context() as patch:
        for name, value in settings.items():
            patch.setenv(name, value)
        patch.chdir(folder)
        yield Project(folder)


def _readable(said: Said) -> Said:
    assert "Traceback" not in said.out + said.err, said.err
    return said


def _command(words: tuple[str, ...]) -> list[str]:
    if words[0] == "dagster":
        return [str(Path(sys.executable).with_name("dagster")), *words[1:]]
    return [sys.executable, "-m", "ml_platform.cli", *words]


def _environment() -> dict[str, str]:
    # The features of the small model belong to the tests; a pipe isn't read line by line unless told so.
    return {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}


def _small_disk(most_bytes: int) -> Callable[[], None]:
    def limit() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (most_bytes, most_bytes))

    return limit
