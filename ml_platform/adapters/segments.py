"""Append-only segments: one JSON document per line, each behind the CRC-32 of its bytes.

A line is `crc32 in 8 hex digits`, a space, the payload, a newline. JSON holds no raw newline, so a torn or altered
line costs that line alone and the reader goes on with the next. Every writer has segments of its own: nothing is
locked, and a segment that another process left behind torn is never continued.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import fcntl
import os
import secrets
import threading
import time
import zlib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeVar

import msgspec

from ml_platform.core.atomic import sync
from ml_platform.core.errors import DataInvalid, Unavailable

KnownT = TypeVar("KnownT")

SUFFIX = ".log"
PREFIX = 9  # eight hex digits and a space
SEGMENT_BYTES = 16 << 20
SYNC_SECONDS = 0.05
PROBE_BYTES = 4096


@dataclass(slots=True)
class Scan:
    """What scans met: lines that were altered, last lines without an end, the byte after the last whole line."""

    altered: int = 0
    unfinished: int = 0
    end: int = 0

    @property
    def torn(self) -> int:
        """Return how many lines could not be read."""
        return self.altered + self.unfinished


def line_of(payload: bytes) -> bytes:
    r"""Put a payload behind its checksum.

    >>> line_of(b"{}")
    b'37f2d0a9 {}\n'
    """
    return b"%08x %b\n" % (zlib.crc32(payload), payload)


def read_as(decoder: msgspec.json.Decoder[KnownT], payload: bytes, segment: Path) -> KnownT:
    """Read an intact payload; raises DataInvalid when it isn't what this version of the platform writes."""
    try:
        return decoder.decode(payload)
    except msgspec.MsgspecError as error:
        message = (
            f"{segment}: a line is whole but no {decoder.type.__name__} as this version knows it ({error}); another "
            "version of the platform wrote it; read it with that version, or move the segment away"
        )
        raise DataInvalid(message) from error


def segments_of(folder: Path) -> list[Path]:
    """Return a folder's segments, oldest first; empty when there is no folder."""
    return sorted(folder.glob(f"*{SUFFIX}")) if folder.is_dir() else []


def scan(path: Path, seen: Scan, *, start: int = 0) -> Iterator[bytes]:
    """Iterate over the intact payloads of a segment from byte `start`, counting into `seen`.

    A last line without its newline is being written right now or was torn: it is counted and left out.
    """
    seen.end = start
    with path.open("rb") as file:
        file.seek(start)
        for line in file:
            if not line.endswith(b"\n"):
                seen.unfinished += 1
                return
            seen.end += len(line)
            payload = line[PREFIX:-1]
            if line[:PREFIX] == b"%08x " % zlib.crc32(payload):
                yield payload
            else:
                seen.altered += 1


def is_written(segment: Path) -> bool:
    """Say whether a segment's writer may still be at work, as far as this machine can know."""
    with segment.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError:  # held; or a file system that knows no locks, where nothing is sure
            return True
    return False


class Cover(Protocol):
    """Covers what is written: begins every segment, and gives for every payload what stands in its line."""

    def begin(self, segment: Path) -> bytes:
        """Return what a new segment begins with."""

    def seal(self, payload: bytes, number: int) -> bytes:
        """Return what stands in a line, without newlines; `number` counts the segment's lines from 0."""


