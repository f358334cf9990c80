"""Break rules: which rows break a rule between columns. What a missing value leaves open breaks none."""

from __future__ import annotations

import datetime as dt
import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, assert_never

import numpy as np
from numpy.typing import NDArray

from ml_platform.policy.row_rules import (
    AnyOf,
    Compare,
    Condition,
    Constant,
    Implies,
    Missing,
    OneOf,
    Present,
    RowRule,
    Sign,
    Sum,
    Together,
)
from ml_platform.stages.cells import Cells, of_levels

Rows = NDArray[np.bool_]
_SIGNS: Mapping[Sign, Callable[[Any, Any], Any]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


@dataclass(frozen=True, slots=True)
class _Truth:
    """In which rows a condition is true, and in which it is false; in the others a missing value leaves it open."""

    true: Rows
    false: Rows


def rows_that_break(rule: RowRule, cells: Mapping[str, Cells]) -> Rows:
    """Return True for each row in which the rule is false, shape (n,)."""
    match rule:
        case Implies(when=when, then=then):
            return _all(when, cells).true & _all(then, cells).false
        case AnyOf(of=parts):
            none: Rows = np.logical_and.reduce([_truth(part, cells).false for part in parts])
            return none
        case Together(columns=columns):
            there = [cells[name].present for name in columns]
            broken: Rows = np.logical_or.reduce(there) & ~np.logical_and.reduce(there)
            return broken
        case Sum():
            return _sum_breaks(rule, cells)
        case _:
            return _truth(rule, cells).false


def _all(parts: Sequence[Condition], cells: Mapping[str, Cells]) -> _Truth:
    found = [_truth(part, cells) for part in parts]
    return _Truth(
        np.logical_and.reduce([one.true for one in found]), np.logical_or.reduce([one.false for one in found])
    )


def _truth(part: Condition, cells: Mapping[str, Cells]) -> _Truth:
    match part:
        case Present(column=column):
            there = cells[column].present
            return _Truth(there, ~there)
        case Missing(column=column):
            there = cells[column].present
            return _Truth(~there, there)
        case OneOf(column=column, values=values):
            one = cells[column]
            return _known(np.logical_or.reduce([_against(one, "==", value) for value in values]), one.present)
        case Compare(left=left, sign=sign, right=right):
            if right is None:
                return _known(_against(cells[left], sign, part.value), cells[left].present)
            both = cells[left].present & cells[right].present
            return _known(_SIGNS[sign](*_comparable(cells[left], cells[right])), both)
        case _:
            assert_never(part)


def _known(holds: Rows, known: Rows) -> _Truth:
    return _Truth(holds & known, ~holds & known)


def _against(cells: Cells, sign: Sign, value: Constant | None) -> Rows:
    """Compare every cell with a constant."""
    if cells.levels is not None:
        return of_levels(cells, np.array([_SIGNS[sign](level, value) for level in cells.levels], dtype=np.bool_))
    constant: object = _microseconds(value) if isinstance(value, str) else value
    found: Rows = _SIGNS[sign](cells.values, constant)
    return found


def _microseconds(text: str) -> int:
    since = dt.datetime.fromisoformat(text) - dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
    return since // dt.timedelta(microseconds=1)


def _comparable(left: Cells, right: Cells) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return two columns' values as arrays that can be compared; levels by their place among those of both."""
    if left.levels is None or right.levels is None:
        return left.values, right.values
    places = {level: place for place, level in enumerate(dict.fromkeys((*left.levels, *right.levels)))}
    return _placed(left, left.levels, places), _placed(right, right.levels, places)


def _placed(cells: Cells, levels: Sequence[str], places: Mapping[str, int]) -> NDArray[np.int64]:
    by_level = np.array([*(places[level] for level in levels), -1], dtype=np.int64)
    by_cell: NDArray[np.int64] = by_level[np.where(cells.present, cells.values, -1)]
    return by_cell


def _sum_breaks(rule: Sum, cells: Mapping[str, Cells]) -> Rows:
    parts = [cells[name] for name in (*rule.of, *rule.minus)]
    total = np.zeros(len(parts[0].values))
    for place, part in enumerate(parts):
        total = total + part.values if place < len(rule.of) else total - part.values
    known: Rows = np.logical_and.reduce([part.present for part in parts])
    other: Any = rule.value
    if rule.right is not None:
        other = cells[rule.right].values
        known = known & cells[rule.right].present
    if rule.sign in {"==", "!="}:
        equal = np.abs(total - other) <= rule.within
        broken: Rows = known & (equal if rule.sign == "!=" else ~equal)
        return broken
    wrong: Rows = known & ~_SIGNS[rule.sign](total, other)
    return wrong
