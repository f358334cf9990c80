"""The traffic log: every prediction served, written sealed before it is answered, read back by event time.

What lies in segments and what was compacted into days is read as one.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import threading
from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeVar

import msgspec

from ml_platform.adapters.sealed_segment import SealedLines, scan_sealed
from ml_platform.adapters.segments import (
    SEGMENT_BYTES,
    SYNC_SECONDS,
    Scan,
    SegmentWriter,
    read_as,
    segments_of,
)
from ml_platform.adapters.traffic_columns import Window, alike, in_columns, within
from ml_platform.adapters.traffic_days import DayFile, day_of, days_of
from ml_platform.core.errors import Unavailable
from ml_platform.core.keys import Keys
from ml_platform.core.rollout import RolloutRecord
from ml_platform.core.traffic import Prediction

if TYPE_CHECKING:
    import pyarrow as pa  # noqa: TC004  (dear, and nobody reads this dataclass's annotations)

RANGE_SUFFIX = ".range"
TRIES = 5
CLOCKS_APART_SECONDS = 3600.0

FoundT = TypeVar("FoundT")

Written = Future[None] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Range:
    """The event times inside a finished segment; it holds only while the segment has this many bytes."""

    size_bytes: int
    first: dt.datetime
    last: dt.datetime


def traffic_folder(home: Path, environment: str, model: str) -> Path:
    """Return where a model's traffic in an environment is logged."""
    return home / "traffic" / environment / model


class Room(Protocol):
    """The room that a log has; see `LogRoom`."""

    full: str
    warning: str

    def look(self) -> None:
        """Look at the disk, if it is time to."""


class TrafficLog:
    """Writes predictions; `folder` is one model's in one environment, several writers may share it.

    With `sync_seconds` 0 `append` gives back what has to be awaited before anything is answered.
    """

    def __init__(
        self,
        folder: Path,
        *,
        keys: Keys,
        segment_bytes: int = SEGMENT_BYTES,
        sync_seconds: float = SYNC_SECONDS,
        room: Room | None = None,
    ) -> None:
        self.room = room
        self.waits_for_disk = not sync_seconds
        self._encode = msgspec.json.Encoder().encode
        self._covered: tuple[dt.datetime, dt.datetime] | None = None
        self._lock = threading.Lock()
        self._writer = SegmentWriter(
            folder,
            SealedLines(keys),
            segment_bytes=segment_bytes,
            sync_seconds=sync_seconds,
            on_close=self._write_range,
        )

    @property
    def folder(self) -> Path:
        """Return where it writes."""
        return self._writer.folder

    @property
    def lag_seconds(self) -> float:
        """Return for how long the oldest prediction has been waiting for the disk."""
        return self._writer.lag_seconds

    @property
    def problem(self) -> str:
        """Say why the last write failed, or the next would; empty when it wouldn't."""
        return self._writer.problem or ("" if self.room is None else self.room.full)

    @property
    def warning(self) -> str:
        """Say what will be a problem if nobody does anything; empty when nothing is."""
        return "" if self.room is None else self.room.warning

    def append(self, predictions: Sequence[Prediction]) -> Written:
        """Write predictions, all or none; raises Unavailable when they can't be written.

        What it returns, if anything, is done once they are on the disk; it fails with Unavailable.
        """
        if self.room is not None and self.room.full:
            raise Unavailable(self.room.full)
        payloads = [self._encode(prediction) for prediction in predictions]
        times = [prediction.event_time for prediction in predictions]
        first, last = min(times), max(times)
        with self._lock:
            written = self._writer.append(payloads)
            known = self._covered
            self._covered = (first, last) if known is None else (min(known[0], first), max(known[1], last))
        return written

    def probe(self) -> None:
        """Find out how much room there is, and whether a log that failed can be written again; to be called often."""
        if self.room is not None:
            self.room.look()
        if self._writer.problem:
            self._writer.probe()

    def close(self) -> None:
        """Bring everything to the disk and stop."""
        self._writer.close()

    def _write_range(self, segment: Path) -> None:
        covered, self._covered = self._covered, None
        if covered is None:
            return
        first, last = covered
        temporary = segment.with_suffix(".tmp")
        with contextlib.suppress(OSError):  # without a range the segment is read whole
            temporary.write_bytes(self._encode(_Range(size_bytes=segment.stat().st_size, first=first, last=last)))
            temporary.replace(segment.with_suffix(RANGE_SUFFIX))


@dataclass(slots=True)
class Traffic:
    """What was read: the predictions by event time, and how many lines were torn or altered on the way."""

    predictions: list[Prediction]
    torn: int


def read(
    folder: Path,
    start: dt.datetime | None = None,
    end: dt.datetime | None = None,
    *,
    keys: Keys,
    with_pairs: bool = False,
) -> Traffic:
    """Read the predictions whose event time lies in [start, end), ordered by event time.

    What nobody got, as a challenger gave it in the shadow of another prediction (its `pair`), is left out, unless it
    is asked for `with_pairs`. Torn and altered lines are counted and left out. A missing folder reads as no traffic.
    Raises DataInvalid for a segment that isn't what was sealed there, Unavailable for one whose key is lost.
    """

    def look() -> Traffic:
        seen = Scan()
        every = _predictions(folder, seen, (start, end), keys)
        found = [one for one in every if _inside(one.event_time, start, end) and (with_pairs or not one.pair)]
        return Traffic(sorted(found, key=lambda one: (one.event_time, one.at)), seen.torn)

    return _unmoved(folder, look)


