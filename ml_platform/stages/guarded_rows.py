"""Guarded rows: which rows that keep the contract a model's guard lets be scored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from ml_platform.stages.level_text import sent_level_text

if TYPE_CHECKING:
    from ml_platform.stages.bundle import Bundle

Row = Mapping[str, object]


def scored_rows(bundle: Bundle, rows: Sequence[Row]) -> list[Row]:
    """Return the rows that the service answers with a prediction, in their order."""
    guard = bundle.guard
    ranges = {} if guard.out_of_range == "flag" else guard.ranges
    learned = [one.name for one in bundle.contract.inputs if one.type == "category" and one.levels is None]
    named = [] if guard.unseen_level == "flag" else learned
    levels = {name: frozenset(bundle.features.levels.get(name, ())) for name in named}
    return [row for row in rows if _is_inside(row, ranges) and _is_known(row, levels)]


def _is_inside(row: Row, ranges: Mapping[str, tuple[float, float]]) -> bool:
    return all((value := row.get(name)) is None or low <= value <= high for name, (low, high) in ranges.items())  # type: ignore[operator]


def _is_known(row: Row, levels: Mapping[str, frozenset[str]]) -> bool:
    return all((value := row.get(name)) is None or sent_level_text(value) in known for name, known in levels.items())
