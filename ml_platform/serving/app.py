"""The scoring service as an ASGI application: few routes, no framework between the request and the trees."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import msgspec

from ml_platform.adapters.traffic_log import TrafficLog
from ml_platform.core.errors import Unavailable
from ml_platform.core.gate import Admitted, Asked, Gate, TurnedAway, Wanted
from ml_platform.serving import metrics, openapi, status
from ml_platform.serving.answer import Answered, answer, log_failure
from ml_platform.serving.body import JSON, Receive, Scope, Send, read_body
from ml_platform.serving.docs_page import POLICY, docs_page
from ml_platform.serving.feedback import FEEDBACK, FeedbackDesk
from ml_platform.serving.gates import OpenGate
from ml_platform.serving.live import Follower, Live
from ml_platform.serving.refusal import ErrorBody, Refused, turned_away

LARGE_BODY_BYTES = 64 << 10
PROBE_SECONDS = 1.0
SCORING = "/invocations"
UNAUTHENTICATED = 401

log = logging.getLogger("ml_platform.serving")


@dataclass(frozen=True, slots=True)
class Reply:
    """A whole answer; `headers` are those beside content-type and content-length."""

    status: int
    body: bytes
    content_type: bytes = JSON
    headers: tuple[tuple[bytes, bytes], ...] = ()


class ScoringApp:
    """Answers for one model in one environment; owns the prediction log."""

    def __init__(
        self, home: Path, model: str, environment: str, *, traffic: TrafficLog, gate: Gate | None = None
    ) -> None:
        self.gate = gate or OpenGate(home)
        self.metrics = metrics.Metrics()
        self.traffic = traffic
        self.follower = Follower(home, model, environment, on_swap=self._count_swap)
        self.feedback = FeedbackDesk(home, model, environment)
        self.started_at = time.monotonic()
        self._encode = msgspec.json.Encoder().encode
        self._large_bodies = asyncio.Semaphore(1)
        self._pages: dict[str, Callable[[], Reply]] = {
            "/health": self._health,
            "/version": self._version,
            "/metrics": self._metrics,
            "/openapi.json": self._openapi,
            "/docs": self._docs,
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection's request, or the server's lifespan."""
        if scope["type"] == "http":
            await self._http(scope, receive, send)
        elif scope["type"] == "lifespan":
            await self._lifespan(receive, send)

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        await receive()
        await self.follower.look()
        tasks = [asyncio.create_task(self.follower.follow()), asyncio.create_task(self._probe_log())]
        await send({"type": "lifespan.startup.complete"})
        await receive()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        try:
            await asyncio.to_thread(self.traffic.close)
        except Unavailable as error:
            log.warning("the last predictions may be lost: %s", error)
        await asyncio.to_thread(self.feedback.close)
        await send({"type": "lifespan.shutdown.complete"})

    async def _probe_log(self) -> None:
        """Find out when a log that failed can be written again, even if /health keeps requests away."""
        while True:
            await asyncio.sleep(PROBE_SECONDS)
            if self.traffic.problem:
                await asyncio.to_thread(self.traffic.probe)

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = time.perf_counter()
        path, method = scope["path"], scope["method"]
        if path == SCORING and method == "POST":
            reply = await self._scored(scope, receive, started)
            self.metrics.answered(path, reply.status, time.perf_counter() - started)
        elif path == FEEDBACK and method == "POST":
            reply = await self._heard(scope, receive)
        elif path in self._pages and method in {"GET", "HEAD"}:
            reply = self._looked(path, scope)
        else:
            reply = self._no_such(path)
        head = [
            (b"content-type", reply.content_type),
            (b"content-length", str(len(reply.body)).encode()),
            *reply.headers,
        ]
        await send({"type": "http.response.start", "status": reply.status, "headers": head})
        await send({"type": "http.response.body", "body": reply.body})

    async def _scored(self, scope: Scope, receive: Receive, started: float) -> Reply:
        admitted = self.gate.admit(_asked(scope, "score"))
        if isinstance(admitted, TurnedAway):  # before the body is read, and not in the log of predictions
            return self._refusal(turned_away(admitted))
        return await self._score(scope, receive, started, admitted)

    async def _heard(self, scope: Scope, receive: Receive) -> Reply:
        admitted = self.gate.admit(_asked(scope, "feedback"))
        if isinstance(admitted, TurnedAway):
            return self._refusal(turned_away(admitted))
        live = self.follower.live
        try:
            answered = await self.feedback.take(scope, receive, admitted, live.logged_columns if live else ())
        except Refused as refused:
            return self._refusal(refused)
        except Exception as error:  # noqa: BLE001 - the outermost boundary: said and logged, without values
            log.error("feedback failed: %s at %s", type(error).__name__, _place(error))  # noqa: TRY400
            message = "feedback failed inside the service; its log says where"
            return self._refusal(Refused(500, "INTERNAL_ERROR", message))
        return Reply(200, self._encode(answered))

    def _looked(self, path: str, scope: Scope) -> Reply:
        if not self.gate.guards:
            return self._pages[path]()
        admitted = self.gate.admit(_asked(scope, "look"))
        if not isinstance(admitted, TurnedAway):
            return self._pages[path]()
        return self._probed() if path == "/health" else self._refusal(turned_away(admitted))

    def _probed(self) -> Reply:
        """Say to a probe that didn't say who it is whether the service is ready, and nothing else."""
        health = status.health(self.follower, self.traffic, time.monotonic() - self.started_at)
        return Reply(200 if health.ready else 503, self._encode({"status": health.status}))

    async def _score(self, scope: Scope, receive: Receive, started: float, admitted: Admitted) -> Reply:
        live = self.follower.live
        if live is None:
            return self._nothing_live()
        try:
            body = await read_body(scope, receive)
            answered = await self._answer(live, body, started, admitted)
        except Refused as refused:
            self._log_failure(live, refused.status, started)
            return self._refusal(refused)
        except Exception as error:  # noqa: BLE001 - the outermost boundary: said, counted and logged, without values
            # No traceback: it repeats the error's text, which may hold a value of the request
            log.error("scoring failed: %s at %s", type(error).__name__, _place(error))  # noqa: TRY400
            self._log_failure(live, 500, started)
            message = "scoring failed inside the service; its log says where"
            return self._refusal(Refused(500, "INTERNAL_ERROR", message))
        self.metrics.scored(answered.answer.version, answered.unseen)
        return Reply(200, self._encode(answered.answer))

    async def _answer(self, live: Live, body: bytes, started: float, admitted: Admitted) -> Answered:
        if len(body) <= LARGE_BODY_BYTES:
            return answer(live, self.traffic, body, started, admitted=admitted)
        async with self._large_bodies:  # one at a time: a large body takes memory many times its size
            return await asyncio.to_thread(answer, live, self.traffic, body, started, admitted=admitted)

    def _log_failure(self, live: Live, code: int, started: float) -> None:
        if not self.traffic.problem:
            log_failure(live, self.traffic, code, started)

    def _nothing_live(self) -> Reply:
        return self._refusal(Refused(503, "TEMPORARILY_UNAVAILABLE", status.nothing_live(self.follower)))

    def _refusal(self, refused: Refused) -> Reply:
        headers = []
        if refused.status in {408, 413}:
            headers.append((b"connection", b"close"))
        if refused.status == UNAUTHENTICATED:
            headers.append((b"www-authenticate", b"Bearer"))
        if refused.retry_after_seconds is not None:
            headers.append((b"retry-after", str(refused.retry_after_seconds).encode()))
        return Reply(refused.status, self._encode(refused.body), headers=tuple(headers))

    def _no_such(self, path: str) -> Reply:
        if path not in {SCORING, FEEDBACK} and path not in self._pages:
            known = ", ".join([SCORING, FEEDBACK, *self._pages])
            return Reply(404, self._encode(ErrorBody(error_code="NOT_FOUND", message=f"known paths: {known}")))
        allowed = "POST" if path in {SCORING, FEEDBACK} else "GET, HEAD"
        body = self._encode(ErrorBody(error_code="METHOD_NOT_ALLOWED", message=f"{path} takes {allowed}"))
        return Reply(405, body, headers=((b"allow", allowed.encode()),))

    def _count_swap(self, live: Live) -> None:  # noqa: ARG002 - the follower says which, the counter only how often
        self.metrics.swaps += 1

    def _health(self) -> Reply:
        health = status.health(self.follower, self.traffic, time.monotonic() - self.started_at)
        return Reply(200 if health.ready else 503, self._encode(health))

    def _version(self) -> Reply:
        live = self.follower.live
        if live is None:
            return self._nothing_live()
        return Reply(200, self._encode(status.version(live)))

    def _metrics(self) -> Reply:
        gauges = status.gauges(self.follower, self.traffic, time.monotonic() - self.started_at)
        return Reply(200, self.metrics.text(gauges).encode(), metrics.CONTENT_TYPE.encode())

    def _openapi(self) -> Reply:
        return Reply(200, self._encode(openapi.document(self.follower.model, self.follower.live)))

    def _docs(self) -> Reply:
        live = self.follower.live
        page = docs_page(self.follower.model, live, "" if live else status.nothing_live(self.follower))
        headers = ((b"content-security-policy", POLICY.encode()), (b"x-content-type-options", b"nosniff"))
        return Reply(200, page.encode(), b"text/html; charset=utf-8", headers)


def _asked(scope: Scope, wants: Wanted) -> Asked:
    """Return what a request says of who asks; of several authorisations none counts."""
    said = [value for name, value in scope["headers"] if name == b"authorization"]
    kind, _, token = said[0].decode("latin-1").partition(" ") if len(said) == 1 else ("", "", "")
    address = (scope.get("client") or ("",))[0]
    return Asked(wants=wants, token=token.strip() if kind.lower() == "bearer" else "", address=address)


def _place(error: BaseException) -> str:
    """Say where an error arose, without its text: that may hold a value of the request."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}" if trace is not None else "an unknown place"
