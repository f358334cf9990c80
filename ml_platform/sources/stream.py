"""Stream: a CSV or Parquet file in batches of rows, so that memory doesn't grow with the file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ml_platform.core.errors import DataInvalid, Unavailable

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as pq
    from pyarrow import csv

BATCH_ROWS = 1 << 16
_BUFFERS_BYTES = 64 << 20
_BUFFER_BYTES = 1 << 20
_BLOCK_BYTES = 4 << 20
_SHORT_BYTES = 4.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Stream:
    """A file that can be read again and again, each time from its first row."""

    where: str
    path: Path
    names: tuple[str, ...]
    is_parquet: bool

    def batches(self, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """Yield the columns, in this order, in batches; a CSV file's cells are text. Raises DataInvalid."""
        with _in_words(self.where):
            yield from (_parquet_batches if self.is_parquet else _csv_batches)(self.path, columns)


def open_stream(where: str, path: Path) -> Stream:
    """Open a file by its first bytes; `where` names it in messages. Raises DataInvalid or Unavailable."""
    try:
        with path.open("rb") as file:
            start = file.read(4)
    except OSError as error:
        message = f"{where}: {path} can't be read ({error.strerror}); check the path, its permissions and the disk"
        raise Unavailable(message) from error
    if start[:2] == b"PK":
        raise DataInvalid(f"{where}: is a zip; a stream needs a plain CSV or Parquet file; unpack it")
    if not start:
        raise DataInvalid(f"{where}: the file is empty; a header and rows are needed; fetch it again")
    with _in_words(where):
        names = _parquet_names(path) if start == b"PAR1" else _csv_names(path)
    twice = sorted(name for name, count in Counter(names).items() if count > 1)
    if twice:
        raise DataInvalid(f"{where}: columns {twice} come more than once; names must differ; rename them in the file")
    return Stream(where=where, path=path, names=tuple(names), is_parquet=start == b"PAR1")


@contextmanager
def _in_words(where: str) -> Iterator[None]:
    """Say what Arrow can't read without its words, which hold values of the file."""
    import pyarrow as pa

    try:
        yield
    except (pa.ArrowException, UnicodeDecodeError, OSError) as error:
        message = (
            f"{where}: can't be read to its end as a table ({type(error).__name__}); whole rows of UTF-8 text under a "
            "header, or a whole Parquet file, are needed; fetch the file again or correct it"
        )
        raise DataInvalid(message) from None


def _parquet_names(path: Path) -> list[str]:
    import pyarrow.parquet as pq

    names: list[str] = pq.read_schema(path).names
    return names


def _parquet_batches(path: Path, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
    import pyarrow.parquet as pq

    with pq.ParquetFile(path) as file:
        short = _of_few_texts(file, columns)
    buffer = min(_BUFFER_BYTES, _BUFFERS_BYTES // max(1, len(columns)))
    with pq.ParquetFile(path, read_dictionary=short, buffer_size=buffer, pre_buffer=False) as file:
        for batch in file.iter_batches(batch_size=BATCH_ROWS, columns=list(columns), use_threads=False):
            yield batch.select(list(columns))


def _of_few_texts(file: pq.ParquetFile, columns: Sequence[str]) -> list[str]:
    """Return the text columns that the file holds as short references to a few texts: they are dear as plain text."""
    if not file.num_row_groups:
        return []
    group, schema, wanted = file.metadata.row_group(0), file.schema_arrow, set(columns)
    found = []
    for place in range(group.num_columns):
        chunk, name = group.column(place), group.column(place).path_in_schema
        if name not in wanted or not _is_text(schema.field(name).type):
            continue
        if chunk.has_dictionary_page and chunk.total_uncompressed_size < _SHORT_BYTES * max(1, chunk.num_values):
            found.append(name)
    return found


def _is_text(kind: pa.DataType) -> bool:
    import pyarrow as pa

    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _csv_names(path: Path) -> list[str]:
    with _csv_reader(path, None) as reader:
        names: list[str] = reader.schema.names
        return names


def _csv_batches(path: Path, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
    with _csv_reader(path, columns) as reader:
        for batch in reader:
            yield batch.select(list(columns))


def _csv_reader(path: Path, columns: Sequence[str] | None) -> csv.CSVStreamingReader:
    import pyarrow as pa
    from pyarrow import csv

    return csv.open_csv(
        path,
        read_options=csv.ReadOptions(use_threads=False, block_size=_BLOCK_BYTES),
        parse_options=csv.ParseOptions(newlines_in_values=True),
        convert_options=csv.ConvertOptions(
            strings_can_be_null=True,
            include_columns=columns,
            column_types=dict.fromkeys(columns or (), pa.string()),
        ),
    )
