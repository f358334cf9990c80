"""Load on a scoring service: requests at a steady rate over keep-alive connections, every answer kept."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

CONNECTIONS = 4


@dataclass(frozen=True, slots=True)
class Answer:
    """What was answered to a row, and when on this machine's monotonic clock."""

    row: int
    sent: float
    received: float
    version: int
    score: float
    identity: str


@dataclass(slots=True)
class Load:
    """Asks for rows in turn; `lost` counts connections that ended before their answer, `refused` has other answers."""

    port: int
    bodies: Sequence[bytes]
    per_second: float = float("inf")
    answers: list[Answer] = field(default_factory=list)
    refused: list[tuple[float, bytes]] = field(default_factory=list)
    lost: int = 0
    _stop: threading.Event = field(default_factory=threading.Event)

    @contextmanager
    def running(self) -> Iterator[Load]:
        """Ask from several threads for the time of the block."""
        threads = [threading.Thread(target=self._ask_on, args=(number,)) for number in range(CONNECTIONS)]
        for thread in threads:
            thread.start()
        try:
            yield self
        finally:
            self._stop.set()
            for thread in threads:
                thread.join(30)
        assert not any(thread.is_alive() for thread in threads)

    def _ask_on(self, number: int) -> None:
        began, asked, connection = time.monotonic(), 0, None
        while not self._stop.is_set():
            due = began + asked * CONNECTIONS / self.per_second
            time.sleep(max(0.0, due - time.monotonic()))
            row = (asked * CONNECTIONS + number) % len(self.bodies)
            asked += 1
            try:
                connection = connection or socket.create_connection(("127.0.0.1", self.port), timeout=20)
                self._ask(connection, row)
            except OSError:
                self.lost += 1
                if connection is not None:
                    connection.close()
                connection = None
        if connection is not None:
            connection.close()

    def _ask(self, connection: socket.socket, row: int) -> None:
        sent = time.monotonic()
        connection.sendall(request(self.bodies[row]))
        status, body = reply(connection)
        if status != b"200":
            self.refused.append((time.monotonic(), body))
            return
        said = json.loads(body)
        (score,), (identity,) = said["predictions"], said["prediction_ids"]
        self.answers.append(Answer(row, sent, time.monotonic(), said["version"], score, identity))


def request(body: bytes) -> bytes:
    """Return a whole request."""
    head = b"POST /invocations HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"
    return head % len(body) + body


def reply(connection: socket.socket) -> tuple[bytes, bytes]:
    """Return the status and the body of the next answer; raises ConnectionError when it never ends."""
    content = b""
    while b"\r\n\r\n" not in content:
        content += _more(connection)
    head, _, body = content.partition(b"\r\n\r\n")
    length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0])
    while len(body) < length:
        body += _more(connection)
    return head.split(b" ")[1], body


def _more(connection: socket.socket) -> bytes:
    part = connection.recv(1 << 16)
    if not part:
        raise ConnectionError("the connection ended before its answer")
    return part
