"""The guard: a stage over its time or memory is stopped with a readable error, without ending the process.

Memory isn't limited by the kernel (RLIMIT_DATA): an allocation that fails inside LightGBM's threads ends the process
with a segmentation fault. A thread watches the resident memory and the clock instead and interrupts the main thread.
Python hears that at its next instruction; a call of a C library that goes on and grows far over the limit ends the
process, before it takes the whole machine. Code that may hold a lock (an import, a log message) is let finish first:
raised in the middle of it, the error would leave the lock held for ever.
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

SIGNAL = signal.SIGUSR2  # nobody's timer: SIGALRM may be in use
LOOK_SECONDS = 0.05
AGAIN_SECONDS = 10.0
SWALLOWED_SECONDS = 0.5  # an author's `except Exception` takes the error, and the work goes on
FAR_OVER = 1.5  # times the limit
UNHEARD_CPU_SECONDS = 1.0  # a process that waits for its turn on a busy machine isn't deaf
UNHEARD_SECONDS = 20.0
LATE_SECONDS = 30.0
_STATM = Path("/proc/self/statm")
_OWN = "ml_platform"
# They hold locks outside of a `with`, or swallow what is raised in them.
_LET_FINISH = frozenset(
    {
        "_weakrefset",
        "concurrent",
        "coverage",
        "dagster",
        "importlib",
        "logging",
        "queue",
        "sqlalchemy",
        "threading",
        "weakref",
    }
)
_MIB = 2**20


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a stage may use, and its name for people."""

    name: str
    seconds: float | None = None
    memory_bytes: int | None = None


@dataclass(slots=True)
class Guard:
    """The guard over a stage at work; `lift` ends it early, twice is once. `over` says what it was stopped for."""

    limits: Limits
    started: float = field(default_factory=time.perf_counter)
    done: threading.Event = field(default_factory=threading.Event)
    over: str = ""
    heard: float = 0.0
    at_work: bool = False
    put_off: float = 0.0
    thread: int = field(default_factory=threading.get_ident)
    sign: tuple[float, float] = (0.0, 0.0)  # wall and CPU seconds when the main thread was last known to hear

    def lift(self) -> None:
        """Stop guarding; what comes after isn't the stage's work.

        From the flag on nothing is raised any more: raised within the event it would leave its lock held for ever.
        """
        self.at_work = False
        self.done.set()

    def hear(self, _signal: int, frame: FrameType | None) -> None:
        """Raise LimitReached in the main thread if its work is over a limit; put off where a lock may be held."""
        if not self.over:
            return
        self.sign = self._clocks()
        if not self.at_work or _may_hold_a_lock(frame):
            self.put_off = self.sign[0]
            return
        self.heard = self.sign[0]
        raise LimitReached(self.over)

    def watch(self, held: Callable[[], int], interrupt: Callable[[], None], end: Callable[[str], None]) -> None:
        """Look until lifted: interrupt the work when it is over a limit, `end` the process when that can't be heard."""
        asked = -AGAIN_SECONDS
        while not self.done.wait(LOOK_SECONDS):
            used, (took, cpu) = held(), self._clocks()
            if not self.over:
                self.over, self.sign = self._over(used, took), (took, cpu)
            if self.over and (self.put_off > asked or took - asked >= AGAIN_SECONDS or self._was_swallowed(took)):
                asked = took
                interrupt()
            if self.over and self._is_deaf(took, cpu) and self._far_over(used, took):
                end(f"{self.over}. It couldn't be interrupted, so its process was ended")
                return

    def _clocks(self) -> tuple[float, float]:
        return time.perf_counter() - self.started, time.process_time()

    def _was_swallowed(self, took: float) -> bool:
        """Say whether the error was raised and is on its way out no more, nor being cleared up after."""
        if not self.heard or took - self.heard < SWALLOWED_SECONDS:
            return False
        raised = sys._current_exceptions().get(self.thread)  # noqa: SLF001 (documented, for such ends as this)
        error = raised[1] if isinstance(raised, tuple) else raised
        while error is not None and not isinstance(error, LimitReached):
            error = error.__context__
        return error is None

    def _is_deaf(self, took: float, cpu: float) -> bool:
        """Say whether the main thread gave no sign for long; what was heard is on its way out, unless swallowed."""
        if self.heard and took - self.heard < AGAIN_SECONDS + 1.0:
            return False
        return cpu - self.sign[1] >= UNHEARD_CPU_SECONDS or took - self.sign[0] >= UNHEARD_SECONDS

    def _over(self, used: int, took: float) -> str:
        name, memory, seconds = self.limits.name, self.limits.memory_bytes, self.limits.seconds
        if memory is not None and used > memory:
            return (
                f"{name}: its process held {used // _MIB:,} MiB of memory, the model file allows "
                f"{memory // _MIB:,} MiB (resources: memory); nothing of the stage was kept; give it more, or read and "
                "make less: fewer rows, columns or features"
            )
        if seconds is not None and took >= seconds:
            return (
                f"{name}: was still at work after {took:.1f} s, the model file allows {seconds:g} s (resources: "
                "seconds); nothing of the stage was kept; give it more, or less work: fewer rows, features or rounds"
            )
        return ""

    def _far_over(self, used: int, took: float) -> bool:
        memory, seconds = self.limits.memory_bytes, self.limits.seconds
        return (memory is not None and used > FAR_OVER * memory) or (
            seconds is not None and took > FAR_OVER * seconds + LATE_SECONDS
        )


