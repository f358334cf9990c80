"""Table: a reference frame and a batch frame as one set of typed columns, missing values set apart."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pandas as pd

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]
Kind = Literal["number", "levels", "time"]
MICROSECONDS = 1e6


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column of both tables: `codes` number the distinct values in order (of size or of text), -1 is missing.

    `values` are the distinct values by code: floats for numbers and times (seconds), text for levels. The reference's
    rows come first in `codes`.
    """

    name: str
    kind: Kind
    codes: Codes
    values: NDArray[np.generic]

    @property
    def missing(self) -> NDArray[np.bool_]:
        """True where the value is missing."""
        return self.codes < 0

    def numbers(self) -> Floats:
        """Return the column as floats, NaN where missing."""
        found: Floats = np.append(self.values.astype(np.float64), np.nan)[self.codes]
        return found


def kind_of(values: pd.Series) -> Kind | None:
    """Return the kind of a column's values; None when they are of no one kind."""
    import pandas as pd

    if isinstance(values.dtype, pd.CategoricalDtype):
        values = pd.Series(values.cat.categories)
    return _KINDS.get(pd.api.types.infer_dtype(values, skipna=True))


_KINDS: Mapping[str, Kind] = MappingProxyType(
    {
        "string": "levels",
        "empty": "levels",
        "integer": "number",
        "integer-na": "number",
        "floating": "number",
        "mixed-integer-float": "number",
        "decimal": "number",
        "boolean": "number",
        "timedelta64": "number",
        "timedelta": "number",
        "datetime64": "time",
        "datetime": "time",
        "date": "time",
    }
)


def as_floats(values: pd.Series, kind: Kind) -> Floats:
    """Return a number or time column as floats (times in seconds), NaN where missing."""
    import pandas as pd

    if kind == "time":
        stamps = _stamps(values)
        whole = stamps.dt.as_unit("us").astype("int64").to_numpy() / MICROSECONDS
        return np.where(stamps.isna().to_numpy(), np.nan, whole)
    if pd.api.types.is_timedelta64_dtype(values.dtype):
        values = values.dt.total_seconds()
    if isinstance(values.dtype, pd.CategoricalDtype) or not pd.api.types.is_numeric_dtype(values.dtype):
        values = pd.to_numeric(values.astype(object), errors="coerce")
    return values.to_numpy(dtype=np.float64, na_value=np.nan)


def _stamps(values: pd.Series) -> pd.Series:
    """Return times; what isn't in ISO 8601 can't be compared (its type is a finding of its own) and is missing."""
    import pandas as pd

    if pd.api.types.is_datetime64_any_dtype(values.dtype) or pd.api.types.is_numeric_dtype(values.dtype):
        return pd.to_datetime(values, utc=True)
    known = [one if isinstance(one, str | dt.date) else None for one in values.astype(object)]
    stamps: pd.Series = pd.to_datetime(pd.Series(known, dtype=object), utc=True, errors="coerce", format="ISO8601")
    return stamps


def number_column(name: str, kind: Kind, reference: Floats, batch: Floats) -> Column:
    """Return a column whose distinct values are numbered in order of size; an infinity is a value."""
    every = np.concatenate([reference, batch])
    present = ~np.isnan(every)
    values, inverse = np.unique(every[present], return_inverse=True)
    codes = np.full(every.size, -1, dtype=np.int64)
    codes[present] = inverse
    return Column(name=name, kind=kind, codes=codes, values=values)


def _texts(values: pd.Series) -> NDArray[np.object_]:
    """Return a column as Python texts, None where missing; what is no text is written as one."""
    import pandas as pd

    plain: NDArray[np.object_] = values.astype(object).to_numpy(copy=True)
    if pd.api.types.infer_dtype(plain, skipna=True) not in {"string", "empty"}:
        told = np.empty(plain.size, dtype=object)
        told[:] = [str(value) for value in plain]
        plain = told
    plain[values.isna().to_numpy()] = None
    return plain


def level_column(name: str, reference: pd.Series, batch: pd.Series) -> Column:
    """Return a column whose distinct texts are numbered in alphabetical order."""
    import pandas as pd

    every = np.concatenate([_texts(reference), _texts(batch)])
    codes, values = pd.factorize(every, sort=True, use_na_sentinel=True)
    return Column(name=name, kind="levels", codes=codes.astype(np.int64), values=np.asarray(values, dtype=object))
