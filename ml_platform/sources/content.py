"""Content: a file's bytes as a table with clear errors, which name rows and columns and never values."""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from typing import TYPE_CHECKING

from ml_platform.core.errors import DataInvalid

if TYPE_CHECKING:
    from collections.abc import Collection

    import pyarrow as pa

MOST_UNPACKED_BYTES = 4 << 30
_LARGEST_BLOCK = 1 << 30
_MOST_LEVELS = 1 << 17
_RAGGED = re.compile(r"(?:Row #(\d+): )?Expected (\d+) columns, got (\d+)")


def parse_table(where: str, content: bytes, *, text_columns: Collection[str] = ()) -> pa.Table:
    """Read CSV or Parquet bytes (or those of the one file in a zip) as an Arrow table with at least one row.

    Types are inferred from the whole file; `text_columns` stay text, so that "007" keeps its zeros. In a CSV file
    an empty cell, NA, NaN and null are missing. Raises DataInvalid.
    """
    import pyarrow as pa

    if content[:2] == b"PK":
        content = _unzip(where, content)
    if not content.strip():
        raise DataInvalid(f"{where}: the file is empty; a header and rows are needed; fetch it again")
    table = _parquet(where, content) if content[:4] == b"PAR1" else _csv(where, content, text_columns)
    names = table.column_names
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise DataInvalid(f"{where}: columns {twice} come more than once; names must differ; rename them in the file")
    raw = [field.name for field in table.schema if pa.types.is_binary(_value_type(field.type))]
    if raw:
        raise DataInvalid(f"{where}: columns {raw} are not UTF-8 text; UTF-8 is needed; convert the file")
    nested = [field.name for field in table.schema if pa.types.is_nested(field.type)]
    if nested:
        raise DataInvalid(f"{where}: columns {nested} hold lists or structs; flat columns are needed; unnest them")
    if table.num_rows == 0:
        raise DataInvalid(f"{where}: has a header and no rows; at least one row is needed; fetch the file again")
    return table


def _value_type(kind: pa.DataType) -> pa.DataType:
    return getattr(kind, "value_type", kind)


def _unzip(where: str, content: bytes) -> bytes:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            members = [item for item in archive.infolist() if not item.is_dir()]
            if len(members) != 1:
                message = f"{where}: the zip holds {len(members)} files; exactly one is needed; name the right archive"
                raise DataInvalid(message)
            if members[0].file_size > MOST_UNPACKED_BYTES:
                message = (
                    f"{where}: the zip unpacks to {members[0].file_size:,} bytes; at most {MOST_UNPACKED_BYTES:,} are "
                    "read; store the table as Parquet"
                )
                raise DataInvalid(message)
            return archive.read(members[0])
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, zlib.error) as error:
        message = f"{where}: the zip can't be unpacked ({type(error).__name__}); a whole one is needed; fetch it again"
        raise DataInvalid(message) from None


def _parquet(where: str, content: bytes) -> pa.Table:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return pq.read_table(pa.BufferReader(content), use_threads=False)
    except (pa.ArrowException, OSError) as error:
        message = (
            f"{where}: is no readable Parquet file ({type(error).__name__}); a whole one is needed; fetch it again"
        )
        raise DataInvalid(message) from None


def _csv(where: str, content: bytes, text_columns: Collection[str]) -> pa.Table:
    import pyarrow as pa
    from pyarrow import csv

    text = pa.dictionary(pa.int32(), pa.string())
    try:
        table = csv.read_csv(
            pa.BufferReader(content),
            read_options=csv.ReadOptions(use_threads=False, block_size=min(len(content) + 1, _LARGEST_BLOCK)),
            parse_options=csv.ParseOptions(newlines_in_values=len(content) >= _LARGEST_BLOCK),
            convert_options=csv.ConvertOptions(
                strings_can_be_null=True,
                auto_dict_encode=True,
                auto_dict_max_cardinality=_MOST_LEVELS,
                column_types=dict.fromkeys(text_columns, text),
            ),
        )
        table.schema.names  # noqa: B018  (a name that isn't UTF-8 fails here)
    except (pa.ArrowException, UnicodeDecodeError) as error:
        raise DataInvalid(f"{where}: {_csv_fault(str(error))}") from None
    return table


def _csv_fault(text: str) -> str:
    ragged = _RAGGED.search(text)
    if ragged:
        row, needed, seen = ragged.groups()
        place = f"row {row}" if row else "a row"
        return f"{place} has {seen} cells; {needed} are needed, as in the header; correct the row"
    if "UTF" in text or "utf" in text:
        return "holds bytes that are not UTF-8 text; UTF-8 is needed; convert the file"
    return "is no readable CSV file; comma-separated rows under a header are needed; correct the file"
