from __future__ import annotations

import logging
import signal
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import pytest

from ml_platform.core.errors import LimitReached
from ml_platform.stages import guard as module
from ml_platform.stages.guard import SIGNAL, Guard, Limits, guarded, out_of_memory

LINUX = pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="only Linux tells what a process holds")


def work_in_a_child(limits: str, work: str) -> subprocess.CompletedProcess[str]:
    """Run guarded work in a process of its own; print the error, its exit code and that the process lives."""
    code = f"""
        import time
        from ml_platform.core.errors import LimitReached
        from ml_platform.stages.guard import Limits, guarded
        held = []
        try:
            with guarded(Limits(name="parcels/model", {limits}), say=print):
                {work}
        except LimitReached as error:
            print(error, error.exit_code, "still alive")
    """
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, timeout=60, check=False
    )


def test_a_stage_over_its_time_ends_with_a_readable_error() -> None:
    done = work_in_a_child("seconds=0.2", "time.sleep(30)")
    assert done.stdout.startswith("parcels/model: was still at work after 0.")
    assert (
        "the model file allows 0.2 s (resources: seconds); nothing of the stage was kept; give it more" in done.stdout
    )
    assert done.stdout.endswith(" 4 still alive\n")
    assert not done.stderr


@LINUX
def test_a_stage_over_its_memory_ends_with_a_readable_error() -> None:
    work = "[(held.append(bytearray(b'x') * 4_000_000), time.sleep(0.005)) for _ in range(2_000)]"
    done = work_in_a_child("memory_bytes=120 * 2**20", work)
    assert done.stdout.startswith("parcels/model: its process held 1")
    assert (
        "MiB of memory, the model file allows 120 MiB (resources: memory); nothing of the stage was kept" in done.stdout
    )
    assert done.stdout.endswith(" 4 still alive\n")
    assert not done.stderr


@LINUX
def test_a_stage_that_begins_over_its_memory_is_stopped_at_once() -> None:
    done = work_in_a_child("memory_bytes=2**20", "time.sleep(30)")
    assert "the model file allows 1 MiB" in done.stdout


def test_an_error_that_an_author_swallows_comes_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SWALLOWED_SECONDS", 0.05)
    swallowed: list[LimitReached] = []

    def stubborn() -> None:
        with guarded(Limits(name="a/b", seconds=0.05), say=print):
            try:
                time.sleep(5)
            except LimitReached as error:
                swallowed.append(error)
            time.sleep(5)

    with pytest.raises(LimitReached):
        stubborn()
    assert len(swallowed) == 1


def test_clearing_up_after_the_error_is_not_interrupted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SWALLOWED_SECONDS", 0.05)
    cleared: list[str] = []

    def tidy() -> None:
        with guarded(Limits(name="a/b", seconds=0.05), say=print):
            try:
                time.sleep(5)
            finally:
                time.sleep(0.3)
                try:
                    raise ValueError  # an error of its own while it clears up
                except ValueError:
                    time.sleep(0.3)
                cleared.append("all")

    with pytest.raises(LimitReached):
        tidy()
    assert cleared == ["all"]


def test_clearing_up_without_end_is_interrupted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "AGAIN_SECONDS", 0.1)
    ended: list[str] = []

    def endless() -> None:
        with guarded(Limits(name="a/b", seconds=0.05), say=print):
            try:
                time.sleep(5)
            finally:
                time.sleep(5)
                ended.append("clearing up")

    with pytest.raises(LimitReached):
        endless()
    assert not ended


def test_within_its_limits_nothing_happens_and_the_signal_is_free_again() -> None:
    before = signal.getsignal(SIGNAL)
    with guarded(Limits(name="a/b", seconds=60.0, memory_bytes=2**50), say=print) as guard:
        time.sleep(0.1)
        assert not guard.done.is_set()
    assert not guard.over
    assert signal.getsignal(SIGNAL) is before


@LINUX
def test_work_that_cannot_be_interrupted_ends_its_process_before_it_takes_the_machine() -> None:
    # A blocked signal stands for a long call of a C library: Python doesn't hear.
    blocked = (
        "import signal; signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR2]); "
        "held.append(bytearray(b'x') * 90_000_000); [None for _ in iter(int, 1)]"
    )
    done = work_in_a_child("memory_bytes=2**25", blocked)
    assert done.returncode == 4
    assert "parcels/model: its process held" in done.stderr
    assert done.stderr.endswith("It couldn't be interrupted, so its process was ended\n")
    assert not done.stdout


