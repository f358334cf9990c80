"""Throttle: who failed too often waits, whether the next try would be right or not."""

from __future__ import annotations

import datetime as dt
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

MOST_KEYS = 10_000


@dataclass(slots=True)
class Throttle:
    """Counts failures by key (a name from an address, or an address) within a window of time."""

    clock: Callable[[], dt.datetime]
    most: int
    window: dt.timedelta = dt.timedelta(minutes=15)
    most_keys: int = MOST_KEYS
    _failed: dict[str, deque[dt.datetime]] = field(default_factory=dict, init=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False, repr=False)

    def is_closed(self, key: str) -> bool:
        """Say whether a key has to wait."""
        with self._lock:
            return len(self._recent(key)) >= self.most

    def failed(self, key: str) -> None:
        """Count a failure; when too many keys failed, the oldest is forgotten."""
        with self._lock:
            recent = self._recent(key)
            recent.append(self.clock())
            self._failed[key] = recent
            while len(self._failed) > self.most_keys:
                del self._failed[next(iter(self._failed))]

    def succeeded(self, key: str) -> None:
        """Forget a key's failures."""
        with self._lock:
            self._failed.pop(key, None)

    def _recent(self, key: str) -> deque[dt.datetime]:
        since = self.clock() - self.window
        return deque((at for at in self._failed.get(key, ()) if at > since), maxlen=self.most)
