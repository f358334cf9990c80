"""Quick protocol: a small request is answered right where its end was read.

Uvicorn makes a task, an event, timers and two messages of every request, which takes longer than to score a row. Here
the application is asked first, without any of them. What it wants time for goes uvicorn's way, as does all that isn't
the usual: a body that is long or late, `Expect`, `Upgrade`, HTTP/1.0, the last request of a connection, requests that
are sent before the last one is answered, clients that don't read.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, cast

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from ml_platform.serving.load import SMALL_BODY_BYTES, announced_bytes
from ml_platform.serving.reply import Reply

if TYPE_CHECKING:
    from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

    from ml_platform.serving.app import ScoringApp
    from ml_platform.serving.body import Scope


class QuickProtocol(HttpToolsProtocol):
    """One connection; `rests` is called whenever a request was answered at once."""

    def __init__(self, *arguments: Any, **named: Any) -> None:  # noqa: ANN401 - uvicorn's
        super().__init__(*arguments, **named)
        self._application = cast("ScoringApp", self.app)
        self._held: bytes | None = None  # the body, so far, of a request that uvicorn hasn't heard of
        self._held_since = 0.0
        self._may_hold = False

    def rests(self) -> None:
        """Hear that a request was answered and no other is under way."""

    def data_received(self, data: bytes) -> None:
        """Read on; only the first request of what came may be answered at once, so that others have their turn."""
        self._may_hold = True
        super().data_received(data)
        if self._held is not None and announced_bytes(cast("Scope", self.scope)) > SMALL_BODY_BYTES:
            self.go_on()  # what is held isn't counted

    def on_headers_complete(self) -> None:
        """Begin a request, or wait for its body first."""
        if self._may_hold and self._is_usual():
            self._held, self._held_since = b"", time.perf_counter()
        else:
            super().on_headers_complete()
        self._may_hold = False

    def on_body(self, body: bytes) -> None:
        """Take a part of the body."""
        if self._held is None:
            super().on_body(body)
        else:
            self._held += body

    def on_message_complete(self) -> None:
        """Answer at once, if the application can."""
        body = self._held
        if body is not None:
            scope = cast("Scope", self.scope)
            reply = self._application.at_once(self.url, scope, body, self._held_since)
            if reply is not None:
                self._held = None
                self._answer(reply)
                return
            self.go_on()
        super().on_message_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        """End; the application hears of a request that never became whole."""
        self.go_on()
        super().connection_lost(exc)

    def shutdown(self) -> None:
        """End once the request under way is answered."""
        self.go_on()
        super().shutdown()

    def go_on(self) -> None:
        """Go uvicorn's way with a request that is held, if one is."""
        body, self._held = self._held, None
        if body is not None:
            super().on_headers_complete()
            super().on_body(body)

    def _is_usual(self) -> bool:
        parser = self.parser
        cycle: RequestResponseCycle | None = self.cycle  # none before the first that goes uvicorn's way
        return (
            self.url in self._application.quick_urls
            and (cycle is None or cycle.response_complete)
            and not (self.expect_100_continue or self.flow.write_paused or self.transport.is_closing())
            and parser.get_method() == b"POST"
            and parser.get_http_version() == "1.1"
            and parser.should_keep_alive()
            and not parser.should_upgrade()
        )

    def _answer(self, reply: Reply) -> None:
        head = [
            STATUS_LINE[reply.status],
            b"content-type: %b\r\ncontent-length: %d\r\n" % (reply.content_type, len(reply.body)),
        ]
        for name, value in (*self.server_state.default_headers, *reply.headers):
            head.append(b"%b: %b\r\n" % (name, value))
        self.transport.write(b"".join([*head, b"\r\n", reply.body]))
        self.server_state.total_requests += 1
        if (b"connection", b"close") in reply.headers:
            self.transport.close()
        else:
            self.rests()
