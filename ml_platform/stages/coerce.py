"""Coerce: a column as its declared type, and which cells could not become it.

Text is read as numbers, times and booleans where it says one exactly; a time without a zone is UTC; a number as a
category is its shortest text, so that 2, 2.0 and "2.0" are the level "2" (unless "2.0" is itself declared). A cell
that can't be coerced becomes missing and is reported, never guessed.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Literal, assert_never

import numpy as np

from ml_platform.stages.distinct import distinct_values
from ml_platform.stages.level_text import level_text

if TYPE_CHECKING:
    from collections.abc import Collection

    import pandas as pd
    from numpy.typing import NDArray

ColumnType = Literal["integer", "number", "category", "boolean", "datetime"]

EARLIEST = dt.datetime(1, 1, 1, tzinfo=dt.UTC)
LATEST = dt.datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=dt.UTC)
LARGEST_WHOLE = float(1 << 53)
LONGEST_TEXT = 256
FLAWS = {
    "integer": "not a whole number of at most 2^53",
    "number": "not a finite number",
    "category": "not a text of at most 256 characters",
    "boolean": "neither true nor false",
    "datetime": "not a time",
}
_BOOLEANS = {"true": 1.0, "false": 0.0, "1": 1.0, "0": 0.0, "1.0": 1.0, "0.0": 0.0}


def coerce(values: pd.Series, kind: ColumnType, declared: Collection[str] = ()) -> tuple[pd.Series, NDArray[np.bool_]]:
    """Return the column as `kind` and a mask, shape (n,), of the cells that were something else.

    integer → int64 (Int64 when some are missing), number → float64, category → categorical of sorted text,
    boolean → nullable boolean, datetime → microseconds in UTC. `declared` are the declared levels of a category.
    """
    match kind:
        case "integer":
            return _integer(values)
        case "number":
            return _number(values)
        case "category":
            return _category(values, declared)
        case "boolean":
            return _boolean(values)
        case "datetime":
            return _datetime(values)
        case _:
            assert_never(kind)


def is_level(text: str) -> bool:
    """Say whether a text can be a level: not too long, and writable at all (half a surrogate pair isn't).

    >>> is_level("north"), is_level("x" * 257), is_level(chr(0xD800))
    (True, False, False)
    """
    return len(text) <= LONGEST_TEXT and (text.isascii() or not any("\ud800" <= char <= "\udfff" for char in text))


def _floats(values: pd.Series) -> NDArray[np.float64]:
    import pandas as pd

    if isinstance(values.dtype, pd.CategoricalDtype):
        of_level = np.append(_floats(pd.Series(values.cat.categories)), np.nan)
        by_row: NDArray[np.float64] = of_level[values.cat.codes.to_numpy()]
        return by_row
    if pd.api.types.is_datetime64_any_dtype(values.dtype):
        return np.full(len(values), np.nan)
    return pd.to_numeric(values, errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)


def _number(values: pd.Series) -> tuple[pd.Series, NDArray[np.bool_]]:
    import pandas as pd

    found = _floats(values)
    bad = ~np.isfinite(found) & values.notna().to_numpy()
    return pd.Series(np.where(bad, np.nan, found), name=values.name), bad


def _integer(values: pd.Series) -> tuple[pd.Series, NDArray[np.bool_]]:
    import pandas as pd

    found = _floats(values)
    whole = np.isfinite(found) & (np.abs(found) <= LARGEST_WHOLE) & (found == np.rint(found))
    bad = ~whole & values.notna().to_numpy()
    codes = np.where(whole, found, 0.0).astype(np.int64)
    if whole.all():
        return pd.Series(codes, name=values.name), bad
    return pd.Series(pd.arrays.IntegerArray(codes, ~whole), name=values.name), bad


def _category(values: pd.Series, declared: Collection[str]) -> tuple[pd.Series, NDArray[np.bool_]]:
    import pandas as pd

    place, distinct = distinct_values(values)
    given = [level_text(level, declared) for level in distinct]
    allowed = sorted({text for text in given if is_level(text)})
    code_of = {text: code for code, text in enumerate(allowed)}
    codes = np.array([*(code_of.get(text, -1) for text in given), -1], dtype=np.int32)[place]
    bad = (codes < 0) & values.notna().to_numpy()
    levels = pd.Index(allowed, dtype="str")
    return pd.Series(pd.Categorical.from_codes(codes, categories=levels), name=values.name), bad


def _boolean(values: pd.Series) -> tuple[pd.Series, NDArray[np.bool_]]:
    import pandas as pd

    place, distinct = distinct_values(values)
    read = np.array([*(_BOOLEANS.get(str(level).strip().lower(), np.nan) for level in distinct), np.nan])[place]
    missing = np.isnan(read)
    return (
        pd.Series(pd.arrays.BooleanArray(np.where(missing, 0, read).astype(bool), missing), name=values.name),
        missing & values.notna().to_numpy(),
    )


def _datetime(values: pd.Series) -> tuple[pd.Series, NDArray[np.bool_]]:
    import pandas as pd

    if pd.api.types.is_datetime64_any_dtype(values.dtype):
        aware = values.dt.tz_localize("UTC") if values.dt.tz is None else values.dt.tz_convert("UTC")
        found = aware.reset_index(drop=True)
    else:
        no_text = pd.api.types.is_numeric_dtype(values.dtype)
        texts = pd.Series(np.full(len(values), None) if no_text else values.to_numpy(), dtype="str")
        found = pd.to_datetime(texts, format="ISO8601", utc=True, errors="coerce")
    found = found.mask((found < EARLIEST) | (found > LATEST)).dt.as_unit("us")
    bad = found.isna().to_numpy() & values.notna().to_numpy()
    return pd.Series(found, name=values.name), bad
