"""Piece: one file of a table, wherever it lies; what a folder's names say about its rows."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from urllib.parse import unquote

from ml_platform.core.errors import DataInvalid

SUFFIXES = (".csv", ".tsv", ".txt", ".parquet", ".pq", ".zip")
NO_VALUE = "__HIVE_DEFAULT_PARTITION__"


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """A file to read. `mark` is what tells cheaply that it changed: size, times, ETag; "" if nothing does."""

    where: str
    name: str
    mark: str
    size_bytes: int
    modified_at: dt.datetime | None
    read: Callable[[], bytes]
    partition: Mapping[str, str | None] = field(default_factory=dict)


def is_passed_over(name: str) -> bool:
    """Say whether a file is none of the table's rows: any part of its path begins with a dot or an underscore.

    >>> [is_passed_over(name) for name in ("year=2013/a.csv", "_SUCCESS", ".a.csv.crc", "_temporary/0/a.csv")]
    [False, True, True, True]
    """
    return any(part.startswith((".", "_")) for part in PurePosixPath(name).parts)


def partition_of(where: str, name: str) -> dict[str, str | None]:
    """Return the columns that a file's folders name, as in `year=2013/month=01/rows.parquet`; DataInvalid if twice.

    >>> partition_of("t", "year=2013/month=01/city=S%C3%A3o/rows.parquet")
    {'year': '2013', 'month': '01', 'city': 'São'}
    """
    found: dict[str, str | None] = {}
    for part in PurePosixPath(name).parts[:-1]:
        key, equals, value = part.partition("=")
        if not equals:
            continue
        if key in found:
            raise DataInvalid(f"{where}: its folders name '{key}' more than once; once is needed; rename a folder")
        found[unquote(key)] = None if value == NO_VALUE else unquote(value)
    return found


def require_pieces(where: str, names: list[str]) -> list[str]:
    """Return a folder's files that hold rows, in order; DataInvalid when there is none or one of another kind."""
    rows = sorted(name for name in names if not is_passed_over(name))
    odd = [name for name in rows if not name.lower().endswith(SUFFIXES)]
    if odd:
        message = (
            f"{where}: the folder holds {odd[0]!r}, which is neither CSV nor Parquet by its name; nothing is left out "
            "unsaid; move it away, or begin its name with a dot or an underscore"
        )
        raise DataInvalid(message)
    if not rows:
        raise DataInvalid(f"{where}: the folder holds no CSV or Parquet file; at least one is needed; correct `path`")
    return rows


def require_same_partitions(pieces: tuple[Piece, ...]) -> None:
    """Raise DataInvalid, naming the file, when the folders of one name other columns than those of the first."""
    for piece in pieces:
        if list(piece.partition) != list(pieces[0].partition):
            message = (
                f"{piece.where}: its folders name {_said(piece)}, those of {pieces[0].name} name {_said(pieces[0])}; "
                "all must name the same, in the same order; move the file"
            )
            raise DataInvalid(message)


def _said(piece: Piece) -> str:
    return ", ".join(piece.partition) or "no column"
