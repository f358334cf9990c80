"""Files: the pieces of a table that lies on a disk: one file, or all files of a folder."""

from __future__ import annotations

import datetime as dt
import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING

from ml_platform.core.errors import DataInvalid, Unavailable
from ml_platform.sources.locate import locate
from ml_platform.sources.piece import Piece, partition_of, require_pieces, require_same_partitions

if TYPE_CHECKING:
    from ml_platform.policy.spec import FileTable, PackageTable


def file_pieces(where: str, table: PackageTable | FileTable) -> tuple[Piece, ...]:
    """Return the pieces of a table on a disk, in the order of their names; raises Unavailable or DataInvalid."""
    path = locate(where, table)
    if not path.is_dir():
        return (_piece(where, path, path.name),)
    pieces = tuple(
        _piece(f"{where}: {name}", path / name, name, within=True)
        for name in require_pieces(where, _names(where, path))
    )
    require_same_partitions(pieces)
    return pieces


def _names(where: str, folder: Path) -> list[str]:
    def refuse(error: OSError) -> None:
        raise Unavailable(f"{where}: {error.filename} can't be listed ({error.strerror}); check its permissions")

    return [
        Path(place, name).relative_to(folder).as_posix()
        for place, _, names in os.walk(folder, onerror=refuse)
        for name in names
    ]


def _piece(where: str, path: Path, name: str, *, within: bool = False) -> Piece:
    try:
        state = path.stat()
    except OSError as error:
        message = f"{where}: {path} can't be read ({error.strerror}); check its permissions and the disk"
        raise Unavailable(message) from error
    if not stat.S_ISREG(state.st_mode):
        raise DataInvalid(f"{where}: {path} is no regular file; a CSV or Parquet file is needed; move it away")
    return Piece(
        where=where,
        name=name,
        mark=f"{state.st_size} {state.st_mtime_ns} {state.st_ctime_ns} {state.st_ino}",
        size_bytes=state.st_size,
        modified_at=dt.datetime.fromtimestamp(state.st_mtime, tz=dt.UTC),
        read=lambda: _bytes(where, path),
        partition=partition_of(where, name) if within else {},
    )


def _bytes(where: str, path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        message = f"{where}: {path} can't be read ({error.strerror}); check its permissions and the disk"
        raise Unavailable(message) from error
