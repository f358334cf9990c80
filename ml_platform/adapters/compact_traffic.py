"""Compacting the traffic log: finished segments become sealed Parquet files, one day each, and are then deleted.

It may be killed at any point and run again: what was written twice is read once (see `traffic_days`), and a segment is
deleted only when all that it held was read back from the disk.
"""

from __future__ import annotations

import fcntl
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from ml_platform.adapters.sealed_segment import scan_sealed
from ml_platform.adapters.segments import Scan, is_written, segments_of
from ml_platform.adapters.traffic_columns import put_together
from ml_platform.adapters.traffic_days import DRAFT, DayFile, Taken, day_of, day_table, days_of, write_day
from ml_platform.adapters.traffic_log import RANGE_SUFFIX
from ml_platform.core.errors import DataInvalid, Unavailable

if TYPE_CHECKING:
    import pyarrow as pa  # noqa: TC004  (dear, and nobody reads this dataclass's annotations)

    from ml_platform.core.keys import Keys

LOCK = ".compacting"
SEGMENTS_AT_ONCE = 2
DAY_FILE_BYTES = 32 << 20
STALE_SECONDS = 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class Compacted:
    """What a compaction did: segments and predictions taken in, bytes before and after, problems in words."""

    segments: int
    predictions: int
    days: tuple[str, ...]
    bytes_before: int
    bytes_after: int
    problems: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class DayOfTraffic:
    """All files of one day."""

    day: str
    predictions: int
    size_bytes: int
    paths: tuple[Path, ...]


@dataclass(slots=True)
class _Batch:
    """What some segments held, by the day it was answered."""

    rows: dict[str, list[pa.Table]] = field(default_factory=lambda: defaultdict(list))
    taken: dict[str, dict[str, Taken]] = field(default_factory=lambda: defaultdict(dict))
    segments: list[Path] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def compact(folder: Path, *, keys: Keys) -> Compacted:
    """Put all finished segments of a log into files of days; Unavailable when somebody else is doing so."""
    if not folder.is_dir():
        return Compacted(segments=0, predictions=0, days=(), bytes_before=0, bytes_after=0, problems=())
    before = size_of(folder)
    taken, predictions, days, problems = 0, 0, set[str](), list[str]()
    with _alone(folder):
        _clear(folder)
        finished = [segment for segment in segments_of(folder) if not is_written(segment)]
        for start in range(0, len(finished), SEGMENTS_AT_ONCE):
            batch = _read(finished[start : start + SEGMENTS_AT_ONCE], keys)
            problems += batch.problems
            predictions += sum(each.rows for of_day in batch.taken.values() for each in of_day.values())
            _keep(folder, batch, keys)
            for segment in batch.segments:
                segment.unlink()
                segment.with_suffix(RANGE_SUFFIX).unlink(missing_ok=True)
            taken += len(batch.segments)
            days |= batch.rows.keys()
    return Compacted(
        segments=taken, predictions=predictions, days=tuple(sorted(days)), bytes_before=before,
        bytes_after=size_of(folder), problems=tuple(problems),
    )  # fmt: skip


def size_of(folder: Path) -> int:
    """Return how many bytes a log takes."""
    total = 0
    for path in folder.iterdir() if folder.is_dir() else ():
        try:
            total += path.stat().st_size
        except FileNotFoundError:  # it was compacted meanwhile
            continue
    return total


def days_in(folder: Path, *, keys: Keys) -> list[DayOfTraffic]:
    """Return the days that were compacted, oldest first."""
    paths: dict[str, list[Path]] = defaultdict(list)
    for path in days_of(folder):
        paths[day_of(path)].append(path)
    found = []
    for day, of_day in paths.items():
        rows: dict[str, int] = {}
        for path in of_day:
            with DayFile(path, keys) as file:
                rows = {**{name: each.rows for name, each in file.taken.items()}, **rows}
        size = sum(path.stat().st_size for path in of_day)
        found.append(DayOfTraffic(day=day, predictions=sum(rows.values()), size_bytes=size, paths=tuple(of_day)))
    return found


def drop(day: DayOfTraffic) -> None:
    """Delete a day's files for good; whoever does so has written down before how many predictions go."""
    for path in day.paths:
        path.unlink(missing_ok=True)


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    try:
        with (folder / LOCK).open("wb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            yield
    except BlockingIOError as error:
        raise Unavailable(f"{folder}: another process is compacting it; nothing has to be done") from error
    except OSError as error:
        message = (
            f"{folder}: it can't be compacted ({error.strerror}); it has to be readable and writable, with free space; "
            "every prediction is still there: correct that and run again"
        )
        raise Unavailable(message) from error


def _clear(folder: Path) -> None:
    """Remove what was half-written when somebody was killed; nobody else compacts now."""
    for draft in folder.glob(f"{DRAFT}*"):
        draft.unlink()
    for draft in folder.glob(".*.log.new"):
        if time.time() - draft.stat().st_mtime > STALE_SECONDS:
            draft.unlink()


def _read(segments: Sequence[Path], keys: Keys) -> _Batch:
    batch = _Batch()
    for segment in segments:
        seen = Scan()
        try:
            rows = day_table(list(scan_sealed(segment, seen, keys)), segment)
        except (DataInvalid, Unavailable) as error:
            batch.problems.append(str(error))
            continue
        if seen.torn and not len(rows):
            batch.problems.append(f"{segment}: none of its {seen.torn} lines can be read; it stays as it is")
            continue
        batch.segments.append(segment)
        for number, (day, found) in enumerate(_by_day(rows)):
            batch.rows[day].append(found)
            batch.taken[day][segment.name] = Taken(rows=len(found), torn=0 if number else seen.torn)
    return batch


def _by_day(rows: pa.Table) -> Iterator[tuple[str, pa.Table]]:
    """Iterate over the rows of each day on which they were answered, by day."""
    import pyarrow.compute as pc

    days = pc.strftime(rows["at"], "%Y-%m-%d")
    for day in sorted(days.unique().to_pylist()):
        yield day, rows.filter(pc.equal(days, day))


def _keep(folder: Path, batch: _Batch, keys: Keys) -> None:
    """Write a new file for each day, small older ones put into it; these go once it was read back."""
    for day, tables in batch.rows.items():
        taken, older = dict(batch.taken[day]), []
        for path in days_of(folder):
            if day_of(path) != day or path.stat().st_size >= DAY_FILE_BYTES:
                continue
            with DayFile(path, keys) as file:
                tables.append(file.table(without=taken.keys()))
                taken = {**file.taken, **taken}
            older.append(path)
        written = write_day(folder, day, put_together(tables), taken, keys)
        _require_whole(written, taken, keys)
        for path in older:
            path.unlink()


def _require_whole(path: Path, taken: dict[str, Taken], keys: Keys) -> None:
    with DayFile(path, keys) as file:
        found = file.rows_by_segment()
    if found != {name: each.rows for name, each in taken.items() if each.rows}:
        message = (
            f"{path}: it doesn't hold what was written; the disk may be failing; the segments were left as they are"
        )
        raise DataInvalid(message)