class SegmentWriter:
    """Appends lines to segments of its own; what `append` returned from survives a kill of the process.

    Lines reach the operating system before `append` returns and the disk within `sync_seconds`. With 0 the disk is
    busy as long as anything waits for it: `append` returns what tells when it is there, and all that came while the
    disk was busy goes there together (group commit). A failed write is taken back, so that the next one starts on a
    clean line. `on_close` hears of every finished segment. A segment is locked while it is written. Safe for threads.
    """

    def __init__(
        self,
        folder: Path,
        cover: Cover,
        *,
        segment_bytes: int = SEGMENT_BYTES,
        sync_seconds: float = SYNC_SECONDS,
        on_close: Callable[[Path], None] | None = None,
    ) -> None:
        self.folder = folder
        self._cover = cover
        self.problem = ""
        self._segment_bytes = segment_bytes
        self._sync_seconds = sync_seconds
        self._on_close = on_close
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._wake = threading.Event()
        self._file: int | None = None
        self._path = folder
        self._written = 0
        self._lines = 0
        self._appends = 0
        self._waiting_since: float | None = None
        self._round: Future[None] | None = None
        self._thread: threading.Thread | None = None

    @property
    def lag_seconds(self) -> float:
        """Return for how long the oldest line has been waiting for the disk."""
        since = self._waiting_since
        return 0.0 if since is None else time.monotonic() - since

    @property
    def size_bytes(self) -> int:
        """Return how large the present segment is."""
        return self._written

    def append(self, payloads: Sequence[bytes]) -> Future[None] | None:
        """Write payloads, all or none; raises Unavailable when they can't be written.

        With `sync_seconds` 0 it returns what is done once they are on the disk, and fails when the disk refuses them.
        """
        with self._lock:
            try:
                file = self._open_file()
                seal, first = self._cover.seal, self._lines
                lines = [line_of(seal(payload, number)) for number, payload in enumerate(payloads, first)]
                self._write(file, b"".join(lines))
                self._lines += len(lines)
            except (OSError, Unavailable) as error:
                self.problem = _unwritable(self.folder, error)
                raise Unavailable(self.problem) from error
            self.problem = ""
            return self._round

    def probe(self) -> None:
        """Try to write and take it back; `problem` then says whether appending would work."""
        with self._lock:
            try:
                file = self._open_file()
                self._write_all(file, bytes(PROBE_BYTES))
                os.ftruncate(file, self._written)
            except (OSError, Unavailable) as error:
                self.problem = _unwritable(self.folder, error)
                return
            self.problem = ""

    def close(self) -> None:
        """Bring everything to the disk and stop; raises Unavailable when the disk refuses."""
        self._stop.set()
        self._wake.set()
        if self._thread is not None:
            self._thread.join()
        with self._lock:
            try:
                self._finish_segment()
            except OSError as error:
                self.problem = _unwritable(self.folder, error)
                raise Unavailable(self.problem) from error

    def _open_file(self) -> int:
        if self._file is not None and self._written < self._segment_bytes:
            return self._file
        self._finish_segment()
        self.folder.mkdir(parents=True, exist_ok=True)
        stamp = dt.datetime.now(dt.UTC).strftime("%Y%m%dT%H%M%S%f")
        self._path = self.folder / f"{stamp}-{os.getpid()}-{secrets.token_hex(4)}{SUFFIX}"
        self._written = self._lines = 0
        self._file = self._begin()
        sync(self.folder)
        if self._thread is None:
            self._thread = threading.Thread(target=self._sync_always, name="segment-sync", daemon=True)
            self._thread.start()
        return self._file

    def _begin(self) -> int:
        """Start a segment, which gets its name once it is locked and has its beginning; without one there is none."""
        draft = self._path.with_name(f".{self._path.name}.new")
        file = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC, 0o600)
        try:
            with contextlib.suppress(OSError):  # where there are no locks, only closed segments count as finished
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            beginning = self._cover.begin(self._path)
            _write_whole(file, beginning)
            if not self._sync_seconds:
                sync_data(file)
            draft.rename(self._path)
        except (OSError, Unavailable):
            os.close(file)
            draft.unlink(missing_ok=True)
            raise
        self._written = len(beginning)
        return file

    def _write_all(self, file: int, content: bytes) -> None:
        try:
            _write_whole(file, content)
        except OSError:
            self._take_back(file)
            raise

    def _write(self, file: int, lines: bytes) -> None:
        self._write_all(file, lines)
        self._written += len(lines)
        self._appends += 1
        if not self._sync_seconds and self._round is None:
            self._round = Future()
        if self._waiting_since is None:
            self._waiting_since = time.monotonic()
            self._wake.set()

    def _take_back(self, file: int) -> None:
        try:
            os.ftruncate(file, self._written)
        except OSError as error:
            self._abandon()
            self._waiting_since = None
            waiting, self._round = self._round, None
            _tell(waiting, error)

    def _abandon(self) -> None:
        """Leave a segment whose end can't be trusted; the next append starts another."""
        if self._file is not None:
            file, self._file = self._file, None
            os.close(file)

    def _finish_segment(self) -> None:
        if self._file is None:
            return
        waiting, self._round = self._round, None
        try:
            sync_data(self._file)
        except OSError as error:
            _tell(waiting, error)
            raise
        finally:
            self._abandon()
        self._waiting_since = None
        _tell(waiting)
        if self._on_close is not None:
            self._on_close(self._path)

    def _sync_always(self) -> None:
        while not self._stop.is_set():
            self._wake.wait()
            self._stop.wait(self._sync_seconds)
            self._sync()

    def _sync(self) -> None:
        with self._lock:
            if self._waiting_since is None:
                self._wake.clear()
            if self._waiting_since is None or self._file is None:
                return
            file, appends, started = os.dup(self._file), self._appends, time.monotonic()
            waiting, self._round = self._round, None
        try:
            sync_data(file)
        except OSError as error:
            with self._lock:  # the kernel may have dropped the pages, so this segment is never continued
                self._abandon()
                self._waiting_since = None
                self.problem = f"{self.folder}: the disk refused what was written ({error.strerror})"
                later, self._round = self._round, None
            _tell(waiting, error)
            _tell(later, error)
            return
        finally:
            os.close(file)
        with self._lock:
            self._waiting_since = None if self._appends == appends else started
        _tell(waiting)


def _tell(waiting: Future[None] | None, error: OSError | None = None) -> None:
    """Tell who waits for the disk how it went."""
    if waiting is None:
        return
    if error is None:
        waiting.set_result(None)
    else:
        waiting.set_exception(Unavailable(f"the disk refused what was written ({error.strerror})"))


def _write_whole(file: int, content: bytes) -> None:
    written = os.write(file, content)
    while written < len(content):
        written += os.write(file, memoryview(content)[written:])


def sync_data(file: int) -> None:
    """Bring a file's content to the disk; macOS has no cheaper call than fsync."""
    (os.fdatasync if hasattr(os, "fdatasync") else os.fsync)(file)


def _unwritable(folder: Path, error: OSError | Unavailable) -> str:
    if isinstance(error, Unavailable):
        return f"{folder}: {error}"
    return f"{folder}: writing failed ({error.strerror}); it has to be writable and to have free space: make room"
