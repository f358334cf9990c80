"""Traffic of whole days: sealed Parquet files into which finished segments are put together.

A file holds predictions that were answered on one day (UTC), ordered by event time, as they were logged and in
columns (see `traffic_columns`), each beside the segment that it came from. Files are never changed and never renamed; a
newer one may repeat an older one's rows, and a segment that is still there may be in a file already. So that everything
counts once all the same, of each segment's rows on a day only one copy is read: the segment itself where it is still
there, otherwise the first file that has them.
"""

from __future__ import annotations

import io
import json
import os
import secrets
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self

from ml_platform.adapters.envelope_header import Place
from ml_platform.adapters.sealed_file import SealedReader, SealingWriter
from ml_platform.adapters.traffic_columns import Window, in_columns, within
from ml_platform.core.atomic import sync
from ml_platform.core.errors import DataInvalid

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as pq

    from ml_platform.core.keys import Keys

SUFFIX = ".parquet"
DRAFT = ".draft-"
SCHEMA_VERSION = "2"
ROWS_PER_GROUP = 50_000
SEGMENT, PREDICTION = "segment", "prediction"
_ABOUT = b"ml_platform_segments"


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What was taken from a segment into a file: rows, and on the segment's first day its torn and altered lines."""

    rows: int
    torn: int = 0


def day_of(path: Path) -> str:
    """Return the day of a file.

    >>> day_of(Path("traffic/production/flights/2013-06-03.9f2c.parquet"))
    '2013-06-03'
    """
    return path.name.partition(".")[0]


def days_of(folder: Path) -> list[Path]:
    """Return a folder's files of days, by day; empty when there is no folder."""
    found = folder.glob(f"*{SUFFIX}") if folder.is_dir() else ()
    return sorted(path for path in found if not path.name.startswith("."))


def place_of_day(path: Path) -> Place:
    """Return what a file is sealed as: itself, in the folder of its model and environment."""
    model = path.parent
    return Place(name=f"traffic/{model.parent.name}/{model.name}/{path.name}", digest="", where=str(path))


class DayFile:
    """An open file of a day; raises DataInvalid for one that isn't what was sealed, Unavailable for a lost key."""

    def __init__(self, path: Path, keys: Keys) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        self.path = path
        self._content = io.BufferedReader(SealedReader(path, place_of_day(path), keys))
        try:
            self._file: pq.ParquetFile = pq.ParquetFile(self._content)
            about = json.loads((self._file.schema_arrow.metadata or {})[_ABOUT])
        except (pa.ArrowException, KeyError, ValueError) as error:
            self._content.close()
            message = f"{path}: it is no file of predictions ({type(error).__name__}); restore it from a backup"
            raise DataInvalid(message) from error
        self.taken = {name: Taken(rows=rows, torn=torn) for name, (rows, torn) in about.items()}

    def __enter__(self) -> Self:
        """Return the file itself."""
        return self

    def __exit__(self, *error: object) -> None:
        """Close the file."""
        self._file.close()
        self._content.close()

    def table(self, without: Collection[str] = ()) -> pa.Table:
        """Return the rows of all segments but these, as `day_table` does."""
        rows = _without(self._file.read(use_threads=False), without)
        if self._has_columns:
            return rows
        return _day_table(rows[PREDICTION], rows[SEGMENT], self.path)

    def predictions(self, window: Window, without: Collection[str] = ()) -> Iterator[bytes]:
        """Iterate over the predictions, as they were logged, of all segments but these, in [start, end)."""
        for rows in self._groups(window, without, [PREDICTION]):
            yield from rows[PREDICTION].to_pylist()

    def columns(self, window: Window, without: Collection[str] = ()) -> Iterator[pa.Table]:
        """Iterate over the predictions in columns, of all segments but these, in [start, end)."""
        if not self._has_columns:
            for rows in self._groups(window, without, [PREDICTION]):
                yield in_columns(rows[PREDICTION].to_pylist(), self.path)
            return
        names = [name for name in self._file.schema_arrow.names if name not in {SEGMENT, PREDICTION}]
        for rows in self._groups(window, without, names):
            yield rows.select(names)

    @property
    def _has_columns(self) -> bool:
        """Say whether it holds predictions in columns too, as those of earlier versions of the platform don't."""
        return "says" in self._file.schema_arrow.names

    def _groups(self, window: Window, without: Collection[str], names: Sequence[str]) -> Iterator[pa.Table]:
        needed = list(dict.fromkeys([*names, "event_time", *([SEGMENT] if without else [])]))
        for group in range(self._file.num_row_groups):
            if self._overlaps(group, window):
                rows = self._file.read_row_group(group, needed, use_threads=False)
                yield within(_without(rows, without), window)

    def may_hold(self, window: Window) -> bool:
        """Say whether any of its predictions can be in [start, end)."""
        return any(self._overlaps(group, window) for group in range(self._file.num_row_groups))

    def rows_by_segment(self) -> dict[str, int]:
        """Count the rows of each segment as they are in the file."""
        counted = self._file.read(["segment"], use_threads=False)["segment"].value_counts()
        return {each["values"].as_py(): each["counts"].as_py() for each in counted}

    def _overlaps(self, group: int, window: Window) -> bool:
        at = self._file.schema_arrow.names.index("event_time")
        seen = self._file.metadata.row_group(group).column(at).statistics
        if seen is None or not seen.has_min_max:
            return True
        start, end = window
        return (start is None or seen.max >= start) and (end is None or seen.min < end)


