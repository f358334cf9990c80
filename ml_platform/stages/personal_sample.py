"""Personal sample: a bounded look at a column's values, from which only counts are ever told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pandas as pd

ItemT = TypeVar("ItemT")
ROWS = 2_000
TEXTS = 120
LONGEST = 200
LEAST_DIGITS = 7
VARIED = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """Distinct values of a column as texts, and as numbers or times when they are some.

    `texts` is empty for numbers with fractions and for numbers too short to be anybody's.
    """

    texts: tuple[str, ...]
    distinct: int
    rows: int
    numbers: NDArray[np.float64] | None = None
    times: NDArray[np.datetime64] | None = None

    @property
    def varied(self) -> bool:
        """Say whether the values differ as those of persons do: many of them, or each another."""
        return self.distinct >= VARIED or 2 <= self.distinct == self.rows


def sampled(values: pd.Series) -> Sample | None:
    """Return evenly spaced values of a column; None when it has none, or only booleans."""
    import pandas as pd

    if isinstance(values.dtype, np.dtype) and values.dtype.kind in "iuf":  # by far the most frequent, and the cheapest
        return _of_numbers(values.to_numpy())
    present = values.dropna()
    if not len(present) or pd.api.types.is_bool_dtype(values.dtype) or pd.api.types.is_complex_dtype(values.dtype):
        return None
    rows = present.iloc[:: max(1, -(-len(present) // ROWS))]
    if isinstance(rows.dtype, pd.CategoricalDtype):
        rows = rows.astype(rows.cat.categories.dtype)
    rows = rows.infer_objects()
    if pd.api.types.is_datetime64_any_dtype(rows.dtype):
        times = rows.to_numpy(dtype="datetime64[us]")
        return Sample(texts=(), distinct=np.unique(times).size, rows=times.size, times=times)
    if pd.api.types.is_numeric_dtype(rows.dtype):
        return _of_numbers(rows.to_numpy(dtype=np.float64 if rows.dtype.kind == "f" else np.int64))
    return _of_texts(rows)


def _of_numbers(found: NDArray[np.generic]) -> Sample | None:
    present = found[~np.isnan(found)] if found.dtype.kind == "f" else found
    if not present.size:
        return None
    rows = present[:: max(1, -(-present.size // ROWS))]
    numbers, distinct = rows.astype(np.float64), np.unique(rows)
    whole = np.isfinite(numbers).all() and bool((numbers == np.rint(numbers)).all())
    texts: tuple[str, ...] = ()
    if whole and numbers.max() >= 10 ** (LEAST_DIGITS - 1) and numbers.min() >= 0:
        texts = _padded([str(int(number)) for number in spaced(distinct.tolist())])
    return Sample(texts=texts, distinct=distinct.size, rows=rows.size, numbers=numbers)


def _padded(texts: list[str]) -> tuple[str, ...]:
    """Give back the zeros that a number has lost in front, when nearly all numbers have the same length."""
    longest = max(map(len, texts))
    same = sum(len(text) == longest for text in texts) >= 0.8 * len(texts)
    return tuple(text.zfill(longest) for text in texts) if same else tuple(texts)


def _of_texts(rows: pd.Series) -> Sample:
    distinct = list(dict.fromkeys(str(value).strip()[:LONGEST] for value in _distinct(rows)))
    texts = [text for text in distinct if text]
    return Sample(texts=tuple(spaced(texts)), distinct=len(distinct), rows=len(rows))


def _distinct(rows: pd.Series) -> list[object]:
    try:
        return list(rows.unique())
    except TypeError:  # lists and dicts have no hash
        return list(rows)


def spaced(items: list[ItemT]) -> list[ItemT]:
    """Return at most `TEXTS` evenly spaced items."""
    return items[:: max(1, -(-len(items) // TEXTS))]
