"""Frames: rows of two assembled tables compared as sets, whatever their order and types of storage."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pandas as pd


def rows_not_in(found: pd.DataFrame, known: pd.DataFrame, columns: Sequence[str]) -> int:
    """Return how many rows of `found` aren't among the `known` ones, each row counted as often as it is there."""
    seen, counts = np.unique(_hashes(found, columns), return_counts=True)
    there, known_counts = np.unique(_hashes(known, columns), return_counts=True)
    places = np.clip(np.searchsorted(there, seen), 0, max(there.size - 1, 0))
    matched = np.where(there[places] == seen, known_counts[places], 0) if there.size else np.zeros_like(counts)
    return int(np.maximum(counts - matched, 0).sum())


def columns_that_differ(found: pd.DataFrame, known: pd.DataFrame, columns: Sequence[str]) -> list[str]:
    """Name the columns whose values aren't the same ones, or without which fewer rows differ."""
    count = rows_not_in(found, known, columns)
    others = {name: [other for other in columns if other != name] for name in columns}
    return [
        name
        for name in columns
        if rows_not_in(found, known, [name]) or (others[name] and rows_not_in(found, known, others[name]) < count)
    ]


def fingerprint_of(table: pd.DataFrame) -> tuple[tuple[str, ...], bytes]:
    """Return the columns' names and a digest of the rows in their order."""
    return tuple(map(str, table.columns)), _hashes(table, list(table.columns)).tobytes()


def _hashes(table: pd.DataFrame, columns: Sequence[str]) -> NDArray[np.uint64]:
    import pandas as pd

    plain = pd.DataFrame({place: _plain(table[name]) for place, name in enumerate(columns)}, index=table.index)
    return np.asarray(pd.util.hash_pandas_object(plain, index=False), dtype=np.uint64)


def _plain(values: pd.Series) -> pd.Series:
    """Return numbers and booleans as floats: a gap elsewhere in the column changes how it is stored, not what it is."""
    import pandas as pd

    if pd.api.types.is_numeric_dtype(values.dtype):
        return pd.Series(values.to_numpy(dtype=np.float64, na_value=np.nan), index=values.index) + 0.0
    return values
