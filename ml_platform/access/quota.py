"""Quota: how many requests and rows a minute somebody may have scored, as token buckets in one process's memory."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

MINUTE = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Quota:
    """Limits a minute, of all tokens of a person together; None: no limit."""

    requests_per_minute: int | None = None
    rows_per_minute: int | None = None

    def __str__(self) -> str:
        said = {"requests": self.requests_per_minute, "rows": self.rows_per_minute}
        return ", ".join(f"{most} {what} a minute" for what, most in said.items() if most is not None)


@dataclass(slots=True)
class Bucket:
    """Holds up to a minute's share and fills evenly; see the token bucket of RFC 2697's kind."""

    per_minute: int
    clock: Callable[[], float]
    _left: float = field(init=False)
    _at: float = field(init=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False, repr=False)

    def __post_init__(self) -> None:
        self._left, self._at = float(self.per_minute), self.clock()

    def take(self, count: int) -> int:
        """Take so many and return 0, or take nothing and return after how many seconds there will be enough.

        What is more than a minute's share is never enough: a minute is said.
        """
        with self._lock:
            now = self.clock()
            self._left = min(self.per_minute, self._left + (now - self._at) * self.per_minute / MINUTE)
            self._at = now
            if count <= self._left:
                self._left -= count
                return 0
            missing = min(count, self.per_minute) - self._left
            return max(1, math.ceil(missing * MINUTE / self.per_minute))
