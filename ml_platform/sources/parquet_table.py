"""Parquet: a file's bytes as an Arrow table, whole or not at all, and only the columns that are asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ml_platform.core.errors import DataInvalid

if TYPE_CHECKING:
    from collections.abc import Collection

    import pyarrow as pa
    import pyarrow.parquet as pq

_NAMES_SAID = 5


def read_parquet(where: str, content: bytes, columns: Collection[str] | None) -> pa.Table:
    """Return a Parquet file's rows; DataInvalid when its end, its middle or a column that is needed is missing."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(pa.BufferReader(content)) as file:
            _require_whole(where, file.metadata, len(content))
            names = file.schema_arrow.names
            if columns is not None:
                require_columns(where, names, columns)
            chosen = None if columns is None else [name for name in names if name in columns]
            table = file.read(columns=chosen, use_threads=False)
    except (pa.ArrowException, OSError) as error:
        raise _unreadable(where, error) from None
    if table.num_rows != file.metadata.num_rows:
        message = (
            f"{where}: holds {table.num_rows:,} rows and says that it has {file.metadata.num_rows:,}; a whole file is "
            "needed; fetch it again"
        )
        raise DataInvalid(message)
    return table


def require_whole(where: str, content: bytes) -> None:
    """Raise DataInvalid when a Parquet file's end or middle is missing, by its footer: no page is read."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(pa.BufferReader(content)) as file:
            _require_whole(where, file.metadata, len(content))
    except (pa.ArrowException, OSError) as error:
        raise _unreadable(where, error) from None


def _unreadable(where: str, error: Exception) -> DataInvalid:
    return DataInvalid(
        f"{where}: is no readable Parquet file ({type(error).__name__}); a whole one is needed; fetch it again"
    )


def require_columns(where: str, seen: Collection[str], needed: Collection[str]) -> None:
    """Raise DataInvalid, naming them, when columns that were asked for aren't there."""
    absent = [name for name in needed if name not in seen]
    if absent:
        said = ", ".join(absent[:_NAMES_SAID])
        raise DataInvalid(f"{where}: has no column {said}; `columns` asks for it; correct the file or `columns`")


def _require_whole(where: str, metadata: pq.FileMetaData, size: int) -> None:
    """Refuse a file whose footer points past the place where the footer itself begins: its middle is missing."""
    ends = [
        min(column.data_page_offset, column.dictionary_page_offset or column.data_page_offset)
        + column.total_compressed_size
        for group in map(metadata.row_group, range(metadata.num_row_groups))
        for column in map(group.column, range(metadata.num_columns))
    ]
    if max(ends, default=0) > size - metadata.serialized_size - 8:
        message = (
            f"{where}: the Parquet file's middle is missing (its end is there); a whole one is needed; fetch it again"
        )
        raise DataInvalid(message)
