"""The scoring service as an ASGI application: few routes, no framework between the request and the trees."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import IO, TypeVar

from ml_platform.adapters.traffic_log import TrafficLog
from ml_platform.core.errors import Unavailable
from ml_platform.core.gate import Asked, Gate, TurnedAway, Wanted
from ml_platform.serving import pages, status
from ml_platform.serving.batch import Batch
from ml_platform.serving.board import Board
from ml_platform.serving.body import Receive, Scope, Send, read_body, require_kinds
from ml_platform.serving.feedback import FEEDBACK, FeedbackDesk
from ml_platform.serving.gates import OPEN, OpenGate
from ml_platform.serving.live import Follower, Live
from ml_platform.serving.load import LARGE_BODY_BYTES, Load, LoadLimits
from ml_platform.serving.losses import Losses
from ml_platform.serving.metrics import Metrics
from ml_platform.serving.open_inference import error_reply
from ml_platform.serving.protocol import MLFLOW, ScoringProtocol, encode, mlflow_protocol
from ml_platform.serving.protocols import protocol_of
from ml_platform.serving.refusal import Refused, place_of, turned_away
from ml_platform.serving.reply import Reply
from ml_platform.serving.routes import BATCH, EXPLAIN, INFER, SCORING, Route, path_of, route_of
from ml_platform.serving.scoring import Scoring
from ml_platform.serving.served import Served

PROBE_SECONDS = 1.0
LOSSES_SECONDS = 3.0
MOST_BATCHES, LATER_SECONDS = 8, 30
PART_BYTES = 64 << 10
PROBES = frozenset({"/health", "/ping", "v2/live", "v2/ready"})
SCORES = frozenset({SCORING, EXPLAIN, BATCH, INFER})
TAKES = SCORES | {FEEDBACK}
Result = TypeVar("Result")

log = logging.getLogger("ml_platform.serving")


class ScoringApp:
    """Answers for one model in one environment, and for `others` there; owns their prediction logs."""

    def __init__(
        self,
        home: Path,
        model: str,
        environment: str,
        *,
        traffic: TrafficLog,
        gate: Gate | None = None,
        others: Mapping[str, TrafficLog] | None = None,
        limits: LoadLimits | None = None,
    ) -> None:
        self.gate = gate or OpenGate(home)
        self.metrics = Metrics()
        self.started_at = time.monotonic()
        self.models = {
            name: Served(Follower(home, name, environment, on_swap=self._count_swap), log)
            for name, log in {model: traffic, **(others or {})}.items()
        }
        self.follower, self.traffic = self.models[model].follower, traffic
        self.feedback = {name: FeedbackDesk(home, name, environment) for name in self.models}
        self._only = None if others else self.models[model]
        self.quick_urls = _quick_urls(self.models)
        self._batches = 0
        self.load = Load(limits or LoadLimits())
        self.board: Board | None = None  # when there are other workers
        self.losses = Losses(home)
        self._of_service: dict[str, Callable[[], Reply]] = {
            "/metrics": self._counted,
            "v2": pages.server,
            "v2/live": pages.alive,
            "v2/ready": lambda: pages.ready(self.models.values(), self._process()),
        }
        if others:
            self._of_service["/health"] = lambda: pages.all_health(self.models.values(), self._process())
            self._of_service["/ping"] = lambda: replace(self._of_service["/health"](), body=b"\n")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection's request, or the server's lifespan."""
        if scope["type"] == "http":
            await self._http(scope, receive, send)
        elif scope["type"] == "lifespan":
            await self._lifespan(receive, send)

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        await receive()
        for served in self.models.values():
            await served.follower.look()
        tasks = [asyncio.create_task(served.follower.follow()) for served in self.models.values()]
        tasks += [asyncio.create_task(self._probe_logs()), asyncio.create_task(self._look_for_losses())]
        await send({"type": "lifespan.startup.complete"})
        await receive()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for served in self.models.values():
            try:
                await asyncio.to_thread(served.traffic.close)
            except Unavailable as error:
                log.warning("the last predictions may be lost: %s", error)
        for desk in self.feedback.values():
            await asyncio.to_thread(desk.close)
        await send({"type": "lifespan.shutdown.complete"})

    async def _probe_logs(self) -> None:
        """Find out when a log can't be written, or can again, even if /health keeps requests away."""
        while True:
            for served in self.models.values():
                await asyncio.to_thread(served.traffic.probe)
            await asyncio.sleep(PROBE_SECONDS)

    async def _look_for_losses(self) -> None:
        """Find out what went away that the next start will need."""
        while True:
            live = [one.follower.live.manifest for one in self.models.values() if one.follower.live is not None]
            await asyncio.to_thread(self.losses.look, live)
            await asyncio.sleep(LOSSES_SECONDS)

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = time.perf_counter()
        path = scope["path"]
        if path == SCORING and self._only is not None and scope["method"] == "POST":
            reply = await self._scored(self._only, mlflow_protocol(scope), scope, receive, started)
            self.metrics.answered(path, reply.status, time.perf_counter() - started)
        else:
            reply = await self._routed(route_of(path), scope, receive, started)
        size = len(reply.body) if reply.spooled is None else reply.spooled.tell()
        head = [
            (b"content-type", reply.content_type),
            (b"content-length", str(size).encode()),
            *reply.headers,
        ]
        if self.load.draining:
            head.append((b"connection", b"close"))
        await send({"type": "http.response.start", "status": reply.status, "headers": head})
        if reply.spooled is not None:
            await _send_spooled(reply.spooled, send)
        await send({"type": "http.response.body", "body": reply.body})

    async def _routed(self, route: Route, scope: Scope, receive: Receive, started: float) -> Reply:
        refuse = error_reply if route.open_inference else MLFLOW.refused
        allowed = self._methods(route)
        if not allowed:
            return refuse(self._no_such(route))
        if scope["method"] not in allowed:
            said = ", ".join(allowed)
            refused = refuse(Refused(405, "METHOD_NOT_ALLOWED", f"{path_of(route.page)} takes {said}"))
            return replace(refused, headers=((b"allow", said.encode()),))
        if route.page not in TAKES:
            return self._looked(route, scope, refuse)
        served = self.models.get(route.model) if route.model else self._only
        if served is None:
            return self._unnamed(route, _asked(scope, "score"), refuse)
        if route.page == BATCH:
            reply = await self._batch(served, scope, receive)
        elif route.page == FEEDBACK:
            reply = await self._heard(served, scope, receive)
        else:
            reply = await self._scored(served, protocol_of(route, scope), scope, receive, started)
        self.metrics.answered(route.path(served.model), reply.status, time.perf_counter() - started)
        return reply

    def _methods(self, route: Route) -> tuple[str, ...]:
        if route.page in TAKES:
            return ("POST",)
        known = route.page in pages.OF_MODEL or (route.page in self._of_service and not route.model)
        return ("GET", "HEAD") if known else ()

    def _no_such(self, route: Route) -> Refused:
        every = [*SCORES, FEEDBACK, *pages.OF_MODEL, *self._of_service]
        known = dict.fromkeys(path_of(page) for page in every if route.open_inference == page.startswith("v2"))
        return Refused(404, "NOT_FOUND", f"known paths: {', '.join(known)}")

    def _unnamed(self, route: Route, asked: Asked, refuse: Callable[[Refused], Reply]) -> Reply:
        """Say which models there are, to who may know it, when a path names none of them."""
        admitted = self.gate.admit(replace(asked, wants="look"))
        if isinstance(admitted, TurnedAway):
            return refuse(turned_away(admitted))
        names = ", ".join(self.models)
        if route.model:
            return refuse(Refused(404, "NOT_FOUND", f"no model of this name is served here; served are {names}"))
        message = f"this service has several models, name one: /models/MODEL{route.page}; served are {names}"
        return refuse(Refused(404, "NOT_FOUND", message))

    async def _scored(
        self, served: Served, protocol: ScoringProtocol, scope: Scope, receive: Receive, started: float
    ) -> Reply:
        admitted = self.gate.admit(_asked(scope, "score", served.model))
        if isinstance(admitted, TurnedAway):  # before the body is read, and not in the log of predictions
            return protocol.refused(turned_away(admitted))
        live = served.follower.live
        if live is None:
            return protocol.refused(pages.nothing_live(served))
        live = live.without_canary() if protocol.names_version else live
        scoring = Scoring(served, live, protocol, started)
        try:
            with self.load.taken_in(scope):
                body = await read_body(scope, receive, protocol.kinds)
                size = len(body) * protocol.cost
                answered, reply = await self.load.score(lambda: scoring.score(body, admitted), size)
            await self.load.on_disk(answered.written)
        except Exception as error:  # noqa: BLE001 - the outermost boundary: said, counted and logged, without values
            return scoring.failed(error)
        self.metrics.scored(served.model, answered.answer.version, answered.unseen, answered.guarded)
        return reply

    def at_once(self, url: bytes, scope: Scope, body: bytes, started: float) -> Reply | None:
        """Answer a request to one of `quick_urls` as `__call__` does, but without waiting; None when it has to wait."""
        served, route = self.quick_urls[url]
        protocol = protocol_of(route, scope)
        live = served.follower.live
        if (
            live is None
            or self.load.draining
            or served.traffic.waits_for_disk
            or len(body) * protocol.cost > LARGE_BODY_BYTES
        ):
            return None
        reply = self._scored_at_once(Scoring(served, live, protocol, started), scope, body)
        self.metrics.answered(route.path(served.model), reply.status, time.perf_counter() - started)
        return reply

    def _scored_at_once(self, scoring: Scoring, scope: Scope, body: bytes) -> Reply:
        model, protocol = scoring.served.model, scoring.protocol
        admitted = self.gate.admit(_asked(scope, "score", model)) if self.gate.guards else OPEN
        if isinstance(admitted, TurnedAway):
            return protocol.refused(turned_away(admitted))
        try:
            require_kinds(scope, protocol.kinds)
            self.load.require_place()
            answered, reply = scoring.score(body, admitted)
        except Exception as error:  # noqa: BLE001 - the outermost boundary: said, counted and logged, without values
            return scoring.failed(error)
        self.metrics.scored(model, answered.answer.version, answered.unseen, answered.guarded)
        return reply

    async def _batch(self, served: Served, scope: Scope, receive: Receive) -> Reply:
        admitted = self.gate.admit(_asked(scope, "score", served.model))
        if isinstance(admitted, TurnedAway):
            return MLFLOW.refused(turned_away(admitted))
        if self._batches >= MOST_BATCHES:
            message = f"{MOST_BATCHES} batches are under way; send this one later"
            return MLFLOW.refused(Refused(503, "TEMPORARILY_UNAVAILABLE", message, retry_after_seconds=LATER_SECONDS))
        self._batches += 1
        try:
            batch = Batch(served=served, admitted=admitted, metrics=self.metrics, load=self.load)
            return await batch.run(scope, receive)
        finally:
            self._batches -= 1

    async def _heard(self, served: Served, scope: Scope, receive: Receive) -> Reply:
        admitted = self.gate.admit(_asked(scope, "feedback", served.model))
        if isinstance(admitted, TurnedAway):
            return MLFLOW.refused(turned_away(admitted))
        live = served.follower.live
        try:
            desk, columns = self.feedback[served.model], live.logged_columns if live else ()
            return Reply(200, encode(await desk.take(scope, receive, admitted, columns)))
        except Refused as refused:
            return MLFLOW.refused(refused)
        except Exception as error:  # noqa: BLE001 - the outermost boundary: said and logged, without values
            log.error("feedback failed: %s at %s", type(error).__name__, place_of(error))  # noqa: TRY400
            message = "feedback failed inside the service; its log says where"
            return MLFLOW.refused(Refused(500, "INTERNAL_ERROR", message))

    def _looked(self, route: Route, scope: Scope, refuse: Callable[[Refused], Reply]) -> Reply:
        if self.gate.guards:
            admitted = self.gate.admit(_asked(scope, "look", route.model))
            if isinstance(admitted, TurnedAway):
                return self._probed(route) if route.page in PROBES else refuse(turned_away(admitted))
        return self._page(route, scope, refuse)

    def _page(self, route: Route, scope: Scope, refuse: Callable[[Refused], Reply]) -> Reply:
        if not route.model and route.page in self._of_service:
            return self._of_service[route.page]()
        served = self.models.get(route.model) if route.model else self._only
        if served is None:
            return self._unnamed(route, _asked(scope, "look"), refuse)
        return pages.OF_MODEL[route.page](served, route, self._process())

    def _probed(self, route: Route) -> Reply:
        """Say to a probe that didn't say who it is whether the service is ready, and nothing else."""
        if route.open_inference:
            return self._of_service[route.page]()
        each = [pages.health_of(served, self._process()).status for served in self.models.values()]
        overall = pages.overall(each)
        return Reply(503 if overall in pages.AWAY else 200, encode({"status": overall}))

    def _count_swap(self, live: Live) -> None:
        self.metrics.swaps[live.manifest.model] += 1

    def _process(self) -> status.Process:
        return status.Process(
            uptime_seconds=time.monotonic() - self.started_at,
            draining=self.load.draining,
            others=self.losses.problems + (() if self.board is None else self.board.problems_of_others()),
            under_way=self.load.under_way,
        )

    def _counted(self) -> Reply:
        text = self.own_metrics()
        return pages.counted(text if self.board is None else self.board.merged(text))

    def own_metrics(self) -> str:
        """Return what this process counted and sees, as Prometheus text."""
        models = [(served.follower, served.traffic) for served in self.models.values()]
        return self.metrics.text(status.gauges(models, self._process()))

    def own_problems(self) -> tuple[str, ...]:
        """Return what is wrong in this process alone."""
        found = [status.problems_of(served.follower, served.traffic) for served in self.models.values()]
        return (*self.losses.problems, *(problem for problems in found for problem in problems))


async def _send_spooled(spooled: IO[bytes], send: Send) -> None:
    with spooled:
        spooled.seek(0)
        while part := spooled.read(PART_BYTES):
            await send({"type": "http.response.body", "body": part, "more_body": True})


def _quick_urls(models: Mapping[str, Served]) -> dict[bytes, tuple[Served, Route]]:
    """Return what is asked for scores of few rows most, by its URL as it is sent; none names a version."""
    routes = [(served, Route(page, name)) for name, served in models.items() for page in (SCORING, INFER)]
    if len(models) == 1:
        routes += [(served, Route(SCORING)) for served in models.values()]
    return {route.path(served.model).encode(): (served, route) for served, route in routes}


def _asked(scope: Scope, wants: Wanted, model: str = "") -> Asked:
    """Return what a request says of who asks; of several authorisations none counts."""
    said = [value for name, value in scope["headers"] if name == b"authorization"]
    kind, _, token = said[0].decode("latin-1").partition(" ") if len(said) == 1 else ("", "", "")
    address = (scope.get("client") or ("",))[0]
    return Asked(wants=wants, token=token.strip() if kind.lower() == "bearer" else "", address=address, model=model)
