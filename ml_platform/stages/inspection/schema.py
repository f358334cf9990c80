"""Schema: which columns came, and whether their types are the reference's: hard rules."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from ml_platform.stages.inspection.evidence import Evidence
from ml_platform.stages.inspection.table import kind_of

if TYPE_CHECKING:
    import pandas as pd


def schema(reference: pd.DataFrame, batch: pd.DataFrame) -> Iterator[Evidence]:
    """Columns that are missing, new, or of another type; a column without any value has every type."""
    rows = len(batch)
    for name in reference.columns:
        if name not in batch.columns:
            yield _broken(name, "missing from the batch", rows)
        else:
            change = _type_change(reference[name], batch[name])
            if change:
                yield _broken(name, change, rows)
    for name in batch.columns:
        if name not in reference.columns:
            yield _broken(name, "unknown to the reference", rows)


def _type_change(before: pd.Series, now: pd.Series) -> str:
    from pandas.api import types

    if before.isna().all() or now.isna().all():
        return ""
    kind, found = kind_of(before), kind_of(now)
    if found != kind:
        return f"{_SAID[kind]} in the reference, {_SAID[found]} in the batch"
    if kind == "time" and _zones(before) != _zones(now):
        return "time zones in one table only, or in some of its rows"
    if _is_span(before) != _is_span(now):
        return "durations in one table, plain numbers in the other"
    if types.is_integer_dtype(before.dtype) and types.is_float_dtype(now.dtype) and not _whole(now):
        return "whole numbers in the reference, fractions in the batch"
    return ""


def comparable(before: pd.Series, now: pd.Series) -> bool:
    """Say whether values are of one kind, so that more than their type can be compared."""
    if before.isna().all() or now.isna().all():
        return True
    return kind_of(before) == kind_of(now) and _is_span(before) == _is_span(now)


def _is_span(values: pd.Series) -> bool:
    from pandas.api import types

    return bool(types.is_timedelta64_dtype(values.dtype))


def _zones(values: pd.Series) -> frozenset[bool]:
    """Return whether times have a time zone: one answer, or both where they are mixed."""
    if values.dtype != object:
        return frozenset({getattr(values.dtype, "tz", None) is not None})
    return frozenset(getattr(one, "tzinfo", None) is not None for one in values.dropna())


def _whole(now: pd.Series) -> bool:
    """Say whether all values are whole: 2.0 is 2, and a missing value makes floats of whole numbers."""
    return bool((now.dropna() % 1 == 0).all())


_SAID = {"number": "numbers", "levels": "text", "time": "times", None: "values of mixed types"}


def _broken(name: object, what: str, rows: int) -> Evidence:
    return Evidence(kind="schema", columns=(str(name),), effect=1.0, p_value=0.0, n=rows, facts={"what": what})
