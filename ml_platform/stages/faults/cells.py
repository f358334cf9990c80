"""Cells: new values in a column, in the type that a reader of the faulty file would get.

A whole number that became missing makes the column floats; a text that is no known level becomes a level; anything
that doesn't fit the column's type makes it a column of objects.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pandas as pd

Rows = NDArray[np.bool_]


def is_number(values: pd.Series) -> bool:
    """Return whether the column's type is a number's (and not a flag's)."""
    import pandas as pd

    return pd.api.types.is_numeric_dtype(values.dtype) and not pd.api.types.is_bool_dtype(values.dtype)


def numbers_of(values: pd.Series) -> NDArray[np.float64]:
    """Return a column as floats, NaN where it is missing or no number."""
    import pandas as pd

    if not is_number(values):
        values = pd.to_numeric(values.astype(object), errors="coerce")
    found: NDArray[np.float64] = values.to_numpy(dtype=np.float64, na_value=np.nan)
    return found


def put_numbers(values: pd.Series, new: NDArray[np.float64], *, whole: bool) -> pd.Series:
    """Return the column with all its numbers new; whole columns are rounded, and stay integers where they can."""
    import pandas as pd

    if whole:
        new = np.rint(new)
    found = pd.Series(new, index=values.index, name=values.name)
    if pd.api.types.is_float_dtype(values.dtype):
        return found.astype(values.dtype)
    fits = bool(np.isfinite(new).all()) and bool((np.abs(new) < 2**53).all())
    if pd.api.types.is_integer_dtype(values.dtype) and fits and whole:
        return found.astype("int64")
    return found


def put(values: pd.Series, rows: Rows, new: object) -> pd.Series:
    """Return the column with `new` (one value, or an array of one per picked row) in the picked cells."""
    cells = values.astype(object).to_numpy(copy=True)
    cells[rows] = new
    return as_read(values, cells)


def rewrite(values: pd.Series, rows: Rows, change: Callable[[str], str]) -> pd.Series:
    """Return the column with the picked texts changed; missing cells stay missing."""
    picked = values.astype(object).to_numpy()[rows]
    known = {one: change(one) for one in set(picked.tolist()) if isinstance(one, str)}
    return put(values, rows, np.array([known.get(one, one) for one in picked], dtype=object))


def as_read(like: pd.Series, cells: NDArray[np.object_]) -> pd.Series:
    """Return cells as a column of `like`'s type if they fit, else of the type that a reader would give it."""
    import pandas as pd

    found = pd.Series(cells, index=like.index, name=like.name, dtype=object)
    missing = found.isna().to_numpy()
    if isinstance(like.dtype, pd.CategoricalDtype):
        known = like.cat.categories
        more = {one for one in set(cells[~missing].tolist()) if one not in known}
        return found.astype(pd.CategoricalDtype([*known, *sorted(more, key=str)]))
    if is_number(like):
        if all(isinstance(one, (int, float, np.number)) for one in cells[~missing]):
            return put_numbers(like, numbers_of(found), whole=pd.api.types.is_integer_dtype(like.dtype))
        return found
    if pd.api.types.is_datetime64_any_dtype(like.dtype):
        times = all(isinstance(one, pd.Timestamp) for one in cells[~missing])
        return found.astype(like.dtype) if times else found
    if pd.api.types.is_bool_dtype(like.dtype):
        fits = all(isinstance(one, (bool, np.bool_)) for one in cells[~missing])
        keeps = fits and (not missing.any() or like.dtype == "boolean")
        return found.astype(like.dtype) if keeps else found
    texts = all(isinstance(one, str) for one in cells[~missing])
    return found.astype(like.dtype) if texts and not pd.api.types.is_object_dtype(like.dtype) else found
