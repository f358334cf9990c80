"""Workers: several processes that serve on one address, watched by a process that does nothing else.

The address is taken once, before the workers are forked, and stays open in the one that watches: connections that wait
to be accepted while a worker dies are accepted by another. A worker that ends is started anew, at first at once, then
more and more slowly; one that is silent for long is killed. A signal to end is passed on; each worker drains.
"""

from __future__ import annotations

import gc
import logging
import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from types import FrameType

from ml_platform.core.errors import PlatformError, Unavailable
from ml_platform.core.gate import Gate
from ml_platform.serving.board import Board, Notes, Report
from ml_platform.serving.run import GRACE_SECONDS, SIGNALS, Serving, say_ready, serve, start

MOST_WORKERS = 64
LOOK_SECONDS = 0.05
SILENT_SECONDS = 30.0
STARTING_SECONDS = 300.0
STEADY_SECONDS = 30.0
FIRST_PAUSE_SECONDS = 0.2
LONGEST_PAUSE_SECONDS = 10.0
RESTARTS = "ml_platform_worker_restarts_total"

log = logging.getLogger("ml_platform.serving")


@dataclass(slots=True)
class Worker:
    """One place among the workers: who is in it since when, and when the next may be started."""

    number: int
    pid: int = 0
    started_at: float = 0.0
    start_at: float = 0.0
    pause_seconds: float = 0.0
    restarts: int = 0

    def ended(self, now: float) -> None:
        """Let the next one start: at once after steady work, later and later otherwise."""
        if now - self.started_at >= STEADY_SECONDS:
            self.pause_seconds = 0.0
        self.pid, self.start_at = 0, now + self.pause_seconds
        self.pause_seconds = min(LONGEST_PAUSE_SECONDS, max(FIRST_PAUSE_SECONDS, 2 * self.pause_seconds))
        self.restarts += 1


def serve_with_workers(
    serving: Serving,
    count: int,
    *,
    gate: Callable[[], AbstractContextManager[Gate]],
    defs: Path | None = None,
    announce: Callable[[str], object] = str,
) -> None:
    """Serve with so many processes until SIGTERM or SIGINT; `gate` is opened in each. Raises as `serve` does."""
    listener = start(serving, defs)
    listener.listen(1024)
    _Supervisor(serving, listener, count, gate).run(announce)


class _Supervisor:
    def __init__(
        self, serving: Serving, listener: socket.socket, count: int, gate: Callable[[], AbstractContextManager[Gate]]
    ) -> None:
        self._serving = replace(serving, with_parent=True)
        self._listener = listener
        self._gate = gate
        self._notes = Notes(count + 1)
        self._workers = [Worker(number) for number in range(count)]
        self._wishes = 0
        self._ready = False

    def run(self, announce: Callable[[str], object]) -> None:
        gc.collect()
        gc.freeze()  # forked memory stays shared as long as nobody writes to it
        with self._hearing_signals():
            while not self._wishes:
                self._look()
                if not self._ready and all(self._notes.read(worker.number) for worker in self._workers):
                    self._ready = True
                    say_ready(self._serving, self._listener, announce)
                time.sleep(LOOK_SECONDS)
            self._end()

    def _look(self) -> None:
        now = time.monotonic()
        for worker in self._workers:
            if worker.pid:
                self._reap(worker, now)
            if not worker.pid and now >= worker.start_at:
                self._fork(worker, now)
        self._notes.write(len(self._workers), Report(now, os.getpid(), (), self._restarts()))

    def _reap(self, worker: Worker, now: float) -> None:
        report = self._notes.read(worker.number)
        if report is None or report.pid != worker.pid:
            silent = now - worker.started_at > STARTING_SECONDS
        else:
            silent = now - report.at > SILENT_SECONDS
        if silent:
            log.warning("worker %d (process %d) is silent; it is killed", worker.number, worker.pid)
            os.kill(worker.pid, signal.SIGKILL)
        pid, status = os.waitpid(worker.pid, os.WNOHANG)
        if not pid:
            return
        code = os.waitstatus_to_exitcode(status)
        if code == PlatformError.exit_code and not self._ready:  # it said why, and the next would say the same
            self._end()
            raise Unavailable("serve: a worker can't start; what it said stands above; correct that and start again")
        worker.ended(now)
        pause = worker.start_at - now
        log.warning("worker %d (process %d) ended with %d; started anew in %.1f s", worker.number, pid, code, pause)

    def _fork(self, worker: Worker, now: float) -> None:
        worker.started_at = now
        parent = os.getpid()
        worker.pid = os.fork()
        if worker.pid:
            return
        code = 1
        try:
            code = self._work(worker.number) if os.getppid() == parent else 0
        except PlatformError as error:
            sys.stderr.write(f"{error}\n")
            code = error.exit_code
        except Exception as error:  # noqa: BLE001 - the process's outermost boundary; said, and started anew
            sys.stderr.write(f"worker {worker.number}: {type(error).__name__}\n")
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)

    def _work(self, number: int) -> int:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches everybody; the supervisor passes it on
        with self._gate() as gate:
            serving = replace(self._serving, gate=gate)
            serve(serving, board=Board(self._notes, number), listener=self._listener)
        return 0

    def _end(self) -> None:
        """Let every worker drain and end; whoever takes too long is killed."""
        self._listener.close()
        told, deadline = 0, time.monotonic() + self._serving.drain_seconds + GRACE_SECONDS + 5
        while any(worker.pid for worker in self._workers):
            late = time.monotonic() > deadline
            if late or told < max(1, self._wishes):
                told += 1
                self._tell(signal.SIGKILL if late else signal.SIGTERM)
            for worker in self._workers:
                if worker.pid and os.waitpid(worker.pid, os.WNOHANG)[0]:
                    worker.pid = 0
            time.sleep(LOOK_SECONDS)

    def _tell(self, number: signal.Signals) -> None:
        for worker in self._workers:
            if worker.pid:
                os.kill(worker.pid, number)

    def _restarts(self) -> str:
        head = f"# HELP {RESTARTS} Workers started anew, by place.\n# TYPE {RESTARTS} counter\n"
        return head + "".join(f'{RESTARTS}{{worker="{one.number}"}} {one.restarts}\n' for one in self._workers)

    @contextmanager
    def _hearing_signals(self) -> Iterator[None]:
        before = {number: signal.signal(number, self._wish) for number in SIGNALS}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _wish(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002 - the signature of a handler
        self._wishes += 1
