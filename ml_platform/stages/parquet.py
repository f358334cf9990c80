"""Parquet: frames as bytes and back; no index, zstd, one thread, so that the same frame costs little and repeats."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from ml_platform.core.errors import DataInvalid

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd


def parquet_bytes(frame: pd.DataFrame) -> bytes:
    """Return a frame as a Parquet file's bytes."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    sink = io.BytesIO()
    table = pa.Table.from_pandas(frame, preserve_index=False, nthreads=1)
    pq.write_table(table, sink, compression="zstd", compression_level=1)
    return sink.getvalue()


def read_parquet(path: Path) -> pd.DataFrame:
    """Return a frame written by `parquet_bytes`; DataInvalid when the file is no Parquet."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        found: pd.DataFrame = pq.read_table(path, use_threads=False).to_pandas(use_threads=False)
    except pa.ArrowException as error:
        message = f"{path}: is no readable Parquet file ({type(error).__name__}); remove it and make the artefact again"
        raise DataInvalid(message) from None
    return found
