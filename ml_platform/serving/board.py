"""Board: what the workers of one service say of themselves, in memory that they share.

Each worker writes to a place of its own, so nobody waits for anybody; a reader that meets a half-written report (its
checksum is wrong) takes the last whole one. A report stays when its worker is killed: the one that takes its place
goes on counting from there.
"""

from __future__ import annotations

import mmap
import os
import time
import zlib

import msgspec

from ml_platform.serving.merged_metrics import continued, merged

PLACE_BYTES = 1 << 20  # untouched pages take no memory
HEAD_BYTES = 8
TRIES = 5
SILENT_SECONDS = 5.0


class Report(msgspec.Struct, frozen=True):
    """What a worker says of itself at a time of the machine's monotonic clock."""

    at: float
    pid: int
    problems: tuple[str, ...] = ()
    metrics: str = ""


class Notes:
    """The shared memory: `count` places for reports; made before the workers, who inherit it."""

    def __init__(self, count: int) -> None:
        self.count = count
        self._memory = mmap.mmap(-1, count * PLACE_BYTES)
        self._last: dict[int, Report] = {}

    def write(self, place: int, report: Report) -> None:
        """Replace a place's report; one that is too long leaves the former."""
        content = msgspec.msgpack.encode(report)
        if HEAD_BYTES + len(content) > PLACE_BYTES:
            return
        start = place * PLACE_BYTES
        self._memory[start + HEAD_BYTES : start + HEAD_BYTES + len(content)] = content
        self._memory[start : start + HEAD_BYTES] = len(content).to_bytes(4) + zlib.crc32(content).to_bytes(4)

    def read(self, place: int) -> Report | None:
        """Return a place's last whole report; None when there was none yet."""
        start = place * PLACE_BYTES
        for _ in range(TRIES):
            head = self._memory[start : start + HEAD_BYTES]
            length = int.from_bytes(head[:4])
            if not length:
                return None
            content = self._memory[start + HEAD_BYTES : start + HEAD_BYTES + length]
            if zlib.crc32(content).to_bytes(4) == head[4:]:
                self._last[place] = msgspec.msgpack.decode(content, type=Report)
                break
        return self._last.get(place)


class Board:
    """One worker's view of the notes; the place behind the workers' is their supervisor's."""

    def __init__(self, notes: Notes, worker: int) -> None:
        self._notes = notes
        self._worker = worker
        former = notes.read(worker)
        self._problems: tuple[str, ...] = ()
        self._former = "" if former is None else former.metrics

    def report(self, report: Report) -> None:
        """Say how this worker is; what the one before it in this place counted is added."""
        self._problems = report.problems
        self._notes.write(self._worker, msgspec.structs.replace(report, metrics=self._with_former(report.metrics)))

    def merged(self, own: str) -> str:
        """Return the metrics of all workers, this one's as they are now; what was told is never taken back."""
        self.report(Report(time.monotonic(), os.getpid(), self._problems, own))
        texts = {
            str(place): report.metrics for place in range(self._notes.count) if (report := self._notes.read(place))
        }
        return merged(texts)

    def problems_of_others(self) -> tuple[str, ...]:
        """Return what the other workers have to say, and which of them say nothing."""
        now, found = time.monotonic(), []
        for place in range(self._notes.count - 1):
            report = None if place == self._worker else self._notes.read(place)
            if report is None:
                continue
            if now - report.at > SILENT_SECONDS:
                found.append(f"worker {place} was last heard of {now - report.at:.0f} s ago; it is started anew")
            found += report.problems
        return tuple(dict.fromkeys(found))

    def _with_former(self, own: str) -> str:
        return continued(self._former, own) if self._former else own
