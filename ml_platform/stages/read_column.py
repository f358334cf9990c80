"""Read column: a raw column as its declared type by the coercions that its contract states.

A cell of another kind than the column's own is converted only by a stated coercion, and refused when none is stated
for its kind. A column that says nothing on coercion (no `coerce`) is read as `coerce` reads it; then every cell that
had to be converted is counted, so that nothing is converted in silence.
"""

from __future__ import annotations

import datetime as dt
import decimal
import numbers
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ml_platform.stages.coerce import ColumnType, coerce
from ml_platform.stages.convert import convert

if TYPE_CHECKING:
    import pandas as pd  # noqa: TC004  (dear, and nobody reads this dataclass's annotations)

    from ml_platform.policy.coercions import Coercion
    from ml_platform.policy.spec import Column

MISSING, TEXT, NUMBER, BOOLEAN, TIME, LOCAL_TIME, OTHER = range(7)
_NAMES = ("missing", "text", "number", "boolean", "time", "time without a zone", "something else")
_OWN: Mapping[ColumnType, int] = {
    "integer": NUMBER,
    "number": NUMBER,
    "boolean": BOOLEAN,
    "datetime": TIME,
    "category": TEXT,
}
_FROM = {"text": TEXT, "number": NUMBER, "boolean": BOOLEAN, "local": LOCAL_TIME}
Kinds = NDArray[np.int8]


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """A column as its type; `bad` are the cells that couldn't be read, `coerced` counts the unstated conversions."""

    values: pd.Series
    bad: NDArray[np.bool_]
    coerced: Mapping[str, int]


def read_column(values: pd.Series, column: Column) -> Read:
    """Return the column in the canonical form of its type (see `coerce`)."""
    own = _OWN[column.type]
    kinds = _kinds(values)
    if column.coerce is None or ((kinds == own) | (kinds == MISSING)).all():
        read, bad = coerce(values, column.type, column.levels or ())
        return Read(values=read, bad=bad, coerced=_count(column.type, kinds[read.notna().to_numpy()]))
    stated = {_FROM[coercion.kind.partition("_")[0]]: coercion for coercion in column.coerce}
    if column.type == "datetime" and TEXT in stated:
        stated.setdefault(LOCAL_TIME, stated[TEXT])
    prepared = _prepare(values.reset_index(drop=True), kinds, own, stated)
    read, bad = coerce(prepared, column.type, column.levels or ())
    lost = prepared.isna().to_numpy() & (kinds != MISSING)
    return Read(values=read, bad=bad | lost, coerced={})


def _prepare(values: pd.Series, kinds: Kinds, own: int, stated: Mapping[int, Coercion]) -> pd.Series:
    """Return the column with the stated conversions made and the cells of unstated kinds left out."""
    import pandas as pd

    prepared = pd.Series(None, index=values.index, dtype=object)
    for kind in (own, *stated):
        rows = kinds == kind
        if not rows.any():
            continue
        cells = values[rows]
        made = cells if kind == own else convert(cells.reset_index(drop=True), stated[kind]).set_axis(cells.index)
        if len(cells) == len(values):
            return made
        prepared[rows] = made.astype(object)
    return prepared


def _count(column_type: ColumnType, kinds: Kinds) -> dict[str, int]:
    counts = np.bincount(kinds, minlength=len(_NAMES))
    return {
        f"{_NAMES[kind]} read as {column_type}": int(counts[kind])
        for kind in range(1, len(_NAMES))
        if kind != _OWN[column_type] and counts[kind]
    }


def _kinds(values: pd.Series) -> Kinds:
    """Say of every cell what it is, shape (n,)."""
    import pandas as pd

    if isinstance(values.dtype, pd.CategoricalDtype):
        of_level = np.append(_kinds(pd.Series(values.cat.categories)), np.int8(MISSING))
        by_row: Kinds = of_level[values.cat.codes.to_numpy()]
        return by_row
    if pd.api.types.is_object_dtype(values.dtype):
        return np.fromiter(map(_kind_of, values), dtype=np.int8, count=len(values))
    return np.where(values.isna(), MISSING, _kind_of_dtype(values)).astype(np.int8)


def _kind_of_dtype(values: pd.Series) -> int:
    import pandas as pd

    if isinstance(values.dtype, pd.StringDtype):
        return TEXT
    if pd.api.types.is_bool_dtype(values.dtype):
        return BOOLEAN
    if isinstance(values.dtype, pd.DatetimeTZDtype):
        return TIME
    if pd.api.types.is_datetime64_any_dtype(values.dtype):
        return LOCAL_TIME
    return NUMBER if pd.api.types.is_numeric_dtype(values.dtype) else OTHER


def _kind_of(value: object) -> int:
    match value:
        case None:
            kind = MISSING
        case str():
            kind = TEXT
        case bool() | np.bool_():
            kind = BOOLEAN
        case decimal.Decimal():
            kind = MISSING if value.is_nan() else NUMBER
        case numbers.Real():
            kind = NUMBER if value == value else MISSING  # noqa: PLR0124 - NaN
        case dt.datetime() if value == value:  # noqa: PLR0124 - NaT
            kind = LOCAL_TIME if value.tzinfo is None else TIME
        case dt.date() | np.datetime64():
            kind = LOCAL_TIME if value == value else MISSING  # noqa: PLR0124 - NaT
        case _:
            kind = MISSING if repr(value) == "<NA>" else OTHER
    return kind
