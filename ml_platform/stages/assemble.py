"""Assemble: the source's tables as the one frame a contract is about, without rows the model may not know yet."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from ml_platform.core.errors import DataInvalid
from ml_platform.sources.read import read_tables
from ml_platform.stages.coerce import coerce
from ml_platform.stages.features_module import FeaturesModule, load_features

if TYPE_CHECKING:
    import pandas as pd

    from ml_platform.policy.spec import ModelSpec

UNREADABLE = "__unreadable_"
SEPARATOR = "; "
_AUTHORS_FAULTS = (KeyError, IndexError, TypeError, ValueError, AttributeError)


def assemble(spec: ModelSpec, *, before: dt.datetime | None = None) -> pd.DataFrame:
    """Return all rows of the source as one frame with a fresh index; only rows earlier than `before`, if given.

    Every table that has the model's time column is cut at `before` first, so that nothing later can leak into a
    row. Cells of a declared column that can't be read become missing; a column `__unreadable_<table>` then names them.
    Raises DataInvalid when the tables don't go together.
    """
    tables = {name: _prepared(spec, name, table, before) for name, table in read_tables(spec).items()}
    module = load_features(spec)
    if module.assemble is not None:
        return _assembled(spec, module, tables)
    if len(tables) > 1:
        message = (
            f"{spec.model}: source has the tables {sorted(tables)} and {module.path.name} has no `assemble`; "
            "one frame is needed; write assemble(tables) there"
        )
        raise DataInvalid(message)
    return next(iter(tables.values()))


def _assembled(spec: ModelSpec, module: FeaturesModule, tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    import pandas as pd

    where = f"{spec.model}: assemble of {module.name}"
    assert module.assemble is not None
    try:
        frame = module.assemble(tables)
    except _AUTHORS_FAULTS as error:
        seen = f"column {error}" if isinstance(error, KeyError) else type(error).__name__
        message = f"{where}: failed on {seen}; the source's tables no longer fit it; compare their columns with the code"
        raise DataInvalid(message) from None
    if not isinstance(frame, pd.DataFrame):
        raise DataInvalid(f"{where}: returned {type(frame).__name__}; a DataFrame is needed; correct it")
    return frame.reset_index(drop=True)


def _prepared(spec: ModelSpec, name: str, table: pd.DataFrame, before: dt.datetime | None) -> pd.DataFrame:
    """Read the declared numbers and times of a raw table, cut at `before`."""
    kinds = {column: spec.contract[column].type for column in table.columns if column in spec.contract}
    read = {column: coerce(table[column], kind) for column, kind in kinds.items() if kind != "category"}
    kept = table.assign(**{column: values for column, (values, _) in read.items()})
    unreadable = np.full(len(table), "", dtype=object)
    for column, (_, bad) in read.items():
        unreadable[bad] += f"{column}{SEPARATOR}"
    if (unreadable != "").any():
        kept = kept.assign(**{f"{UNREADABLE}{name}": unreadable})
    if before is None or spec.time not in read:
        return kept
    times = read[spec.time][0]
    return kept[(times.isna() | (times < before)).to_numpy()].reset_index(drop=True)
