"""What a row rule has to make sense of: columns of the contract, and values that can be compared."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping

from ml_platform.policy.problems import Problem, known, seen
from ml_platform.policy.row_rules import (
    AnyOf,
    Compare,
    Condition,
    Constant,
    Implies,
    OneOf,
    RowRule,
    Sum,
    columns_of,
)
from ml_platform.policy.sections import Sections
from ml_platform.policy.spec import Column

_ORDERED = frozenset({"number", "datetime"})


def check_rules(sections: Sections) -> Iterator[Problem]:
    """Yield what is wrong with the rules between columns."""
    for name, rule in sections.rules.items():
        strangers = [column for column in columns_of(rule) if column not in sections.columns]
        if strangers and sections.whole:
            text = f"rules.{name} names the column {seen(strangers[0])}; {known(sections.columns, strangers[0])}"
            yield Problem(("rules", name), text)
        if not strangers:
            for text in _faults(rule, sections.columns):
                yield Problem(("rules", name), f"rules.{name} {text}")


def _faults(rule: RowRule, columns: Mapping[str, Column]) -> Iterator[str]:
    match rule:
        case Compare() | OneOf():
            yield from _condition_faults(rule, columns)
        case Implies(when=when, then=then):
            for part in (*when, *then):
                yield from _condition_faults(part, columns)
        case AnyOf(of=parts):
            for part in parts:
                yield from _condition_faults(part, columns)
        case Sum():
            yield from _sum_faults(rule, columns)
        case _:
            return


def _condition_faults(part: Condition, columns: Mapping[str, Column]) -> Iterator[str]:
    match part:
        case Compare(left=left, right=right, value=value):
            if (right is None) == (value is None):
                yield f"compares {seen(left)} with {_count(right)}; needed: right or value"
            if part.sign not in {"==", "!="} and _kind(columns[left]) not in _ORDERED:
                yield f"asks for {part.sign} of {seen(left)}, a {columns[left].type}; needed: == or !="
            if right is not None and _kind(columns[left]) != _kind(columns[right]):
                yield (
                    f"compares {seen(left)} ({columns[left].type}) with {seen(right)} ({columns[right].type}); "
                    "needed: two columns of a kind"
                )
            if value is not None:
                yield from value_faults(left, columns[left], value)
        case OneOf(column=column, values=values):
            for value in values:
                yield from value_faults(column, columns[column], value)
        case _:
            return


def value_faults(name: str, column: Column, value: Constant) -> Iterator[str]:
    """Yield why a constant can't be a value of a column."""
    match _kind(column):
        case "number":
            fits, needed = isinstance(value, int | float) and not isinstance(value, bool), "a number"
        case "boolean":
            fits, needed = isinstance(value, bool), "true or false"
        case "datetime":
            fits, needed = isinstance(value, str) and _is_time(value), "a time with its zone as 2013-05-01T00:00:00Z"
        case _:
            fits, needed = isinstance(value, str), "text (in quotes)"
    if not fits:
        yield f"holds {seen(value)} against {seen(name)}, a {column.type}; needed: {needed}"
    elif column.levels is not None and value not in column.levels:
        yield f"holds {seen(value)} against {seen(name)}; {known(column.levels, value)}"


def _sum_faults(rule: Sum, columns: Mapping[str, Column]) -> Iterator[str]:
    if (rule.right is None) == (rule.value is None):
        yield f"compares a sum with {_count(rule.right)}; needed: right or value"
    for name in columns_of(rule):
        if _kind(columns[name]) != "number":
            yield f"adds {seen(name)}, a {columns[name].type}; needed: columns of type integer or number"
    if rule.within and rule.sign not in {"==", "!="}:
        yield f"has within for {rule.sign}; needed: within only for == and !="


def _count(right: str | None) -> str:
    return "nothing" if right is None else "two things"


def _kind(column: Column) -> str:
    return "number" if column.type in {"integer", "number"} else column.type


def _is_time(text: str) -> bool:
    try:
        return dt.datetime.fromisoformat(text).tzinfo is not None
    except ValueError:
        return False
