"""Mirror: hands what was answered on to the shadow's own process; what that can't take at once is dropped.

The pipe between them is the queue: it is bounded, and writing into it never waits. So a shadow that is slow, hangs or
dies costs the one who asked nothing.
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import fcntl
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from ml_platform.core.rollout import RolloutRecord

if TYPE_CHECKING:
    from ml_platform.serving.challenger import Tally

QUEUE_BYTES = 1 << 20
ROWS_A_FRAME = 200
AGAIN_SECONDS = 5.0
LENGTH_BYTES = 4
_encode = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True, kw_only=True)
class Mirrored:
    """One answered request: its rows, the ids of the predictions that the caller got, and when.

    A large request comes in parts, of which only one is the `first`. `rest_seconds` is what the answer took besides
    scoring: a shadow has it in common with what it stands beside.
    """

    rows: list[dict[str, object]]
    ids: list[str]
    event_times: list[dt.datetime | None]
    at: dt.datetime
    rest_seconds: float
    first: bool = True


class Mirror:
    """Feeds one rollout's shadow in `home`; starts its process when there is something for it. Safe for threads."""

    def __init__(self, home: Path, rollout: RolloutRecord, tally: Tally) -> None:
        self.problem = ""
        self._home = home
        self._rollout = rollout
        self._tally = tally
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._left = b""
        self._again_at = 0.0
        self._closed = False

    def later(self, mirrored: Mirrored, folder: Path) -> None:
        """Hand a request on once it is answered; its shadow is logged in `folder`."""
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:  # a large body is answered in a thread
            self.send(mirrored, folder)
        else:
            loop.call_soon(self.send, mirrored, folder)

    def send(self, mirrored: Mirrored, folder: Path) -> None:
        """Hand a request on, or count its rows as dropped."""
        with self._lock:
            for part in _parts(mirrored):
                sent = not self._closed and self._write(_frame(part), folder)
                if sent:
                    self._tally.mirrored += len(part.ids)
                else:
                    self._tally.dropped += len(part.ids)

    def close(self) -> None:
        """Let the process end: it finishes what it has, when its input has ended."""
        with self._lock:
            self._closed = True
            process, self._process = self._process, None
        if process is not None:
            _let_end(process)

    def _write(self, frame: bytes, folder: Path) -> bool:
        pipe = self._pipe(folder)
        if pipe is None:
            return False
        try:
            if self._left:
                self._left = self._left[os.write(pipe, self._left) :]
            if self._left:
                return False
            self._left = frame[os.write(pipe, frame) :]
        except BlockingIOError:
            return False
        except OSError:
            self._ended()
            return False
        return True

    def _pipe(self, folder: Path) -> int | None:
        if self._process is not None and self._process.poll() is not None:
            self._ended()
        if self._process is None and time.monotonic() >= self._again_at:
            self._start(folder)
        return self._process.stdin.fileno() if self._process and self._process.stdin else None

    def _start(self, folder: Path) -> None:
        self._left, self.problem = b"", ""
        command = [
            sys.executable, "-m", "ml_platform.serving.shadow", "--home", str(self._home),
            "--rollout", _encode(self._rollout).decode(), "--traffic", str(folder),
        ]  # fmt: skip
        try:
            self._process = subprocess.Popen(command, stdin=subprocess.PIPE, bufsize=0)
        except OSError as error:
            self._failed(f"can't be started ({error.strerror})")
            return
        if self._process.stdin is not None:
            pipe = self._process.stdin.fileno()
            os.set_blocking(pipe, False)
            with contextlib.suppress(OSError, AttributeError):  # a smaller queue where the system wants it so
                fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, QUEUE_BYTES)

    def _ended(self) -> None:
        process, self._process = self._process, None
        code = None
        if process is not None:
            code = process.poll()
            _let_end(process)
        self._failed(f"has ended ({'its input is closed' if code is None else f'exit code {code}'})")

    def _failed(self, why: str) -> None:
        self._again_at = time.monotonic() + AGAIN_SECONDS
        self.problem = f"the shadow of v{self._rollout.version} {why}; it is started again, see the service's log"


def _let_end(process: subprocess.Popen[bytes]) -> None:
    if process.stdin is not None:
        with contextlib.suppress(OSError):
            process.stdin.close()
    threading.Thread(target=process.wait, name="shadow-end", daemon=True).start()


def _parts(mirrored: Mirrored) -> Iterator[Mirrored]:
    for start in range(0, len(mirrored.ids), ROWS_A_FRAME):
        part = slice(start, start + ROWS_A_FRAME)
        times = mirrored.event_times[part]
        yield replace(mirrored, rows=mirrored.rows[part], ids=mirrored.ids[part], event_times=times, first=not start)


def _frame(mirrored: Mirrored) -> bytes:
    content = _encode(mirrored)
    return len(content).to_bytes(LENGTH_BYTES) + content
