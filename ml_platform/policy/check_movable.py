"""What declared moves have to make sense of: inputs, and values that may be sent."""

from __future__ import annotations

from collections.abc import Iterator

from ml_platform.policy.check_expectations import no_input, sent_faults
from ml_platform.policy.movable import Move
from ml_platform.policy.problems import Problem, seen
from ml_platform.policy.sections import Sections
from ml_platform.policy.spec import Column, Role

_NUMBERS = frozenset({"integer", "number"})
_CHOSEN = frozenset({"category", "boolean"})


def check_movable(sections: Sections) -> Iterator[Problem]:
    """Yield what is wrong with `evaluation.movable`, as far as the contract is well-formed."""
    if sections.evaluation is None or not sections.whole:
        return
    inputs = {name: sections.columns[name] for name in sections.with_role(Role.FEATURE)}
    for name, move in sections.evaluation.movable.items():
        faults = _faults(name, move, inputs[name]) if name in inputs else (no_input(name, inputs),)
        for text in faults:
            yield Problem(("evaluation", "movable", name), f"evaluation.movable.{name} {text}")


def _faults(name: str, move: Move, column: Column) -> Iterator[str]:
    if sum(one is not None for one in (move.by, move.range, move.to)) != 1:
        yield "has several of by, range and to, or none; needed: one of them"
    elif move.to is not None:
        yield from _level_faults(name, move.to, column)
    elif column.type not in _NUMBERS:
        yield f"moves a {column.type} by an amount; needed: to, the values that it may take"
    else:
        yield from _by_faults(move.by, column) if move.by is not None else ()
        yield from _range_faults(name, move.range, column) if move.range is not None else ()


def _level_faults(name: str, levels: tuple[bool | int | float | str, ...], column: Column) -> Iterator[str]:
    if column.type not in _CHOSEN:
        yield f"has levels for {seen(name)}, a {column.type}; needed: by or range, of an integer or a number"
        return
    for level in levels:
        yield from sent_faults(name, column, level)
    if len(set(levels)) < len(levels):
        yield "names a level twice; needed: each once"


def _by_faults(by: tuple[float, float], column: Column) -> Iterator[str]:
    down, up = by
    if not down <= 0 <= up or down == up:
        yield f"moves by {seen(list(by))}; needed: how far down, 0 or less, and how far up, 0 or more, but not both 0"
    yield from _whole_faults(by, column)


def _range_faults(name: str, bounds: tuple[float, float], column: Column) -> Iterator[str]:
    low, high = bounds
    if not low < high:
        yield f"has the range {seen(list(bounds))}; needed: the lower bound first, then a higher one"
    whole = list(_whole_faults(bounds, column))
    yield from whole
    if not whole:
        for bound in bounds:
            yield from sent_faults(name, column, bound)


def _whole_faults(bounds: tuple[float, float], column: Column) -> Iterator[str]:
    if column.type == "integer" and not all(bound.is_integer() for bound in bounds):
        yield f"has {seen(list(bounds))} for an integer; needed: whole numbers"