def write_day(folder: Path, day: str, table: pa.Table, taken: Mapping[str, Taken], keys: Keys) -> Path:
    """Write a new file of a day and bring it to the disk; it has its name when it is whole."""
    import pyarrow.parquet as pq

    path = folder / f"{day}.{secrets.token_hex(8)}{SUFFIX}"
    about = json.dumps({name: [each.rows, each.torn] for name, each in taken.items()})
    table = table.sort_by("event_time").replace_schema_metadata({_ABOUT: about, b"schema_version": SCHEMA_VERSION})
    draft = folder / f"{DRAFT}{path.name}"
    try:
        with SealingWriter(draft) as writer:
            pq.write_table(
                table, writer, compression="zstd", row_group_size=ROWS_PER_GROUP, use_dictionary=_repeating(table),
                write_statistics=["event_time"],
            )  # fmt: skip
        writer.put_header(place_of_day(path), keys)
        os.rename(draft, path)  # noqa: PTH104 - never over another: the name is new
        sync(folder)
    finally:
        draft.unlink(missing_ok=True)
    return path


def day_table(payloads: Sequence[bytes], segment: Path) -> pa.Table:
    """Return predictions as they were logged, in columns, and the segment that they came from, as a table."""
    import pyarrow as pa

    return _day_table(pa.array(payloads, pa.binary()), pa.array([segment.name] * len(payloads), pa.string()), segment)


def _day_table(payloads: pa.Array, segments: pa.Array, source: Path) -> pa.Table:
    rows = in_columns(payloads.to_pylist(), source)
    return rows.append_column(SEGMENT, segments).append_column(PREDICTION, payloads)


def _repeating(table: pa.Table) -> list[str]:
    """Name the columns that hold few values, each many times."""
    import pyarrow as pa

    few = (pa.types.is_dictionary, pa.types.is_integer, pa.types.is_boolean)
    return [one.name for one in table.schema if one.name == SEGMENT or any(each(one.type) for each in few)]


def _without(table: pa.Table, segments: Collection[str]) -> pa.Table:
    import pyarrow as pa
    import pyarrow.compute as pc

    if not segments:
        return table
    return table.filter(pc.invert(pc.is_in(table["segment"], value_set=pa.array(sorted(segments), pa.string()))))
