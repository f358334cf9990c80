"""Encode: contract columns as float columns, the same for a whole table and for one request row.

A category becomes the code of its level, a boolean 0 or 1, a time seconds since 1970 in UTC; missing values and
levels never seen become NaN. The one-row path knows nothing of pandas.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ml_platform.core.errors import DataInvalid
from ml_platform.core.scoring import InputColumn
from ml_platform.stages.level_text import sent_level_text

if TYPE_CHECKING:
    import pandas as pd

    from ml_platform.policy.spec import ModelSpec

Columns = Mapping[str, NDArray[np.float64]]
Levels = Mapping[str, Sequence[str]]
Cell = Callable[[object], float]
RowEncoder = Callable[[Sequence[Mapping[str, object]]], dict[str, NDArray[np.float64]]]

_BOOLEANS = {"true": 1.0, "false": 0.0, "1": 1.0, "0": 0.0}
_MICROSECONDS = 1e6


def input_columns(spec: ModelSpec) -> tuple[InputColumn, ...]:
    """Return what a scoring request has to carry, in the contract's order."""
    return tuple(_input_column(spec, name) for name in spec.inputs)


def _input_column(spec: ModelSpec, name: str) -> InputColumn:
    column = spec.contract[name]
    low, high = column.range or (None, None)
    return InputColumn(
        name=name,
        type=column.type,
        low=low,
        high=high,
        levels=column.levels,
        missing=column.missing,
        logged=column.personal_data != "direct",
    )


def shown_columns(spec: ModelSpec) -> tuple[str, ...]:
    """Return the inputs whose learned levels may be shown to whoever asks: none that is personal."""
    named = [(name, spec.contract[name]) for name in spec.inputs]
    return tuple(
        name for name, one in named if one.type == "category" and one.levels is None and one.personal_data == "none"
    )


def learn_levels(spec: ModelSpec, frame_train: pd.DataFrame) -> dict[str, list[str]]:
    """Return the levels of every category input: the declared ones, else those of the training rows, sorted."""
    names = [name for name in spec.inputs if spec.contract[name].type == "category"]
    return {name: list(spec.contract[name].levels or _levels_seen(frame_train[name])) for name in names}


def _levels_seen(values: pd.Series) -> list[str]:
    present = np.unique(values.cat.codes.to_numpy())
    categories = values.cat.categories
    return sorted(str(categories[code]) for code in present if code >= 0)


def encode_frame(spec: ModelSpec, levels: Levels, frame: pd.DataFrame) -> dict[str, NDArray[np.float64]]:
    """Return the inputs of a contract-checked frame as float64 columns of shape (n,), read-only."""
    columns = {name: _column(spec.contract[name].type, levels.get(name, ()), frame[name]) for name in spec.inputs}
    for values in columns.values():
        values.flags.writeable = False
    return columns


def _column(kind: str, levels: Sequence[str], values: pd.Series) -> NDArray[np.float64]:
    if kind == "category":
        code_of = {level: float(code) for code, level in enumerate(levels)}
        codes = np.array([*(code_of.get(str(level), math.nan) for level in values.cat.categories), math.nan])
        coded: NDArray[np.float64] = codes[values.cat.codes.to_numpy()]
        return coded
    if kind == "datetime":
        micros = values.to_numpy(dtype="datetime64[us]").astype(np.int64)
        return np.where(values.isna().to_numpy(), math.nan, micros / _MICROSECONDS)
    return values.to_numpy(dtype=np.float64, na_value=math.nan)


def encode_rows(
    inputs: Sequence[InputColumn], levels: Levels, rows: Sequence[Mapping[str, object]]
) -> dict[str, NDArray[np.float64]]:
    """Return request rows as float64 columns of shape (len(rows),); a key that isn't there is missing.

    Raises DataInvalid, naming column and type, for a value that isn't of the column's type.
    """
    return row_encoder(inputs, levels)(rows)


def row_encoder(inputs: Sequence[InputColumn], levels: Levels) -> RowEncoder:
    """Return `encode_rows` for fixed inputs, prepared once for a service that scores row by row."""
    cells = [(column.name, column.type, cell_of(column, levels)) for column in inputs]
    names, named = [name for name, _, _ in cells], [(name, cell) for name, _, cell in cells]

    def encode(rows: Sequence[Mapping[str, object]]) -> dict[str, NDArray[np.float64]]:
        try:  # one array for all columns: most of the cost of few rows is making arrays
            block = np.array([[cell(row.get(name)) for row in rows] for name, cell in named], dtype=np.float64)
        except (TypeError, ValueError, OverflowError):
            return {name: _encoded(name, kind, cell, rows) for name, kind, cell in cells}  # names the column
        return dict(zip(names, block, strict=True))

    return encode


def _encoded(name: str, kind: str, cell: Cell, rows: Sequence[Mapping[str, object]]) -> NDArray[np.float64]:
    try:
        return np.array([cell(row.get(name)) for row in rows], dtype=np.float64)
    except (TypeError, ValueError, OverflowError):
        message = f"{name}: a value is no {kind}; {kind} or null is needed; correct the request"
        raise DataInvalid(message) from None


def cell_of(column: InputColumn, levels: Levels) -> Cell:
    """Return what makes a value of the column a number; it raises TypeError or ValueError for what is none of them."""
    match column.type:
        case "category":
            return _LevelCodes(levels.get(column.name, ())).__getitem__
        case "boolean":
            return _boolean
        case "datetime":
            return _seconds
        case _:
            return _number


class _LevelCodes(dict[object, float]):
    """The code of each level, and NaN for what is missing; whatever else is asked for is first made a level's text."""

    def __init__(self, levels: Sequence[str]) -> None:
        super().__init__({None: math.nan} | {level: float(code) for code, level in enumerate(levels)})

    def __missing__(self, value: object) -> float:
        return self.get(sent_level_text(value), math.nan)


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def _number(value: object) -> float:
    if type(value) is float:  # nearly always
        return value
    if value is None:
        return math.nan
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError
    return float(value)


def _boolean(value: object) -> float:
    if value is None:
        return math.nan
    found = _BOOLEANS.get(str(value).lower())
    if found is None:
        raise ValueError
    return found


def _seconds(value: object) -> float:
    if value is None:
        return math.nan
    at = value if isinstance(value, dt.datetime) else dt.datetime.fromisoformat(_text(value))
    return (at if at.tzinfo else at.replace(tzinfo=dt.UTC)).timestamp()
