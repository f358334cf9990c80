"""Assemble: the source's tables as the one frame a contract is about, without rows the model may not know yet."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from ml_platform.sources.read import read_tables
from ml_platform.stages.author_code import assembled
from ml_platform.stages.coerce import coerce
from ml_platform.stages.features_module import load_features

if TYPE_CHECKING:
    import pandas as pd

    from ml_platform.policy.spec import ModelSpec

UNREADABLE = "__unreadable_"
SEPARATOR = "; "


def assemble(
    spec: ModelSpec, *, before: dt.datetime | None = None, raw: Mapping[str, pd.DataFrame] | None = None
) -> pd.DataFrame:
    """Return all rows of the source as one frame with a fresh index; only rows earlier than `before`, if given.

    Every table that has the model's time column is cut at `before` first, so that nothing later can leak into a
    row. Cells of a declared column that can't be read become missing; a column `__unreadable_<table>` then names them.
    `raw` are the source's tables, if they were read already. Raises DataInvalid when they don't go together.
    """
    found = read_tables(spec) if raw is None else raw
    tables = {name: cut(spec, _read(spec, name, table), before) for name, table in found.items()}
    module = load_features(spec)
    if module.assemble is None and len(tables) == 1:
        return next(iter(tables.values()))
    return cut(spec, assembled(module, tables), before)


def cut(spec: ModelSpec, frame: pd.DataFrame, before: dt.datetime | None) -> pd.DataFrame:
    """Leave out the rows that aren't earlier than `before`; rows without a time stay, for the contract to refuse."""
    if before is None or spec.time is None or spec.time not in frame.columns:
        return frame
    times, _ = coerce(frame[spec.time], "datetime")
    late = (times >= before).to_numpy()
    return frame[~late].reset_index(drop=True) if late.any() else frame


def _read(spec: ModelSpec, name: str, table: pd.DataFrame) -> pd.DataFrame:
    """Read the declared numbers, times and booleans of a raw table."""
    kinds = {column: spec.contract[column].type for column in table.columns if column in spec.contract}
    read = {column: coerce(table[column], kind) for column, kind in kinds.items() if kind != "category"}
    typed = table.assign(**{column: values for column, (values, _) in read.items()})
    unreadable = np.full(len(table), "", dtype=object)
    for column, (_, bad) in read.items():
        unreadable[bad] += f"{column}{SEPARATOR}"
    return typed.assign(**{f"{UNREADABLE}{name}": unreadable}) if (unreadable != "").any() else typed
