"""MLflow's own server for who has come through the guard: a child on a private socket, over a store it can't write.

It is started when somebody first asks for it: it costs seconds and some hundred megabytes.
"""

from __future__ import annotations

import contextlib
import http.client
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse, RedirectResponse, Response

from ml_platform.access.mlflow_reads import PREFIX
from ml_platform.core.errors import Unavailable
from ml_platform.settings import environment_of_mlflow

if TYPE_CHECKING:
    from starlette.requests import Request

START_SECONDS = 120
ANSWER_SECONDS = 60
END_SECONDS = 10
LARGEST_ANSWER = 100_000_000
_SQLITE = "sqlite:///"
# Cookies and tokens stay here: MLflow needs to know nobody.
_ASKED = ("accept", "accept-language", "content-type", "if-none-match", "if-modified-since")
_ANSWERED = ("content-type", "cache-control", "etag", "last-modified")
_POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self'; worker-src 'self' blob:; "
    "object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors 'none'"
)


@dataclass(slots=True)
class MlflowServer:
    """Answers with what MLflow shows; raises Unavailable when it can't. Close it at the end."""

    store: str
    _process: subprocess.Popen[bytes] | None = field(default=None, init=False)
    _folder: str = field(default="", init=False)
    _starting: threading.Lock = field(default_factory=threading.Lock, init=False)

    async def answer(self, request: Request) -> Response:
        """Return MLflow's answer to a request that the guard has let through."""
        if request.url.path == PREFIX:
            return RedirectResponse(f"{PREFIX}/", 303)
        body = await request.body()
        try:
            return await run_in_threadpool(self._ask, request, body)
        except Unavailable as error:
            return JSONResponse({"error": str(error)}, 503)

    def close(self) -> None:
        """End the child."""
        with self._starting:
            process, self._process = self._process, None
            if process is not None:
                process.terminate()
                try:
                    process.wait(END_SECONDS)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()
                _close_input(process)
            if self._folder:
                shutil.rmtree(self._folder, ignore_errors=True)
                self._folder = ""

    def _ask(self, request: Request, body: bytes) -> Response:
        headers = {name: request.headers[name] for name in _ASKED if name in request.headers}
        path = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        connection = _Private(self._running())
        try:
            connection.request(request.method, path, body or None, headers)
            answer = connection.getresponse()
            content = answer.read(LARGEST_ANSWER)
        except (OSError, http.client.HTTPException) as error:
            message = f"MLflow's server: gave no answer ({error}); it is started anew when asked again; try once more"
            raise Unavailable(message) from error
        finally:
            connection.close()
        kept = {name: value for name in _ANSWERED if (value := answer.headers.get(name)) is not None}
        return Response(content, answer.status, {**kept, "content-security-policy": _POLICY})

    def _running(self) -> str:
        """Return where the child listens, started when it isn't running."""
        with self._starting:
            if self._process is None or self._process.poll() is not None:
                self._start()
            return f"{self._folder}/socket"

    def _start(self) -> None:
        store = read_only(self.store)
        if self._process is not None:
            _close_input(self._process)
        if self._folder:
            shutil.rmtree(self._folder, ignore_errors=True)
        self._folder = tempfile.mkdtemp(prefix="ml_platform-mlflow-")  # for its owner alone
        command = [sys.executable, "-m", "ml_platform.access.mlflow_child", f"{self._folder}/socket"]
        self._process = subprocess.Popen(
            command,
            cwd=self._folder,
            env=environment_of_mlflow(_said(store)),
            stdin=subprocess.PIPE,  # its end is how the child learns that it is alone
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        until = time.monotonic() + START_SECONDS
        while time.monotonic() < until and self._process.poll() is None:
            if _listens(f"{self._folder}/socket"):
                return
            time.sleep(0.2)
        self._process.kill()
        message = (
            "MLflow's server: didn't start; `mlflow server` on the same store says why; what is live isn't touched"
        )
        raise Unavailable(message)


class _Private(http.client.HTTPConnection):
    """A connection to a socket in the file system."""

    def __init__(self, path: str) -> None:
        super().__init__("localhost", timeout=ANSWER_SECONDS)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


def _close_input(process: subprocess.Popen[bytes]) -> None:
    if process.stdin is not None:
        process.stdin.close()


def read_only(store: str) -> str:
    """Return a store's address through which it can't be written, where there is one; raises Unavailable.

    >>> read_only("postgresql+psycopg2://db/mlflow")
    'postgresql+psycopg2://db/mlflow'
    """
    if store.startswith(("http://", "https://")):
        raise Unavailable(
            "MLflow: its store is a server of its own (MLFLOW_TRACKING_URI), which shows itself; only a store that is "
            "a database is shown here; ask that server's owner"
        )
    if not store.startswith(_SQLITE):
        return store
    database = Path(store.removeprefix(_SQLITE))
    if not database.is_file():
        raise Unavailable(f"MLflow: {database} isn't there yet; it is made with the first training; run a model first")
    twice = quote(quote(str(database)))  # SQLAlchemy decodes it once, SQLite again
    return f"{_SQLITE}file:{twice}?mode=ro&uri=true"


def _said(store: str) -> dict[str, str]:
    """Return what MLflow's server reads; what begins with `_` is its own, of this version."""
    return {
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        "MLFLOW_TRACKING_URI": store,
        "_MLFLOW_SERVER_FILE_STORE": store,
        "_MLFLOW_SERVER_REGISTRY_STORE": store,
        "_MLFLOW_STATIC_PREFIX": PREFIX,
    }


def _listens(path: str) -> bool:
    with contextlib.closing(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)) as probe:
        return probe.connect_ex(path) == 0
