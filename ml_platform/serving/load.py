"""Load: how much the service takes on at once; what is beyond that is sent away at once, never queued without end."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import TypeVar

from ml_platform.adapters.traffic_log import Written
from ml_platform.core.errors import Unavailable
from ml_platform.serving.answer import unlogged
from ml_platform.serving.body import Scope
from ml_platform.serving.refusal import Refused

GivenT = TypeVar("GivenT")

LARGE_BODY_BYTES = 64 << 10
SMALL_BODY_BYTES = 4 << 10  # what 16,384 connections may hold of each needs no counting
MOST_HELD_BYTES = 64 << 20
RETRY_SECONDS = 1
AT_ONCE = contextlib.nullcontext()


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadLimits:
    """What one process takes on: requests being scored, large bodies from their head on, seconds for a score."""

    most_at_once: int = 100
    most_large: int = 8
    score_seconds: float = 30.0


@dataclass(slots=True)
class Load:
    """Counts what is under way in one process; used by its event loop alone."""

    limits: LoadLimits = field(default_factory=LoadLimits)
    draining: bool = False
    _scoring: int = 0
    _large: int = 0
    _held_bytes: int = 0
    _one_at_a_time: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(1))

    @property
    def under_way(self) -> int:
        """Return how many requests are being scored or wait for the disk."""
        return self._scoring

    def taken_in(self, scope: Scope) -> AbstractContextManager[None]:
        """Hold a place for a request whose body isn't small; raises Refused when there is none."""
        announced = announced_bytes(scope)
        if announced <= SMALL_BODY_BYTES:
            return AT_ONCE
        return self._held(announced) if announced <= LARGE_BODY_BYTES else self._taken_in()

    @contextlib.contextmanager
    def _held(self, size: int) -> Iterator[None]:
        if self._held_bytes + size > MOST_HELD_BYTES:
            raise self._too_much()
        self._held_bytes += size
        try:
            yield
        finally:
            self._held_bytes -= size

    @contextlib.contextmanager
    def _taken_in(self) -> Iterator[None]:
        if self._large >= self.limits.most_large:
            raise self._too_much()
        self._large += 1
        try:
            yield
        finally:
            self._large -= 1

    async def score(self, scoring: Callable[[], GivenT], size: int) -> GivenT:
        """Score a body of `size` bytes; raises Refused when too many are under way, or when it takes too long.

        Large ones are scored one at a time, beside the event loop, as they take memory many times their size; one
        that took too long is still finished there before the next begins.
        """
        self.require_place()
        if size <= LARGE_BODY_BYTES:
            return scoring()
        self._scoring += 1
        try:
            async with asyncio.timeout(self.limits.score_seconds):
                await self._one_at_a_time.acquire()
                task = asyncio.create_task(asyncio.to_thread(scoring))
                task.add_done_callback(self._finished)
                return await asyncio.shield(task)
        except TimeoutError as error:
            raise self._too_slow() from error
        finally:
            self._scoring -= 1

    async def beside(self, work: Callable[[], GivenT]) -> GivenT:
        """Do a part of a batch beside the event loop, when no large body is being scored."""
        async with self._one_at_a_time:
            return await asyncio.to_thread(work)

    async def on_disk(self, written: Written) -> None:
        """Wait until what was logged is on the disk; raises Refused when the disk refuses it or takes too long."""
        if written is None:
            return
        self._scoring += 1
        try:
            async with asyncio.timeout(self.limits.score_seconds):
                await asyncio.shield(asyncio.wrap_future(written))
        except (TimeoutError, Unavailable) as error:
            raise unlogged() from error
        finally:
            self._scoring -= 1

    def _finished(self, task: asyncio.Task[GivenT]) -> None:
        self._one_at_a_time.release()
        if not task.cancelled():
            task.exception()  # whoever waited has heard of it, or has gone

    def require_place(self) -> None:
        """Raise Refused when too many requests are under way to score another."""
        if self._scoring >= self.limits.most_at_once:
            raise self._too_much()

    def _too_much(self) -> Refused:
        message = "the service has as much to do as it takes on at once; send again in a moment"
        return Refused(503, "TEMPORARILY_UNAVAILABLE", message, retry_after_seconds=RETRY_SECONDS)

    def _too_slow(self) -> Refused:
        message = f"scoring took longer than {self.limits.score_seconds:g} s; send fewer rows at once, or again later"
        return Refused(504, "DEADLINE_EXCEEDED", message)


def announced_bytes(scope: Scope) -> int:
    """Return how large a body says it is; one that doesn't say may be large."""
    for name, value in scope["headers"]:
        if name == b"content-length":
            return int(value)
        if name == b"transfer-encoding":
            return LARGE_BODY_BYTES + 1
    return 0
