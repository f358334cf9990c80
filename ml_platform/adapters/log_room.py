"""Room: how much of the disk the traffic log takes and may take, and whether the disk is nearly full."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from ml_platform.adapters.compact_traffic import size_of

LOOK_SECONDS = 5.0
CROWDED_SHARE = 0.5
LEAST_FREE_BYTES = 256 << 20


@dataclass(slots=True, kw_only=True)
class LogRoom:
    """Looks at the disk every few seconds: `full` says why nothing may be written, `warning` what needs a person.

    `make_room` is called as long as more than half of what the log may take is taken; it must not wait.
    """

    folder: Path
    most_bytes: int | None = None
    least_free_bytes: int = LEAST_FREE_BYTES
    make_room: Callable[[], None] | None = None
    seconds: Callable[[], float] = time.monotonic
    full: str = ""
    warning: str = ""
    log_bytes: int = 0
    free_bytes: int = 0
    _looked_at: float | None = field(default=None, init=False)

    def look(self) -> None:
        """Look, if it is time to."""
        now = self.seconds()
        if self._looked_at is not None and now - self._looked_at < LOOK_SECONDS:
            return
        self._looked_at = now
        self._look_at_disk()
        self._look_at_log()

    def _look_at_disk(self) -> None:
        there = next(path for path in (self.folder, *self.folder.parents) if path.exists())
        self.free_bytes = shutil.disk_usage(there).free
        self.warning = ""
        if self.free_bytes < self.least_free_bytes:
            self.warning = (
                f"{there}: only {_mb(self.free_bytes)} of the disk are free, less than {_mb(self.least_free_bytes)}; "
                "when it is full nothing is answered: make room"
            )

    def _look_at_log(self) -> None:
        if self.most_bytes is None:
            return
        self.log_bytes = size_of(self.folder)
        self.full = ""
        if self.log_bytes >= self.most_bytes:
            self.full = (
                f"{self.folder}: the log takes {_mb(self.log_bytes)} of the {_mb(self.most_bytes)} that it may; "
                "nothing is answered that can't be written down: let it be larger, or move its oldest days away"
            )
        if self.make_room is not None and self.log_bytes > CROWDED_SHARE * self.most_bytes:
            self.make_room()


def _mb(size: int) -> str:
    return f"{size / (1 << 20):,.0f} MB"
