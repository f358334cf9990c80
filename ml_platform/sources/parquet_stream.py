"""Parquet stream: a Parquet file in batches of rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa
    import pyarrow.parquet as pq

BATCH_ROWS = 1 << 16
_BUFFERS_BYTES = 64 << 20
_BUFFER_BYTES = 1 << 20
_SHORT_BYTES = 4.5


def parquet_names(path: Path) -> list[str]:
    """Return the names of the columns."""
    import pyarrow.parquet as pq

    names: list[str] = pq.read_schema(path).names
    return names


def parquet_batches(path: Path, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
    """Yield the columns, in this order, in batches of rows."""
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


def parquet_sample(path: Path, rows: int) -> pd.DataFrame:
    """Return the first rows with all columns."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    with pq.ParquetFile(path) as file:
        first = next(file.iter_batches(batch_size=rows, use_threads=False), None)
        table = file.schema_arrow.empty_table() if first is None else pa.Table.from_batches([first])
        frame: pd.DataFrame = table.to_pandas(ignore_metadata=True)
        return frame
