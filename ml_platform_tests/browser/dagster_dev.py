"""The real `dagster dev` or `ml-platform web` on a home of its own: on a free port, ended with all of its children."""

from __future__ import annotations

import contextlib
import http.client
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[2]
PATIENCE_SECONDS = 180


class DidNotStart(RuntimeError):
    """The server ended or never answered; the message holds what it said."""


def dagster_dev(home: Path, environment: Mapping[str, str]) -> AbstractContextManager[str]:
    """Serve the UI of the project in `home` (its dagster.yaml and workspace.yaml), and yield its address."""
    return _served(["dagster", "dev", "--host", "127.0.0.1"], home, environment)


def guarded_web(home: Path, environment: Mapping[str, str]) -> AbstractContextManager[str]:
    """Serve the same behind sign-in and roles, without the daemon: what is launched stays in the queue."""
    return _served(["ml_platform.cli", "web", "--no-daemon"], home, environment)


@contextmanager
def _served(command: Sequence[str], home: Path, environment: Mapping[str, str]) -> Iterator[str]:
    for name in ("dagster.yaml", "workspace.yaml"):
        shutil.copy(ROOT / name, home / name)
    address, said = f"http://127.0.0.1:{_free_port()}", home / "server.log"
    with said.open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", *command, "--port", address.rpartition(":")[2]],
            cwd=home,
            env={**os.environ, "PYTHONPATH": str(ROOT), "DAGSTER_HOME": str(home), "HOME": str(home), **environment},
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # its own group: web server, daemon and code server end together
        )
    try:
        _await(process, address.removeprefix("http://"), said)
        yield address
    finally:
        _end(process)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        return int(found.getsockname()[1])


def _await(process: subprocess.Popen[bytes], place: str, said: Path) -> None:
    end = time.monotonic() + PATIENCE_SECONDS
    while process.poll() is None and time.monotonic() < end:
        with contextlib.suppress(OSError), contextlib.closing(http.client.HTTPConnection(place, timeout=5)) as web:
            web.request("GET", "/server_info")
            if web.getresponse().status in {200, 401}:
                return
        time.sleep(0.2)
    raise DidNotStart(said.read_text(encoding="utf-8", errors="replace")[-4000:])


def _end(process: subprocess.Popen[bytes]) -> None:
    """End the whole group: politely, then for certain."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout=20)
