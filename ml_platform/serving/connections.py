"""Connections: what a client may do below HTTP: how long a head may take and be, how many connections there are.

Uvicorn leaves these open: a client that never ends its request's head, or never reads its answer, would keep its
connection for ever, one that ends its side after a request would get no answer, and each connection takes a file.
"""

from __future__ import annotations

import asyncio
import contextlib
import resource
from typing import TYPE_CHECKING, Any, ClassVar

from ml_platform.core.errors import Unavailable
from ml_platform.serving.protocol import encode
from ml_platform.serving.quick_protocol import QuickProtocol
from ml_platform.serving.refusal import ErrorBody

if TYPE_CHECKING:
    from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

HEAD_SECONDS = 10.0
UNREAD_SECONDS = 30.0
HEAD_BYTES = 64 << 10
SWEEP_SECONDS = 1.0
# Each takes memory, whatever the system has in files.
MOST_CONNECTIONS = 16_384
# Files that aren't connections: logs, the ledger, sockets that listen.
OTHER_FILES = 128
FEWEST_FILES = 2 * OTHER_FILES
_REASONS = {
    400: "Bad Request",
    408: "Request Timeout",
    431: "Request Header Fields Too Large",
    503: "Service Unavailable",
}


def most_connections() -> int:
    """Return how many connections the process has files for; it takes more files where the system lets it.

    Raises Unavailable when there are too few to serve with.
    """
    limits, wanted = resource.getrlimit(resource.RLIMIT_NOFILE), MOST_CONNECTIONS + OTHER_FILES
    soft, hard = (wanted if each == resource.RLIM_INFINITY else min(each, wanted) for each in limits)
    if soft < hard:
        with contextlib.suppress(ValueError, OSError):  # some systems say "unlimited" and mean fewer
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, limits[1]))
            soft = hard
    if soft < FEWEST_FILES:
        message = f"serve: this process may open {soft} files at once, and {FEWEST_FILES} are needed"
        raise Unavailable(f"{message}: raise its limit (`ulimit -n`, or LimitNOFILE= of a systemd unit)")
    return soft - OTHER_FILES


class GuardedProtocol(QuickProtocol):
    """One connection; it is closed, with an answer where one is due, when its client breaks the rules."""

    most: ClassVar[int] = 1 << 20
    _sweeping: ClassVar[bool] = False

    def __init__(self, *arguments: Any, **named: Any) -> None:  # noqa: ANN401 - uvicorn's
        super().__init__(*arguments, **named)
        self._waiting_since: float | None = None  # for the head of a request
        self._head_bytes = 0
        self._ended = False
        self._unread = (0, 0.0)  # bytes of answers that wait for their reader, and since when it took none

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take a connection, unless there are too many."""
        super().connection_made(transport)
        self._waiting_since = self.loop.time()
        if len(self.connections) > self.most:
            self._refuse(503, "TEMPORARILY_UNAVAILABLE", "too many connections; come again later")
        if not GuardedProtocol._sweeping:
            GuardedProtocol._sweeping = True
            self.loop.call_later(SWEEP_SECONDS, self._sweep)

    def data_received(self, data: bytes) -> None:
        """Read on; a head that doesn't end is refused."""
        if self._waiting_since is not None:
            self._head_bytes += len(data)
            if self._head_bytes > HEAD_BYTES and self._head_does_not_end(data):
                self._refuse(431, "BAD_REQUEST", f"the request's head is larger than {HEAD_BYTES >> 10} KB")
                return
        super().data_received(data)

    def _head_does_not_end(self, data: bytes) -> bool:
        return self._head_bytes - len(data) > HEAD_BYTES or b"\r\n\r\n" not in data[:HEAD_BYTES]

    def on_headers_complete(self) -> None:
        """Begin a request: from now on the application looks at the clock."""
        self._waiting_since, self._head_bytes = None, 0
        super().on_headers_complete()

    def on_response_complete(self) -> None:
        """End a request, and the connection when its client said that no other comes."""
        super().on_response_complete()
        if self.cycle.response_complete and not self.pipeline:
            self.rests()
            if self._ended and not self.transport.is_closing():
                self.transport.close()

    def rests(self) -> None:
        """Wait for the next head."""
        self._waiting_since = self.loop.time()

    def eof_received(self) -> bool | None:  # type: ignore[override]
        """Keep a connection whose client ended its side after a whole request, until that is answered."""
        self._ended = True
        self.go_on()
        cycle: RequestResponseCycle | None = self.cycle  # none before the first request
        return cycle is not None and not cycle.response_complete and not cycle.more_body

    def send_400_response(self, msg: str) -> None:
        """Say that this isn't HTTP."""
        self._refuse(400, "BAD_REQUEST", msg)

    def _refuse(self, status: int, code: str, message: str) -> None:
        body = encode(ErrorBody(error_code=code, message=message))
        head = (
            f"HTTP/1.1 {status} {_REASONS[status]}\r\ncontent-type: application/json\r\n"
            f"content-length: {len(body)}\r\nconnection: close\r\n\r\n"
        )
        self.transport.write(head.encode() + body)
        self.transport.close()

    def _sweep(self) -> None:
        """Close all whose clients owe a head, or leave an answer unread, for too long; hold no request for longer."""
        for one in list(self.connections):
            if isinstance(one, GuardedProtocol):
                one.close_unread(self.loop.time())
                one.close_late(self.loop.time() - HEAD_SECONDS)
                one.go_on()
        GuardedProtocol._sweeping = bool(self.connections)
        if self.connections:
            self.loop.call_later(SWEEP_SECONDS, self._sweep)

    def close_late(self, since: float) -> None:
        """Close the connection if its client has owed a head since then, or longer."""
        if self._waiting_since is None or self._waiting_since > since or self.transport.is_closing():
            return
        if self._head_bytes:
            self._refuse(408, "BAD_REQUEST", f"the request's head didn't arrive within {HEAD_SECONDS:g} s")
        else:
            self.transport.close()

    def close_unread(self, now: float) -> None:
        """Give a connection up whose client has taken nothing of an answer for too long."""
        waiting = self.transport.get_write_buffer_size()
        if not waiting or waiting != self._unread[0]:
            self._unread = (waiting, now)
        elif now - self._unread[1] > UNREAD_SECONDS:
            self.transport.abort()
