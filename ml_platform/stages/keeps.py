"""Keeps: a quick look at a typed column as a whole, so that only columns that need it are looked at cell by cell."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ml_platform.stages.formats import has_format, matches

if TYPE_CHECKING:
    import pandas as pd

    from ml_platform.policy.spec import Column


def surely_keeps(column: Column, values: pd.Series, *, nullable: bool) -> bool:
    """Say whether every cell of a column in canonical form keeps its declaration; False when that isn't sure."""
    if not nullable and values.hasnans:
        return False
    if column.range is not None and values.notna().any():
        low, high = column.range
        if not (values.min() >= low and values.max() <= high):
            return False
    if column.type == "category" and not _levels_keep(column, [str(level) for level in values.cat.categories]):
        return False
    return not (column.unique and values.dropna().duplicated().any())


def _levels_keep(column: Column, levels: list[str]) -> bool:
    if column.levels is not None and not set(levels) <= set(column.levels):
        return False
    if column.format is not None and not has_format(column.format, levels).all():
        return False
    return column.pattern is None or bool(matches(column.pattern, levels).all())
