"""Infer type: what a column of a frame is, by its dtype and, where that says nothing, by all of its values."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np

from ml_platform.stages.coerce import LARGEST_WHOLE as WHOLE
from ml_platform.stages.coerce import ColumnType, coerce

if TYPE_CHECKING:
    from typing import Any, TypeAlias

    import pandas as pd
    from numpy.typing import NDArray

    DType: TypeAlias = np.dtype[Any] | pd.api.extensions.ExtensionDtype

FEWEST_WHOLE = 100
_SAMPLE = 200
_NUMBER = re.compile(r"[+-]?(?:0|[1-9][0-9]{0,14})?(?:\.[0-9]+)?(?:[eE][+-]?[0-9]{1,3})?")
_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}(?:[T ][0-9]{2}:[0-9]{2}.*)?")
_TRUTHS = {"true", "false"}
_OBJECTS: dict[str, ColumnType] = {
    "boolean": "boolean",
    "integer": "integer",
    "floating": "number",
    "mixed-integer-float": "number",
    "decimal": "number",
    "datetime": "datetime",
    "datetime64": "datetime",
    "date": "datetime",
}


def is_number(kind: DType) -> bool:
    """Say whether a dtype holds real numbers only (truths are none)."""
    import pandas as pd

    numeric = pd.api.types.is_numeric_dtype(kind)
    return bool(numeric and not pd.api.types.is_bool_dtype(kind) and not pd.api.types.is_complex_dtype(kind))


def type_of_numbers(kind: DType, ordered: NDArray[np.float64]) -> ColumnType:
    """Return the type of a column of numbers from its dtype and its finite values in ascending order.

    Whole numbers in at least a hundred rows are integers, though their dtype be float: missing values make floats of
    integers. Integers that a float can't tell apart are codes.
    """
    import pandas as pd

    small = ordered[0] >= -WHOLE and ordered[-1] <= WHOLE if ordered.size else True
    if pd.api.types.is_integer_dtype(kind):
        return "integer" if small else "category"
    enough = ordered.size >= FEWEST_WHOLE and small
    return "integer" if enough and bool((ordered == np.rint(ordered)).all()) else "number"


def infer_type(kind: DType, distinct: pd.Series) -> ColumnType:
    """Return a type that each of a column's distinct present values can become, as narrow as is safe to claim.

    Text is a number or a time only when all of it is; "007" is a code. A categorical is a category, unless of times.
    """
    import pandas as pd

    categorical = isinstance(kind, pd.CategoricalDtype)
    if not categorical and pd.api.types.is_bool_dtype(kind):
        return "boolean"
    if pd.api.types.is_datetime64_any_dtype(kind):
        return "datetime"
    if not (categorical or isinstance(kind, pd.StringDtype) or pd.api.types.is_object_dtype(kind)):
        return "category"
    objects = distinct.astype(object)
    said = pd.api.types.infer_dtype(objects, skipna=True)
    guess = _of_text(objects, categorical=categorical) if said == "string" else _OBJECTS.get(said, "category")
    if guess == "category" or (categorical and guess != "datetime") or coerce(objects, guess)[1].any():
        return "category"
    if guess == "number" and said == "string" and not coerce(objects, "integer")[1].any():
        return "integer"
    return guess


def _of_text(distinct: pd.Series, *, categorical: bool) -> ColumnType:
    sample = [str(text) for text in distinct[:: max(1, len(distinct) // _SAMPLE)]]
    if all(_TIME.fullmatch(text) for text in sample):
        return "datetime"
    if categorical:
        return "category"
    if {text.lower() for text in sample} <= _TRUTHS and {str(text).lower() for text in distinct} <= _TRUTHS:
        return "boolean"
    if all(text.strip("+-") and _NUMBER.fullmatch(text) for text in sample):
        every = all(_NUMBER.fullmatch(str(text)) for text in distinct)
        return "number" if every else "category"
    return "category"
