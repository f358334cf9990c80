"""Run: the scoring service as a process, from its arguments to its graceful end."""

from __future__ import annotations

import contextlib
import difflib
import gc
import logging
import os
import signal
import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

import uvicorn

from ml_platform.adapters.deployments import manifest_path
from ml_platform.adapters.keys import FileKeys
from ml_platform.adapters.log_room import LEAST_FREE_BYTES, LogRoom
from ml_platform.adapters.segments import SEGMENT_BYTES, SYNC_SECONDS
from ml_platform.adapters.traffic_log import TrafficLog, traffic_folder
from ml_platform.core.errors import DataInvalid, Unavailable
from ml_platform.core.gate import Gate
from ml_platform.serving import keep_log
from ml_platform.serving.app import ScoringApp
from ml_platform.serving.board import Board, Report
from ml_platform.serving.connections import GuardedProtocol, most_connections
from ml_platform.serving.load import LoadLimits
from ml_platform.serving.seldom import SELDOM

ENVIRONMENTS = ("staging", "production")
DEFS = Path(__file__).parent.parent / "defs"
GRACE_SECONDS = 10
IDLE_SECONDS = 10  # as a connection may owe the head of its first request
LARGEST_PORT = 65535
SIGNALS = (signal.SIGINT, signal.SIGTERM)
TICKS_PER_REPORT = 5
COLLECT_AFTER = (20_000, 20, 50)  # a request leaves next to nothing in cycles

log = logging.getLogger("ml_platform.serving")


@dataclass(frozen=True, slots=True, kw_only=True)
class Serving:
    """What to serve and where; `traffic` is the log's folder when it isn't the home's own, `port` 0 any free one.

    `others` are further models that the same service answers for; in `traffic` each model then has a folder of its own.
    Without a `gate` everybody may ask, as long as the home has no users. For `drain_seconds` after a wish to end
    requests are still taken, while `/health` keeps new ones away. A log of `most_log_bytes` is compacted, then loses
    its oldest days (`drop_oldest`) or refuses more; with less than `least_free_bytes` on the disk `/health` warns.
    `live_only` tries no challenger beside what is live.
    """

    home: Path
    model: str
    environment: str
    host: str = "127.0.0.1"
    port: int = 8080
    port_file: Path | None = None
    traffic: Path | None = None
    sync_seconds: float = SYNC_SECONDS
    with_parent: bool = False
    gate: Gate | None = None
    live_only: bool = False
    drain_seconds: float = 0.0
    most_log_bytes: int | None = None
    drop_oldest: bool = False
    least_free_bytes: int = LEAST_FREE_BYTES
    limits: LoadLimits = field(default_factory=LoadLimits)
    others: tuple[str, ...] = ()

    def log_folder(self, model: str) -> Path:
        """Return where a model's predictions are logged."""
        if self.traffic is None:
            return traffic_folder(self.home, self.environment, model)
        return self.traffic / model if self.others else self.traffic


def serve(
    serving: Serving,
    *,
    defs: Path | None = None,
    announce: Callable[[str], object] = str,
    board: Board | None = None,
    listener: socket.socket | None = None,
) -> None:
    """Serve until SIGTERM or SIGINT; requests in flight are answered first.

    Raises DataInvalid for an unknown model or environment (`defs` holds the known models) and Unavailable when the
    address can't be bound. `announce` hears the URL when requests are accepted. A worker is given a `listener`, and a
    `board` on which the workers of a service say how they are.
    """
    if listener is None:
        listener = start(serving, defs)
    app = ScoringApp(
        serving.home,
        serving.model,
        serving.environment,
        traffic=_log(serving, serving.model),
        gate=serving.gate,
        others={name: _log(serving, name) for name in serving.others},
        limits=serving.limits,
    )
    app.follower.rollout.ignored = serving.live_only
    app.board = board

    def ready() -> None:
        gc.collect()
        gc.freeze()  # what was loaded stays: collections needn't walk it between requests
        gc.set_threshold(*COLLECT_AFTER)
        if board is None:
            say_ready(serving, listener, announce)

    server = _Server(_config(app), app, serving, ready)
    server.run(sockets=[listener])


def _segment_bytes(most_log_bytes: int | None) -> int:
    """Return how large a segment may be: only finished ones are compacted, so they have to be a small part of a log."""
    return SEGMENT_BYTES if most_log_bytes is None else min(SEGMENT_BYTES, max(1 << 16, most_log_bytes >> 5))


def _log(serving: Serving, model: str) -> TrafficLog:
    return TrafficLog(
        serving.log_folder(model), keys=FileKeys(serving.home), segment_bytes=_segment_bytes(serving.most_log_bytes),
        sync_seconds=serving.sync_seconds, room=_room(serving, model),
    )  # fmt: skip


