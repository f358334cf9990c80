"""Assemble: the source's tables as the one frame a contract is about, without rows the model may not know yet."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from ml_platform.sources.read import read_tables
from ml_platform.stages.author_code import assembled
from ml_platform.stages.features_module import load_features
from ml_platform.stages.read_column import read_column

if TYPE_CHECKING:
    import pandas as pd

    from ml_platform.policy.spec import ModelSpec

UNREADABLE = "__unreadable_"
SEPARATOR = "; "
COERCED = "coerced"


def assemble(
    spec: ModelSpec, *, before: dt.datetime | None = None, raw: Mapping[str, pd.DataFrame] | None = None
) -> pd.DataFrame:
    """Return all rows of the source as one frame with a fresh index; only rows earlier than `before`, if given.

    Every table that has the model's time column is cut at `before` first, so that nothing later can leak into a
    row. Cells of a declared column that can't be read become missing; a column `__unreadable_<table>` then names them.
    `raw` are the source's tables, if they were read already. The frame's `attrs` say under COERCED how many cells were
    converted though no coercion was stated. Raises DataInvalid when the tables don't go together.
    """
    coerced: dict[str, int] = {}
    found = read_tables(spec) if raw is None else raw
    tables = {name: cut(spec, read_declared(spec, name, table, coerced), before) for name, table in found.items()}
    module = load_features(spec)
    if module.assemble is None and len(tables) == 1:
        frame = next(iter(tables.values()))
    else:
        frame = cut(spec, assembled(module, tables), before)
    frame.attrs = {COERCED: coerced} if coerced else {}
    return frame


def times_of(spec: ModelSpec, frame: pd.DataFrame) -> pd.Series:
    """Return the time column of a frame as the contract reads it; there has to be one."""
    name = spec.time or ""
    return read_column(frame[name], spec.contract[name]).values


def cut(spec: ModelSpec, frame: pd.DataFrame, before: dt.datetime | None) -> pd.DataFrame:
    """Leave out the rows that aren't earlier than `before`; rows without a time stay, for the contract to refuse."""
    if before is None or spec.time is None or spec.time not in frame.columns:
        return frame
    late = (times_of(spec, frame) >= before).to_numpy()
    return frame[~late].reset_index(drop=True) if late.any() else frame


def read_declared(spec: ModelSpec, name: str, table: pd.DataFrame, coerced: dict[str, int]) -> pd.DataFrame:
    """Read the declared numbers, times and booleans of a raw table; add to `coerced` what was converted for it."""
    said = {column: spec.contract[column] for column in table.columns if column in spec.contract}
    read = {name: read_column(table[name], column) for name, column in said.items() if column.type != "category"}
    typed = table.assign(**{column: one.values for column, one in read.items()})
    unreadable = np.full(len(table), "", dtype=object)
    for column, one in read.items():
        unreadable[one.bad] += f"{column}{SEPARATOR}"
        for how, count in one.coerced.items():
            coerced[f"{column}: {how}"] = coerced.get(f"{column}: {how}", 0) + count
    return typed.assign(**{f"{UNREADABLE}{name}": unreadable}) if (unreadable != "").any() else typed
