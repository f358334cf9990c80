"""Columns: what a statistic takes in, and the flaw that keeps it from being defined."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Codes = NDArray[np.intp]
LARGEST = 1e145


def column(values: ArrayLike, name: str) -> NDArray[np.generic]:
    """Return the values as one column of shape (n,), boxed numbers as float64; ValueError for any other shape."""
    array = np.asarray(values)
    if array.ndim != 1:
        message = f"{name}: has the shape {array.shape}; one column of shape (n,) is needed; pass one column at a time"
        raise ValueError(message)
    return _unboxed(array) if array.dtype == np.object_ else array


def _unboxed(array: NDArray[np.generic]) -> NDArray[np.generic]:
    """Turn a column of Python objects that are all numbers or None into float64; leave any other as it is."""
    values = array.tolist()
    if not all(is_missing(value) or isinstance(value, int | float | np.number | np.bool_) for value in values):
        return array
    return np.array([math.nan if is_missing(value) else value for value in values], dtype=np.float64)


def is_missing(value: object) -> bool:
    """Return True for None, NaN, and pandas' NA and NaT, which are known by name to keep pandas out of here.

    >>> is_missing(None), is_missing(float("nan")), is_missing("")
    (True, True, False)
    """
    if isinstance(value, float):
        return math.isnan(value)
    return value is None or type(value).__name__ in {"NAType", "NaTType"}


def numbers(values: ArrayLike, name: str) -> Floats:
    """Return the values as one float64 column, None as NaN; ValueError for text and for any other shape.

    >>> numbers([1, None, True], "age").tolist()
    [1.0, nan, 1.0]
    """
    array = column(values, name)
    try:
        return array.astype(np.float64)
    except (TypeError, ValueError):
        message = f"{name}: holds {array.dtype} values that are no numbers; numbers are needed; encode the column first"
        raise ValueError(message) from None


def is_numeric(array: NDArray[np.generic]) -> bool:
    """Return True for a column of booleans, integers or floats; anything else is treated as categories."""
    return array.dtype.kind in "biuf"


def require_same_length(**columns: NDArray[np.generic]) -> None:
    """Raise ValueError when the named columns don't have the same number of rows."""
    sizes = {name: array.size for name, array in columns.items()}
    if len(set(sizes.values())) > 1:
        seen = ", ".join(f"{name} has {size}" for name, size in sizes.items())
        message = f"columns of one table: {seen} rows; the same number is needed; pass columns of the same rows"
        raise ValueError(message)


def flaw_of_numbers(**columns: Floats) -> str:
    """Say why numbers can't be used: there are none, or some aren't finite; "" when they can.

    >>> flaw_of_numbers(score=np.array([0.5, np.nan]))
    '1 of 2 values of score are not finite'
    """
    for name, values in columns.items():
        if values.size == 0:
            return f"{name} has no rows"
        bad = values.size - int(np.isfinite(values).sum())
        if bad:
            return f"{bad} of {values.size} values of {name} are not finite"
    return ""


def flaw_of_sizes(**columns: Floats) -> str:
    """Say why numbers can't be used whose squares are added up: none, not finite, or beyond 1e145; "" when they can.

    >>> flaw_of_sizes(y_true=np.array([1.0, -1e200]))
    '1 of 2 values of y_true are beyond 1e+145, too large to be squared'
    """
    for name, values in columns.items():
        flaw = flaw_of_numbers(**{name: values})
        if flaw:
            return flaw
        bad = int((np.abs(values) > LARGEST).sum())
        if bad:
            return f"{bad} of {values.size} values of {name} are beyond {LARGEST:g}, too large to be squared"
    return ""


def flaw_of_flags(**columns: Floats) -> str:
    """Say why 0/1 values can't be used: none, not finite, or other than 0 and 1; "" when they can."""
    for name, values in columns.items():
        flaw = flaw_of_numbers(**{name: values})
        if flaw:
            return flaw
        bad = int(((values != 0) & (values != 1)).sum())
        if bad:
            return f"{bad} of {values.size} values of {name} are neither 0 nor 1"
    return ""
