"""The traffic log: every prediction served, written sealed before it is answered, read back by event time."""

from __future__ import annotations

import contextlib
import datetime as dt
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

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
from ml_platform.core.keys import Keys
from ml_platform.core.rollout import RolloutRecord
from ml_platform.core.traffic import Prediction

RANGE_SUFFIX = ".range"
BEFORE_SECONDS = 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Range:
    """The event times inside a finished segment; it holds only while the segment has this many bytes."""

    size_bytes: int
    first: dt.datetime
    last: dt.datetime


def traffic_folder(home: Path, environment: str, model: str) -> Path:
    """Return where a model's traffic in an environment is logged."""
    return home / "traffic" / environment / model


class TrafficLog:
    """Writes predictions; `folder` is one model's in one environment, several writers may share it."""

    def __init__(
        self, folder: Path, *, keys: Keys, segment_bytes: int = SEGMENT_BYTES, sync_seconds: float = SYNC_SECONDS
    ) -> None:
        self._encode = msgspec.json.Encoder().encode
        self._range: _Range | None = None
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
        """Say why the last write failed; empty when it didn't."""
        return self._writer.problem

    def append(self, predictions: Sequence[Prediction]) -> None:
        """Write predictions, all or none; raises Unavailable when they can't be written."""
        payloads = [self._encode(prediction) for prediction in predictions]
        times = [prediction.event_time for prediction in predictions]
        with self._lock:
            self._writer.append(payloads)
            self._widen(min(times), max(times))

    def probe(self) -> None:
        """Find out whether a log that failed can be written again; `problem` then says."""
        self._writer.probe()

    def close(self) -> None:
        """Bring everything to the disk and stop."""
        self._writer.close()

    def _widen(self, first: dt.datetime, last: dt.datetime) -> None:
        known = self._range
        if known is not None:
            first, last = min(known.first, first), max(known.last, last)
        self._range = _Range(size_bytes=0, first=first, last=last)

    def _write_range(self, segment: Path) -> None:
        covered, self._range = self._range, None
        if covered is None:
            return
        temporary = segment.with_suffix(".tmp")
        with contextlib.suppress(OSError):  # without a range the segment is read whole
            temporary.write_bytes(self._encode(replace(covered, size_bytes=segment.stat().st_size)))
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
    seen = Scan()
    found = [
        one
        for one in _predictions(folder, seen, (start, end), keys)
        if _inside(one.event_time, start, end) and (with_pairs or not one.pair)
    ]
    found.sort(key=lambda one: (one.event_time, one.at))
    return Traffic(predictions=found, torn=seen.torn)


@dataclass(frozen=True, slots=True)
class RolloutTraffic:
    """What a rollout drew or mirrored, and what its champion answered shortly before it began."""

    tried: list[Prediction]
    before: list[Prediction]


def read_rollout(folder: Path, rollout: RolloutRecord, *, keys: Keys) -> RolloutTraffic:
    """Read a rollout's traffic in the order in which it was answered; raises as `read`.

    Files that were last written to more than an hour before it began aren't opened.
    """
    seen, decoder = Scan(), msgspec.json.Decoder(Prediction)
    found = RolloutTraffic([], [])
    for segment in segments_of(folder):
        if segment.stat().st_mtime < rollout.since.timestamp() - BEFORE_SECONDS:
            continue
        for payload in scan_sealed(segment, seen, keys):
            one = read_as(decoder, payload, segment)
            if one.rollout == rollout.rollout_id:
                found.tried.append(one)
            elif one.version == rollout.champion and one.at < rollout.since and not one.pair:
                found.before.append(one)
    for each in (found.tried, found.before):
        each.sort(key=lambda one: one.at)
    return found


def _predictions(
    folder: Path, seen: Scan, window: tuple[dt.datetime | None, dt.datetime | None], keys: Keys
) -> Iterator[Prediction]:
    decoder = msgspec.json.Decoder(Prediction)
    for segment in segments_of(folder):
        if _overlaps(segment, *window):
            for payload in scan_sealed(segment, seen, keys):
                yield read_as(decoder, payload, segment)


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