class Watched:
    """A guard's watch without a thread: each look finds the next of the given sizes."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, limits: Limits, *sizes: int) -> None:
        self.asked, self.ended = 0, list[str]()
        self.guard, self.sizes = Guard(limits), list(sizes)
        monkeypatch.setattr(module, "LOOK_SECONDS", 0.001)
        monkeypatch.setattr(module, "UNHEARD_CPU_SECONDS", 0.0)

    def held(self) -> int:
        if len(self.sizes) == 1:
            self.guard.lift()
        return self.sizes.pop(0)

    def interrupt(self) -> None:
        self.asked += 1

    def watch(self) -> None:
        self.guard.watch(self.held, self.interrupt, self.ended.append)


def test_a_little_over_the_limit_is_interrupted_once_and_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    watched = Watched(monkeypatch, Limits(name="a/b", memory_bytes=100), 90, 100, 101, 120, 150)
    watched.watch()
    assert (watched.asked, watched.ended) == (1, [])


def test_far_over_a_limit_and_unheard_ends_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    watched = Watched(monkeypatch, Limits(name="a/b", memory_bytes=100), 120, 151, 151)
    watched.watch()
    assert (watched.asked, len(watched.ended)) == (1, 1)


def test_what_was_heard_gets_time_to_clear_up(monkeypatch: pytest.MonkeyPatch) -> None:
    watched = Watched(monkeypatch, Limits(name="a/b", memory_bytes=100), 120, 151, 151)
    watched.guard.heard = 0.001
    watched.watch()
    assert watched.ended == []


def test_far_over_its_time_and_unheard_ends_the_process_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LATE_SECONDS", 0.0)
    watched = Watched(monkeypatch, Limits(name="a/b", seconds=0.001), 1, 1, 1, 1)
    watched.watch()
    assert len(watched.ended) == 1
    assert watched.ended[0].startswith("a/b: was still at work after")


def test_what_comes_after_the_work_is_not_interrupted() -> None:
    with guarded(Limits(name="a/b", seconds=0.05), say=print) as guard:
        guard.lift()
        time.sleep(0.1)


def test_a_signal_of_somebody_else_raises_nothing() -> None:
    Guard(Limits(name="a/b", seconds=60.0, memory_bytes=1)).hear(SIGNAL, None)


def test_without_limits_nothing_is_touched() -> None:
    before = signal.getsignal(SIGNAL)
    with guarded(Limits(name="a/b"), say=print):
        assert signal.getsignal(SIGNAL) is before


def test_outside_the_main_thread_it_is_said_that_nothing_is_limited() -> None:
    heard: list[str] = []

    def work() -> None:
        with guarded(Limits(name="a/b", seconds=0.01), say=heard.append):
            time.sleep(0.05)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert heard == ["a/b: its limits are only measured: signals reach the main thread alone, and this isn't it"]


def test_where_the_system_does_not_tell_the_memory_time_alone_is_limited(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(module, "_STATM", tmp_path / "absent")
    heard: list[str] = []
    limits = Limits(name="a/b", seconds=0.05, memory_bytes=1)
    with pytest.raises(LimitReached, match="was still at work"), guarded(limits, say=heard.append):
        time.sleep(5)
    assert len(heard) == 1
    assert "its memory is only measured" in heard[0]


def test_memory_that_the_machine_refuses_is_told_with_the_limit_or_without() -> None:
    limited = out_of_memory(Limits(name="a/b", memory_bytes=2**30), MemoryError("Unable to allocate 3 GiB"))
    assert (
        "a/b: the machine has no memory left for it (Unable to allocate 3 GiB); the model file allows 1,024 MiB"
        in str(limited)
    )
    assert "(out of memory); the model file states no limit" in str(out_of_memory(Limits(name="a/b"), MemoryError()))


def test_what_was_put_off_is_asked_again_and_gets_time(monkeypatch: pytest.MonkeyPatch) -> None:
    watched = Watched(monkeypatch, Limits(name="a/b", memory_bytes=100), 120, 120, 120, 120)

    def put_off() -> None:
        watched.asked += 1
        watched.guard.hear(SIGNAL, None)  # nothing is at work yet

    watched.guard.watch(watched.held, put_off, watched.ended.append)
    assert watched.asked == 4
    assert watched.guard.heard == 0.0
    assert watched.ended == []


def test_far_over_a_limit_gets_time_to_hear(monkeypatch: pytest.MonkeyPatch) -> None:
    watched = Watched(monkeypatch, Limits(name="a/b", memory_bytes=100), 151, 151, 151)
    monkeypatch.setattr(module, "UNHEARD_CPU_SECONDS", 60.0)
    watched.watch()
    assert watched.ended == []


def test_waiting_for_its_turn_is_no_deafness_but_not_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    watched = Watched(monkeypatch, Limits(name="a/b", memory_bytes=100), 151, 151, 151)
    monkeypatch.setattr(module, "UNHEARD_CPU_SECONDS", 60.0)
    monkeypatch.setattr(module, "UNHEARD_SECONDS", 0.0)
    watched.watch()
    assert len(watched.ended) == 1


def test_an_import_is_let_finish(tmp_path: Path) -> None:
    (tmp_path / "slow_to_import.py").write_text("import time\ntime.sleep(0.5)\nprint('whole')\n", encoding="utf-8")
    work = f"import sys; sys.path.insert(0, {str(tmp_path)!r}); import slow_to_import; time.sleep(30)"
    done = work_in_a_child("seconds=0.05", work)
    assert done.stdout.startswith("whole\nparcels/model: was still at work after 0.")
    assert done.stdout.endswith(" 4 still alive\n")


def test_a_log_message_is_let_finish() -> None:
    guard = Guard(Limits(name="a/b"), over="a/b: over", at_work=True)

    class Interrupted(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            del record
            guard.hear(SIGNAL, sys._getframe())

    logger, handler = logging.getLogger("a.b"), Interrupted()
    logger.addHandler(handler)
    logger.warning("written with a lock held")
    logger.removeHandler(handler)
    assert guard.put_off > 0.0
    with pytest.raises(LimitReached, match="a/b: over"):
        guard.hear(SIGNAL, sys._getframe())


def test_lifting_the_guard_is_not_interrupted_half_way() -> None:
    guard = Guard(Limits(name="a/b"), over="a/b: over", at_work=True)

    class Interrupted(threading.Event):
        """An event in the middle of whose setting, with its lock held, the signal arrives."""

        def set(self) -> None:
            with self._cond:  # type: ignore[attr-defined]
                guard.hear(0, None)
            super().set()

    guard.done = Interrupted()
    guard.lift()
    assert guard.done.is_set()
