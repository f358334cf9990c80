"""Run: the scoring service as a process, from its arguments to its graceful end."""

from __future__ import annotations

import contextlib
import difflib
import gc
import logging
import os
import signal
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

import uvicorn

from ml_platform.adapters.deployments import manifest_path
from ml_platform.adapters.keys import FileKeys
from ml_platform.adapters.segments import SYNC_SECONDS
from ml_platform.adapters.traffic_log import TrafficLog, traffic_folder
from ml_platform.core.errors import DataInvalid, Unavailable
from ml_platform.core.gate import Gate
from ml_platform.serving.app import ScoringApp

ENVIRONMENTS = ("staging", "production")
DEFS = Path(__file__).parent.parent / "defs"
GRACE_SECONDS = 10
LARGEST_PORT = 65535
SIGNALS = (signal.SIGINT, signal.SIGTERM)


@dataclass(frozen=True, slots=True, kw_only=True)
class Serving:
    """What to serve and where; `traffic` is the log's folder when it isn't the home's own, `port` 0 any free one.

    Without a `gate` everybody may ask, as long as the home has no users. `live_only` tries no challenger beside it.
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


def serve(serving: Serving, *, defs: Path | None = None, announce: Callable[[str], object] = str) -> None:
    """Serve until SIGTERM or SIGINT; requests in flight are answered first.

    Raises DataInvalid for an unknown model or environment (`defs` holds the known models) and Unavailable when the
    address can't be bound. `announce` hears the URL when requests are accepted.
    """
    _check_known(serving, defs or DEFS)
    listener = _listen(serving.host, serving.port)
    host, port = listener.getsockname()[:2]
    folder = serving.traffic or traffic_folder(serving.home, serving.environment, serving.model)
    app = ScoringApp(
        serving.home,
        serving.model,
        serving.environment,
        traffic=TrafficLog(folder, keys=FileKeys(serving.home), sync_seconds=serving.sync_seconds),
        gate=serving.gate,
    )
    app.follower.rollout.ignored = serving.live_only

    def ready() -> None:
        gc.collect()
        gc.freeze()  # what was loaded stays: collections needn't walk it between requests
        if serving.port_file is not None:
            _write_port(serving.port_file, port)
        announce(f"http://{f'[{host}]' if ':' in host else host}:{port}")

    server = _Server(_config(app), ready, os.getppid() if serving.with_parent else None)
    server.run(sockets=[listener])


def _config(app: ScoringApp) -> uvicorn.Config:
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    return uvicorn.Config(
        app,
        http="httptools",
        lifespan="on",
        access_log=False,
        log_config=None,
        log_level="warning",
        server_header=False,
        proxy_headers=False,
        ws="none",
        timeout_graceful_shutdown=GRACE_SECONDS,
    )


class _Server(uvicorn.Server):
    """Says when it is ready, ends with its parent if asked, and treats a signal as a wish, not as a failure."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[], None], parent: int | None) -> None:
        super().__init__(config)
        self._ready = ready
        self._parent = parent

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        if self.started:
            self._ready()

    async def on_tick(self, counter: int) -> bool:
        orphaned = self._parent is not None and os.getppid() != self._parent
        return await super().on_tick(counter) or orphaned

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        before = {number: signal.signal(number, self._stop) for number in SIGNALS}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _stop(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002 - the signature of a handler
        self.force_exit = self.should_exit
        self.should_exit = True


def _check_known(serving: Serving, defs: Path) -> None:
    if serving.environment not in ENVIRONMENTS:
        raise DataInvalid(_unknown("environment", serving.environment, ENVIRONMENTS))
    if manifest_path(serving.home, serving.environment, serving.model).exists():
        return
    known = sorted(path.parent.name for path in defs.glob("*/defs.yaml"))
    if serving.model not in known:
        raise DataInvalid(_unknown("model", serving.model, known))


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
