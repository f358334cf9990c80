"""Ways to ask: the ASGI application in this process, or a real server process over HTTP."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ml_platform.adapters.keys import FileKeys
from ml_platform.adapters.traffic_log import TrafficLog
from ml_platform.serving.app import ScoringApp
from ml_platform_tests.serving.small_model import MODEL

JSON = ((b"content-type", b"application/json"),)


@dataclass(frozen=True, slots=True)
class Reply:
    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Asker:
    """Asks one application, on an event loop of its own."""

    def __init__(self, app: ScoringApp) -> None:
        self.app = app
        self.runner = asyncio.Runner()
        self.look()

    def look(self) -> None:
        self.runner.run(self.app.follower.look())

    def ask(
        self,
        method: str,
        path: str,
        parts: Sequence[bytes] = (b"",),
        headers: Sequence[tuple[bytes, bytes]] = JSON,
        *,
        query: bytes = b"",
    ) -> Reply:
        scope = {"type": "http", "method": method, "path": path, "headers": list(headers), "query_string": query}
        waiting = [
            {"type": "http.request", "body": part, "more_body": index < len(parts) - 1}
            for index, part in enumerate(parts)
        ]
        sent: list[Any] = []

        async def receive() -> Any:
            return waiting.pop(0) if waiting else {"type": "http.disconnect"}

        async def send(message: Any) -> None:
            sent.append(message)

        self.runner.run(self.app(scope, receive, send))
        start, *bodies = sent
        said = {name.decode(): value.decode() for name, value in start["headers"]}
        return Reply(start["status"], b"".join(body["body"] for body in bodies), said)

    def score(self, content: object) -> Reply:
        return self.ask("POST", "/invocations", [json.dumps(content).encode()])

    def score_rows(self, rows: Sequence[Mapping[str, object]]) -> Reply:
        return self.score({"dataframe_records": rows})


@contextlib.contextmanager
def asking(home: Path, environment: str = "staging") -> Iterator[Asker]:
    """Ask an application that serves what is live in `home`."""
    traffic = TrafficLog(home / "traffic" / environment / MODEL, keys=FileKeys(home))
    asker = Asker(ScoringApp(home, MODEL, environment, traffic=traffic))
    try:
        yield asker
    finally:
        traffic.close()
        asker.runner.close()


@dataclass(slots=True)
class Server:
    """A real server process; a thread of its own reads what it says, so that it never waits for its reader."""

    process: subprocess.Popen[str]
    port: int
    heard: Future[str] = field(default_factory=Future)

    def connect(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)

    def ask(self, method: str, path: str, body: bytes | None = None) -> Reply:
        with contextlib.closing(self.connect()) as connection:
            return send(connection, method, path, body)

    def end(self, number: signal.Signals = signal.SIGTERM) -> tuple[int, str]:
        self.process.send_signal(number)
        return self.ended()

    def ended(self) -> tuple[int, str]:
        """Wait for its end, and that of what it started; return its exit code and what all of them said."""
        said = self.heard.result(timeout=40)
        return self.process.wait(timeout=20), said


def send(
    connection: http.client.HTTPConnection,
    method: str,
    path: str,
    body: bytes | None = None,
    *,
    content_type: str = "application/json",
) -> Reply:
    """Send one request on a keep-alive connection."""
    connection.request(method, path, body, {"content-type": content_type})
    reply = connection.getresponse()
    return Reply(reply.status, reply.read(), dict(reply.getheaders()))


def command(home: Path, *arguments: str, model: str = MODEL, environment: str = "staging") -> list[str]:
    """Return the command line of a server process."""
    return [
        sys.executable, "-m", "ml_platform.serving", "--model", model, "--env", environment, "--home", str(home),
        *arguments,
    ]  # fmt: skip


@contextlib.contextmanager
def serving(home: Path, *arguments: str, program: str = "") -> Iterator[Server]:
    """Run a server process for the time of the block; `program` runs instead of the module, with its arguments."""
    port_file = home / "port"
    port_file.unlink(missing_ok=True)
    started = command(home, "--port", "0", "--port-file", str(port_file), *arguments)
    process = subprocess.Popen(
        [started[0], "-c", program, *started[3:]] if program else started,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    with process.stdout, ThreadPoolExecutor(1) as reader:
        heard = reader.submit(process.stdout.read)
        try:
            deadline = time.monotonic() + 60
            while not port_file.exists():
                assert process.poll() is None, heard.result()
                assert time.monotonic() < deadline, "the server didn't come up"
                time.sleep(0.01)
            yield Server(process, int(port_file.read_text()), heard)
        finally:
            if process.poll() is None:
                process.kill()
            process.wait()


def wait_until(true: Any, seconds: float = 20.0) -> None:
    """Wait for a condition that another process brings about."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it didn't happen in time"
        time.sleep(0.02)
