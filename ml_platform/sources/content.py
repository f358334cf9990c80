"""Content: a file's bytes as a table with clear errors, which name rows and columns and never values."""

from __future__ import annotations

import contextlib
import io
import zipfile
import zlib
from collections import Counter
from typing import TYPE_CHECKING

from ml_platform.core.errors import DataInvalid
from ml_platform.policy.spec import Csv
from ml_platform.sources.csv_table import how_written, read_csv
from ml_platform.sources.encoding import HEAD_BYTES, WIDE, without_nul
from ml_platform.sources.parquet_table import read_parquet, require_columns, require_whole

if TYPE_CHECKING:
    from collections.abc import Collection

    import pyarrow as pa

    from ml_platform.core.measurement import Fact

MOST_UNPACKED_BYTES = 4 << 30
_ZIP = b"PK"
_PARQUET = b"PAR1"


def describe(where: str, content: bytes, form: Csv) -> dict[str, Fact]:
    """Say how a file's bytes will be read, from its beginning: format, encoding, delimiter; raises DataInvalid.

    Whether the rest can be read is looked at as far as that is cheap: a Parquet file's footer, a NUL in a CSV file.
    """
    zipped = content[:2] == _ZIP
    head, whole = _unzip_head(where, content) if zipped else (content[:HEAD_BYTES], len(content) <= HEAD_BYTES)
    _require_content(where, head)
    if head[:4] == _PARQUET:
        found: dict[str, Fact] = {"format": "Parquet"}
        if not zipped:
            require_whole(where, content)
    else:
        written = how_written(where, head, form, whole=whole)
        found = dict(written.facts())
        if not zipped and not written.encoding.name.startswith(WIDE):
            without_nul(where, content)
    return {**found, "zipped": True} if zipped else found


def parse_table(
    where: str,
    content: bytes,
    *,
    text_columns: Collection[str] = (),
    form: Csv | None = None,
    columns: Collection[str] | None = None,
) -> pa.Table:
    """Read CSV or Parquet bytes (or those of the one file in a zip) as an Arrow table with at least one row.

    Types are inferred from the whole file; `text_columns` stay text, so that "007" keeps its zeros. In a CSV file
    an empty cell, NA, NaN and null are missing. With `columns` no others are returned. Raises DataInvalid.
    """
    if content[:2] == _ZIP:
        content = _unzip(where, content)
    _require_content(where, content)
    if content[:4] == _PARQUET:
        table = read_parquet(where, content, columns)
    else:
        table = _chosen(where, read_csv(where, content, form or Csv(), text_columns), columns)
    _require_flat(where, table)
    return table


def names_in(where: str, content: bytes, form: Csv | None = None) -> tuple[str, ...]:
    """Return the columns of a file's bytes; of a CSV file its beginning is enough. Raises DataInvalid."""
    zipped = content[:2] == _ZIP
    head, whole = _unzip_head(where, content) if zipped else (content[:HEAD_BYTES], len(content) <= HEAD_BYTES)
    if not whole and head[:4] != _PARQUET:
        with contextlib.suppress(DataInvalid):  # the beginning ends in the middle of something: read all of it
            return tuple(parse_table(where, head[: head.rfind(b"\n") + 1], form=form).column_names)
    return tuple(parse_table(where, content, form=form).column_names)


def _require_content(where: str, content: bytes) -> None:
    if not content.strip():
        raise DataInvalid(f"{where}: the file is empty; a header and rows are needed; fetch it again")


def _chosen(where: str, table: pa.Table, columns: Collection[str] | None) -> pa.Table:
    if columns is None:
        return table
    require_columns(where, table.column_names, columns)
    return table.select([place for place, name in enumerate(table.column_names) if name in columns])


def _require_flat(where: str, table: pa.Table) -> None:
    import pyarrow as pa

    names = table.column_names
    twice = sorted(name for name, count in Counter(names).items() if count > 1)
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


def _value_type(kind: pa.DataType) -> pa.DataType:
    return getattr(kind, "value_type", kind)


def _unzip(where: str, content: bytes) -> bytes:
    return _unzip_head(where, content, MOST_UNPACKED_BYTES)[0]


def _unzip_head(where: str, content: bytes, most: int = HEAD_BYTES) -> tuple[bytes, bool]:
    """Return the first bytes of the one file in a zip, and whether these are all."""
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
            with archive.open(members[0]) as file:
                return file.read(most), members[0].file_size <= most
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, zlib.error) as error:
        message = f"{where}: the zip can't be unpacked ({type(error).__name__}); a whole one is needed; fetch it again"
        raise DataInvalid(message) from None
