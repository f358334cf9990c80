"""Parquet: frames as bytes and back; no index, zstd, one thread, so that the same frame costs little and repeats."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from ml_platform.core.errors import DataInvalid

if TYPE_CHECKING:
    from typing import BinaryIO

    import pandas as pd
    import pyarrow as pa


def parquet_bytes(frame: pd.DataFrame) -> bytes:
    """Return a frame as a Parquet file's bytes."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    sink = io.BytesIO()
    table = pa.table({str(name): _arrow(frame[name]) for name in frame.columns})
    pq.write_table(table, sink, compression="zstd", compression_level=1)
    return sink.getvalue()


def _arrow(values: pd.Series) -> pa.Array:
    import pandas as pd
    import pyarrow as pa

    if isinstance(values.dtype, pd.DatetimeTZDtype):  # pyarrow itself takes a way that pandas 3.1 deprecates
        return pa.array(values.dt.tz_convert(None).to_numpy(), pa.timestamp(values.dtype.unit, "UTC"), from_pandas=True)
    return pa.array(values, from_pandas=True)


def read_parquet(file: BinaryIO) -> pd.DataFrame:
    """Return a frame written by `parquet_bytes` and close the file; DataInvalid when it is no Parquet.

    Integers are int64, or Int64 when some are missing; booleans are nullable.
    """
    import pandas as pd
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with file:
            table = pq.read_table(file, use_threads=False)
        nullable = {pa.bool_(): pd.BooleanDtype(), pa.int64(): pd.Int64Dtype()}
        found: pd.DataFrame = table.to_pandas(use_threads=False, types_mapper=nullable.get)
    except pa.ArrowException as error:
        message = f"a stored table is no readable Parquet file ({type(error).__name__}); remove it and make it again"
        raise DataInvalid(message) from None
    whole = [name for name, kind in found.dtypes.items() if kind == "Int64" and not found[name].hasnans]
    return found.astype(dict.fromkeys(whole, "int64"))