def _may_hold_a_lock(frame: FrameType | None) -> bool:
    """Whether a module is being imported, or what was called last by our own code is better let finish."""
    ours = False
    while frame is not None:
        package = str(frame.f_globals.get("__name__", "")).partition(".")[0]
        if frame.f_code.co_filename.startswith("<frozen importlib") or (not ours and package in _LET_FINISH):
            return True
        ours = ours or package == _OWN
        frame = frame.f_back
    return False


def end_process(text: str) -> None:
    """End this process at once, as a kill does, saying why; nothing is left half-written by that."""
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()
    os._exit(LimitReached.exit_code)


@contextlib.contextmanager
def guarded(limits: Limits, *, say: Callable[[str], None], end: Callable[[str], None] = end_process) -> Iterator[Guard]:
    """Stop what runs inside when it is over its limits; raises LimitReached. What can't be limited here is said."""
    guard = Guard(limits)
    if limits.seconds is None and limits.memory_bytes is None:
        yield guard
        return
    if threading.current_thread() is not threading.main_thread():
        say(f"{limits.name}: its limits are only measured: signals reach the main thread alone, and this isn't it")
        yield guard
        return
    if limits.memory_bytes is not None and not _STATM.exists():
        say(f"{limits.name}: its memory is only measured: {sys.platform} doesn't tell how much a process holds")
    with _held() as held:
        yield from _watched(guard, held, end)


def _watched(guard: Guard, held: Callable[[], int], end: Callable[[str], None]) -> Iterator[Guard]:
    main = threading.main_thread().ident or 0

    def interrupt() -> None:
        signal.pthread_kill(main, SIGNAL)

    before: Any = signal.signal(SIGNAL, guard.hear)
    thread = threading.Thread(target=guard.watch, args=(held, interrupt, end), name="guard", daemon=True)
    thread.start()
    try:
        try:
            guard.at_work = True  # not before: within `start` the thread's own lock is held
            yield guard
        finally:
            guard.lift()
    finally:  # the first one may be interrupted itself
        guard.lift()
        thread.join()
        signal.signal(SIGNAL, before)


@contextlib.contextmanager
def _held() -> Iterator[Callable[[], int]]:
    """Give a function that says how many bytes the process holds; 0 where the system doesn't tell."""
    if not _STATM.exists():
        yield lambda: 0
        return
    page = os.sysconf("SC_PAGE_SIZE")
    with _STATM.open("rb", buffering=0) as statm:

        def held() -> int:
            statm.seek(0)
            return int(statm.read(200).split()[1]) * page

        yield held


def out_of_memory(limits: Limits, error: MemoryError) -> LimitReached:
    """Return the readable error for an allocation that the machine refused."""
    size = limits.memory_bytes
    refused = str(error) or "out of memory"
    allowed = f"the model file allows {size // _MIB:,} MiB" if size else "the model file states no limit"
    return LimitReached(
        f"{limits.name}: the machine has no memory left for it ({refused}); {allowed} (resources: "
        "memory); nothing of the stage was kept; run it on a larger machine, or read and make less"
    )