@dataclass(frozen=True, slots=True)
class TrafficTable:
    """What was read: predictions in columns (see `traffic_columns`), and how many lines were torn or altered.

    All tables have the same columns; each is let go once it was taken.
    """

    tables: Iterator[pa.Table]
    torn: int


def read_columns(
    folder: Path, start: dt.datetime | None = None, end: dt.datetime | None = None, *, keys: Keys
) -> TrafficTable:
    """Read the predictions whose event time lies in [start, end), in any order, pairs too; otherwise as `read`."""

    def look() -> TrafficTable:
        seen = Scan()
        tables = list(_tables(folder, seen, (start, end), keys))
        return TrafficTable(alike(tables), seen.torn)

    return _unmoved(folder, look)


def read_answered(folder: Path, since: dt.datetime, *, keys: Keys) -> list[Prediction]:
    """Return all that was answered since a time, pairs too, in that order; raises as `read`.

    Files that weren't written to since then aren't opened.
    """
    begin = since - dt.timedelta(seconds=CLOCKS_APART_SECONDS)

    def look() -> list[Prediction]:
        every = _predictions(folder, Scan(), (None, None), keys, since=begin)
        return sorted((one for one in every if one.at >= begin), key=lambda one: one.at)

    return _unmoved(folder, look)


@dataclass(frozen=True, slots=True)
class RolloutTraffic:
    """What a rollout drew or mirrored, and what its champion answered in the hour before it began."""

    tried: list[Prediction]
    before: list[Prediction]


def read_rollout(folder: Path, rollout: RolloutRecord, *, keys: Keys) -> RolloutTraffic:
    """Read a rollout's traffic in the order in which it was answered; raises as `read`."""
    every = read_answered(folder, rollout.since, keys=keys)
    return RolloutTraffic(
        tried=[one for one in every if one.rollout == rollout.rollout_id],
        before=[one for one in every if one.version == rollout.champion and one.at < rollout.since and not one.pair],
    )


def _unmoved(folder: Path, look: Callable[[], FoundT]) -> FoundT:
    """Look until nothing was compacted meanwhile."""
    for _ in range(TRIES):
        with contextlib.suppress(FileNotFoundError):  # it was compacted just now, and lies elsewhere
            return look()
    raise Unavailable(f"{folder}: its files went away each time they were read; run again when nothing compacts them")


def _predictions(
    folder: Path, seen: Scan, window: Window, keys: Keys, *, since: dt.datetime | None = None
) -> Iterator[Prediction]:
    decoder = msgspec.json.Decoder(Prediction)
    segments = segments_of(folder)  # before the days: what is compacted meanwhile is then met once at least
    for file, without in _days(folder, segments, seen, window, keys, since=since):
        for payload in file.predictions(window, without):
            yield read_as(decoder, payload, file.path)
    for segment in segments:
        if since is not None and segment.stat().st_mtime < since.timestamp():
            continue
        if _overlaps(segment, *window):
            for payload in scan_sealed(segment, seen, keys):
                yield read_as(decoder, payload, segment)


def _tables(folder: Path, seen: Scan, window: Window, keys: Keys) -> Iterator[pa.Table]:
    segments = segments_of(folder)  # before the days, see `_predictions`
    for file, without in _days(folder, segments, seen, window, keys):
        yield from file.columns(window, without)
    for segment in segments:
        if _overlaps(segment, *window):
            yield within(in_columns(list(scan_sealed(segment, seen, keys)), segment), window)


def _days(
    folder: Path, segments: Sequence[Path], seen: Scan, window: Window, keys: Keys, *, since: dt.datetime | None = None
) -> Iterator[tuple[DayFile, Collection[str]]]:
    """Iterate over what was compacted, each file with the segments that aren't read from it; see `traffic_days`."""
    counted: dict[str, set[str]] = {}
    first = "" if since is None else since.astimezone(dt.UTC).strftime("%Y-%m-%d")
    for path in days_of(folder):
        if day_of(path) < first:
            continue
        known = counted.setdefault(day_of(path), {segment.name for segment in segments})
        with DayFile(path, keys) as file:
            new = file.taken.keys() - known
            if file.may_hold(window):
                seen.altered += sum(file.taken[name].torn for name in new)
            yield file, file.taken.keys() & known
        known |= new


def _inside(time: dt.datetime, start: dt.datetime | None, end: dt.datetime | None) -> bool:
    return (start is None or time >= start) and (end is None or time < end)


def _overlaps(segment: Path, start: dt.datetime | None, end: dt.datetime | None) -> bool:
    """Say whether a segment can hold the window; one without a sound range file always can."""
    try:
        covered = msgspec.json.decode(segment.with_suffix(RANGE_SUFFIX).read_bytes(), type=_Range)
    except (FileNotFoundError, msgspec.MsgspecError):
        return True
    if covered.size_bytes != segment.stat().st_size:
        return True
    return (start is None or covered.last >= start) and (end is None or covered.first < end)