def _room(serving: Serving, model: str) -> LogRoom:
    folder = serving.log_folder(model)
    make_room = None
    if serving.most_log_bytes is not None:
        keeping = keep_log.command(
            serving.home, model, serving.environment, folder, most_bytes=serving.most_log_bytes,
            drop_oldest=serving.drop_oldest,
        )  # fmt: skip
        make_room = keep_log.Keeper(keeping)
    return LogRoom(
        folder=folder, most_bytes=serving.most_log_bytes, least_free_bytes=serving.least_free_bytes,
        make_room=make_room,
    )  # fmt: skip


def start(serving: Serving, defs: Path | None) -> socket.socket:
    """Check what is to be served and take the address; see `serve`."""
    _check_known(serving, defs or DEFS)
    return _listen(serving.host, serving.port)


def say_ready(serving: Serving, listener: socket.socket, announce: Callable[[str], object]) -> None:
    """Say where requests are accepted."""
    host, port = listener.getsockname()[:2]
    if serving.port_file is not None:
        _write_port(serving.port_file, port)
    announce(f"http://{f'[{host}]' if ':' in host else host}:{port}")


def _config(app: ScoringApp) -> uvicorn.Config:
    GuardedProtocol.most = most_connections()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    log.addFilter(SELDOM)
    return uvicorn.Config(
        app,
        http=GuardedProtocol,
        lifespan="on",
        access_log=False,
        log_config=None,
        log_level="warning",
        server_header=False,
        proxy_headers=False,
        ws="none",
        timeout_keep_alive=IDLE_SECONDS,
        timeout_graceful_shutdown=GRACE_SECONDS,
    )


class _Server(uvicorn.Server):
    """Says when it is ready, ends with its parent if asked, and treats a signal as a wish, not as a failure.

    The first signal begins the draining, the next ends it, a third ends everything.
    """

    def __init__(self, config: uvicorn.Config, app: ScoringApp, serving: Serving, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._app = app
        self._ready = ready
        self._parent = os.getppid() if serving.with_parent else None
        self._drain_seconds = serving.drain_seconds
        self._drained_at: float | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        if self.started:
            self._ready()

    async def on_tick(self, counter: int) -> bool:
        if self._app.board is not None and counter % TICKS_PER_REPORT == 0:
            self._report(self._app.board)
        orphaned = self._parent is not None and os.getppid() != self._parent
        drained = self._drained_at is not None and time.monotonic() >= self._drained_at
        return await super().on_tick(counter) or orphaned or drained

    def _report(self, board: Board) -> None:
        app = self._app
        board.report(Report(time.monotonic(), os.getpid(), app.own_problems(), app.own_metrics()))

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._app.load.draining = True
        await super().shutdown(sockets=sockets)
        if self._app.board is not None:
            self._report(self._app.board)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        before = {number: signal.signal(number, self._stop) for number in SIGNALS}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _stop(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002 - the signature of a handler
        if self._drained_at is None:
            self._drained_at = time.monotonic() + self._drain_seconds
            self._app.load.draining = True
            return
        self.force_exit = self.should_exit
        self.should_exit = True


def _check_known(serving: Serving, defs: Path) -> None:
    if serving.environment not in ENVIRONMENTS:
        raise DataInvalid(_unknown("environment", serving.environment, ENVIRONMENTS))
    for model in (serving.model, *serving.others):
        if manifest_path(serving.home, serving.environment, model).exists():
            continue
        known = sorted(path.parent.name for path in defs.glob("*/defs.yaml"))
        if model not in known:
            raise DataInvalid(_unknown("model", model, known))


def _unknown(what: str, given: str, known: list[str] | tuple[str, ...]) -> str:
    near = difflib.get_close_matches(given, known, n=1, cutoff=0.5)
    hint = f" Did you mean '{near[0]}'?" if near else ""
    return f"serve: the {what} '{given[:60]}' isn't known; known: {', '.join(known) or 'none'}.{hint}"


def _listen(host: str, port: int) -> socket.socket:
    if not 0 <= port <= LARGEST_PORT:
        message = f"serve: the port is {port}; a port is 1 to {LARGEST_PORT}, or 0 for any free one: choose another"
        raise DataInvalid(message)
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, kind, protocol)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
    except OSError as error:
        message = f"serve: {host}:{port} can't be listened on ({error}): choose another --port (0: any free one)"
        raise Unavailable(message) from error
    return listener


def _write_port(path: Path, port: int) -> None:
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.write_text(f"{port}\n")
    draft.replace(path)
