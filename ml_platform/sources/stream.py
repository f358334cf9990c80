"""Stream: a CSV or Parquet file in batches of rows, so that memory doesn't grow with the file."""

from __future__ import annotations

import codecs
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ml_platform.core.errors import DataInvalid, Unavailable
from ml_platform.policy.spec import Csv
from ml_platform.sources.csv_table import Written, fault_of, how_written
from ml_platform.sources.encoding import CHUNK, HEAD_BYTES

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa
    import pyarrow.parquet as pq
    from pyarrow import csv

BATCH_ROWS = 1 << 16
SAMPLE_ROWS = 10_000
_BUFFERS_BYTES = 64 << 20
_BUFFER_BYTES = 1 << 20
_BLOCK_BYTES = 4 << 20
_SHORT_BYTES = 4.5
_AS_STATED = Csv()
_UTF8 = frozenset({"utf-8", "utf-8-sig"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Stream:
    """A file that can be read again and again, each time from its first row; `written` is how, when it is CSV."""

    where: str
    path: Path
    names: tuple[str, ...]
    written: Written | None

    def batches(self, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """Yield the columns, in this order, in batches; a CSV file's cells are text. Raises DataInvalid."""
        with _in_words(self.where, self.path, self.written):
            if self.written is None:
                yield from _parquet_batches(self.path, columns)
            else:
                yield from _csv_batches(self.path, self.written, columns)

    def sample(self, text_columns: Sequence[str] = ()) -> pd.DataFrame:
        """Return the first rows, typed by what they hold but for `text_columns`. Raises DataInvalid."""
        with _in_words(self.where, self.path, self.written):
            if self.written is None:
                return _parquet_sample(self.path)
            with _csv_reader(self.path, self.written, None, text_columns) as reader:
                frame: pd.DataFrame = _first(reader).slice(0, SAMPLE_ROWS).to_pandas()
                return frame


def open_stream(where: str, path: Path, form: Csv = _AS_STATED) -> Stream:
    """Open a file by its first bytes; `where` names it in messages. Raises DataInvalid or Unavailable.

    How a CSV file is written is stated by `form` and detected where it isn't, as it is for a model's source.
    """
    try:
        with path.open("rb") as file:
            start = file.read(HEAD_BYTES + 1)
    except OSError as error:
        message = f"{where}: {path} can't be read ({error.strerror}); check the path, its permissions and the disk"
        raise Unavailable(message) from error
    if start[:2] == b"PK":
        raise DataInvalid(f"{where}: is a zip; a stream needs a plain CSV or Parquet file; unpack it")
    if not start.strip():
        raise DataInvalid(f"{where}: the file is empty; a header and rows are needed; fetch it again")
    is_parquet, whole = start[:4] == b"PAR1", len(start) <= HEAD_BYTES
    written = None if is_parquet else how_written(where, start[:HEAD_BYTES], form, whole=whole)
    with _in_words(where, path, written):
        names = _parquet_names(path) if written is None else _csv_names(path, written)
    twice = sorted(name for name, count in Counter(names).items() if count > 1)
    if twice:
        raise DataInvalid(f"{where}: columns {twice} come more than once; names must differ; rename them in the file")
    return Stream(where=where, path=path, names=tuple(names), written=written)


@contextmanager
def _in_words(where: str, path: Path, written: Written | None) -> Iterator[None]:
    """Say what Arrow can't read, and where, without its words, which hold values of the file."""
    import pyarrow as pa

    try:
        yield
    except (pa.ArrowException, UnicodeError, OSError) as error:
        if written is not None and not isinstance(error, OSError):
            raise DataInvalid(f"{where}: {_no_text(path, written) or fault_of(str(error), written)}") from None
        message = (
            f"{where}: can't be read to its end as a table ({type(error).__name__}); a whole file is needed; fetch it "
            "again or correct it"
        )
        raise DataInvalid(message) from None


def _no_text(path: Path, written: Written) -> str:
    """Say which line is the first that can't be decoded or holds a NUL; nothing when none is."""
    name = written.encoding.name
    decoder, lines, more = codecs.getincrementaldecoder(name)("strict"), 1, True
    with path.open("rb") as file:
        while more:
            chunk = file.read(CHUNK)
            more = bool(chunk)
            try:
                text = decoder.decode(chunk, final=not more)
            except UnicodeDecodeError as error:
                lines += error.object[: error.start].decode(name, "ignore").count("\n")
                how = f"are not {name} ({written.encoding.how})"
                return f"line {lines:,} holds bytes that {how}; correct the file, or state `csv: {{encoding: ...}}`"
            except UnicodeError:
                return f"is not {name} ({written.encoding.how}); correct the file, or state `csv: {{encoding: ...}}`"
            if "\0" in text:
                lines += text[: text.index("\0")].count("\n")
                return f"line {lines:,} holds a NUL byte; text has none; fetch the file again or correct the line"
            lines += text.count("\n")
    return ""


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


def _parquet_sample(path: Path) -> pd.DataFrame:
    import pyarrow as pa
    import pyarrow.parquet as pq

    with pq.ParquetFile(path) as file:
        first = next(file.iter_batches(batch_size=SAMPLE_ROWS, use_threads=False), None)
        table = file.schema_arrow.empty_table() if first is None else pa.Table.from_batches([first])
        frame: pd.DataFrame = table.to_pandas(ignore_metadata=True)
        return frame


def _first(reader: csv.CSVStreamingReader) -> pa.RecordBatch:
    import pyarrow as pa

    empty = pa.RecordBatch.from_pylist([], schema=reader.schema)
    return next(iter(reader), empty)


def _csv_names(path: Path, written: Written) -> list[str]:
    with _csv_reader(path, written, None) as reader:
        names: list[str] = reader.schema.names
        return names


def _csv_batches(path: Path, written: Written, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
    with _csv_reader(path, written, columns, columns) as reader:
        for batch in reader:
            yield batch.select(list(columns))


def _csv_reader(
    path: Path, written: Written, columns: Sequence[str] | None, text_columns: Sequence[str] = ()
) -> csv.CSVStreamingReader:
    import pyarrow as pa
    from pyarrow import csv

    return csv.open_csv(
        path,
        read_options=csv.ReadOptions(
            use_threads=False,
            block_size=_BLOCK_BYTES,
            column_names=list(written.dialect.names or []),
            encoding="utf8" if written.encoding.name in _UTF8 else written.encoding.name,
        ),
        parse_options=csv.ParseOptions(
            delimiter=written.dialect.delimiter, quote_char=written.form.quote, newlines_in_values=True
        ),
        convert_options=csv.ConvertOptions(
            strings_can_be_null=True,
            include_columns=columns,
            column_types=dict.fromkeys(text_columns, pa.string()),
            decimal_point=written.form.decimal,
        ),
    )
