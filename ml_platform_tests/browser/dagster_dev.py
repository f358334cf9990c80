"""The real `dagster dev` on a home of its own: started on a free port, ended with all of its children."""

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
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[2]
PATIENCE_SECONDS = 180


class DidNotStart(RuntimeError):
    """`dagster dev` ended or never answered; the message holds what it said."""


@contextmanager
def dagster_dev(home: Path, environment: Mapping[str, str]) -> Iterator[str]:
    """Serve the UI of the project in `home` (its dagster.yaml and workspace.yaml), and yield its address."""
    for name in ("dagster.yaml", "workspace.yaml"):
        shutil.copy(ROOT / name, home / name)
    address, said = f"http://127.0.0.1:{_free_port()}", home / "dagster-dev.log"
    with said.open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "dagster", "dev", "--host", "127.0.0.1", "--port", address.rpartition(":")[2]],
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
            if web.getresponse().status == 200:
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
