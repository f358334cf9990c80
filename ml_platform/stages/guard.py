"""The guard: a stage over its time or memory is stopped with a readable error, without ending the process.

Memory isn't limited by the kernel (RLIMIT_DATA): an allocation that fails inside LightGBM's threads ends the process
with a segmentation fault. A thread watches the resident memory instead and interrupts the main thread, as the timer
does. Python hears either at its next instruction, so one long call of a C library ends first.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

from ml_platform.core.errors import LimitReached

_STATM = Path("/proc/self/statm")
LOOK_SECONDS = 0.05
AGAIN_SECONDS = 10.0  # an author's `except Exception` may have swallowed the first one
_MIB = 2**20


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a stage may use, and its name for people."""

    name: str
    seconds: float | None = None
    memory_bytes: int | None = None


@dataclass(slots=True)
class Guard:
    """The guard over a stage at work; `lift` ends it early, twice is once."""

    limits: Limits
    started: float = field(default_factory=time.perf_counter)
    seen_bytes: int = 0
    done: threading.Event = field(default_factory=threading.Event)

    def lift(self) -> None:
        """Stop guarding; what comes after isn't the stage's work."""
        self.done.set()

    def hear(self, _signal: int, _frame: FrameType | None) -> None:
        """Raise LimitReached in the main thread, unless the guard is lifted or nothing is over its limit."""
        if self.done.is_set():
            return
        over = self._over()
        if over:
            raise LimitReached(over)

    def _over(self) -> str:
        name, memory, seconds = self.limits.name, self.limits.memory_bytes, self.limits.seconds
        if memory is not None and self.seen_bytes > memory:
            return (
                f"{name}: its process held {self.seen_bytes // _MIB:,} MiB of memory, the model file allows "
                f"{memory // _MIB:,} MiB (resources: memory); nothing of the stage was kept; give it more, or read and "
                "make less: fewer rows, columns or features"
            )
        took = time.perf_counter() - self.started
        if seconds is not None and took >= seconds:
            return (
                f"{name}: was still at work after {took:.1f} s, the model file allows {seconds:g} s (resources: "
                "seconds); nothing of the stage was kept; give it more, or less work: fewer rows, features or rounds"
            )
        return ""

    def watch(self, held: Callable[[], int], interrupt: Callable[[], None]) -> None:
        """Look at the memory until lifted; interrupt when it is over the limit, again when that wasn't heard."""
        limit = self.limits.memory_bytes or 0
        while not self.done.wait(LOOK_SECONDS):
            seen = held()
            if seen > limit:
                self.seen_bytes = seen
                interrupt()
                self.done.wait(AGAIN_SECONDS)


@contextlib.contextmanager
def guarded(limits: Limits, *, say: Callable[[str], None]) -> Iterator[Guard]:
    """Stop what runs inside when it is over its limits; raises LimitReached. What can't be limited here is said."""
    guard = Guard(limits)
    if limits.seconds is None and limits.memory_bytes is None:
        yield guard
        return
    if threading.current_thread() is not threading.main_thread():
        say(f"{limits.name}: its limits are only measured: signals reach the main thread alone, and this isn't it")
        yield guard
        return
    watches = limits.memory_bytes is not None and _STATM.exists()
    if limits.memory_bytes is not None and not watches:
        say(f"{limits.name}: its memory is only measured: {sys.platform} doesn't tell how much a process holds")
    with _signals(guard), _watcher(guard) if watches else contextlib.nullcontext():
        try:
            yield guard
        finally:
            guard.lift()


@contextlib.contextmanager
def _signals(guard: Guard) -> Iterator[None]:
    """Hear SIGALRM, sent by the timer or the watcher; afterwards whoever had it before has it again."""
    before: Any = signal.signal(signal.SIGALRM, guard.hear)
    left, interval = signal.setitimer(signal.ITIMER_REAL, guard.limits.seconds or 0.0, AGAIN_SECONDS)
    try:
        yield
    finally:
        guard.lift()
        took = time.perf_counter() - guard.started
        signal.setitimer(signal.ITIMER_REAL, 0.0)
        signal.signal(signal.SIGALRM, before)
        if left:
            signal.setitimer(signal.ITIMER_REAL, max(left - took, 0.001), interval)


@contextlib.contextmanager
def _watcher(guard: Guard) -> Iterator[None]:
    main = threading.main_thread().ident or 0
    with _STATM.open("rb", buffering=0) as statm:

        def held() -> int:
            statm.seek(0)
            return int(statm.read(200).split()[1]) * os.sysconf("SC_PAGE_SIZE")

        def interrupt() -> None:
            signal.pthread_kill(main, signal.SIGALRM)

        thread = threading.Thread(target=guard.watch, args=(held, interrupt), name="memory-guard", daemon=True)
        thread.start()
        try:
            yield
        finally:
            guard.lift()
            thread.join()


def out_of_memory(limits: Limits, error: MemoryError) -> LimitReached:
    """Return the readable error for an allocation that the machine refused."""
    size = limits.memory_bytes
    refused = str(error) or "out of memory"
    allowed = f"the model file allows {size // _MIB:,} MiB" if size else "the model file states no limit"
    return LimitReached(
        f"{limits.name}: the machine has no memory left for it ({refused}); {allowed} (resources: "
        "memory); nothing of the stage was kept; run it on a larger machine, or read and make less"
    )
