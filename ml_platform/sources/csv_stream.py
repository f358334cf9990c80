"""CSV stream: a CSV file in batches of rows, read as it is written."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ml_platform.sources.csv_table import Written

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa
    from pyarrow import csv

_BLOCK_BYTES = 4 << 20
_UTF8 = frozenset({"utf-8", "utf-8-sig"})


def csv_names(path: Path, written: Written) -> list[str]:
    """Return the names of the columns."""
    with _reader(path, written, None) as reader:
        names: list[str] = reader.schema.names
        return names


def csv_batches(path: Path, written: Written, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
    """Yield the columns, in this order, in batches of rows; every cell is text."""
    with _reader(path, written, columns, columns) as reader:
        for batch in reader:
            yield batch.select(list(columns))


def csv_sample(path: Path, written: Written, rows: int, text_columns: Sequence[str] = ()) -> pd.DataFrame:
    """Return the first rows with all columns, typed by what they hold but for `text_columns`."""
    with _reader(path, written, None, text_columns) as reader:
        frame: pd.DataFrame = _first(reader).slice(0, rows).to_pandas()
        return frame


def _first(reader: csv.CSVStreamingReader) -> pa.RecordBatch:
    import pyarrow as pa

    empty = pa.RecordBatch.from_pylist([], schema=reader.schema)
    return next(iter(reader), empty)


def _reader(
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
