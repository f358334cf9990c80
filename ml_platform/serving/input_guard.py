"""Input guard: rows that can be read and that the model can't be trusted on are refused, flagged or left unanswered."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from ml_platform.core.input_guard import Action, InputGuard
from ml_platform.core.scoring import InputColumn, ScoringContract
from ml_platform.serving.refusal import Problem
from ml_platform.stages.level_text import sent_level_text

NUMERIC = frozenset({"integer", "number"})
UNDECLARED = "it is outside of what the contract declares"
UNLIKE = "it is beyond the training rows' values"
UNSEEN = "it is a level that no training row held"

Rows = Sequence[Mapping[str, object]]
Levels = Mapping[str, Sequence[str]]
Check = Callable[[object], str]


@dataclass(frozen=True, slots=True)
class Guarded:
    """What the guard found in a request's rows.

    `beyond` names by row the columns whose number is outside of its range; the rows in `silent` get no prediction.
    `abstained` are the problems of these, `flagged` those of the others.
    """

    flagged: tuple[Problem, ...]
    abstained: tuple[Problem, ...]
    beyond: Mapping[int, tuple[str, ...]]
    silent: frozenset[int]

    @property
    def flagged_rows(self) -> int:
        """Return how many rows were scored and flagged."""
        return len({one.row for one in self.flagged})


def checked_column(column: InputColumn, guard: InputGuard) -> InputColumn:
    """Return a column as the contract's check needs it: without its limits, where the guard doesn't refuse."""
    return column if guard.out_of_contract == "reject" else replace(column, low=None, high=None, levels=None)


def refused_besides(column: InputColumn, guard: InputGuard, levels: Levels) -> Check | None:
    """Return what says whether a value that keeps the contract is refused all the same, None if none is."""
    if column.type in NUMERIC and guard.out_of_range == "reject" and column.name in guard.ranges:
        low, high = guard.ranges[column.name]
        return lambda value: "" if low <= value <= high else f"{UNLIKE}, which the model's guard refuses"  # type: ignore[operator]
    if column.type == "category" and column.levels is None and guard.unseen_level == "reject":
        known = frozenset(levels.get(column.name, ()))
        return lambda value: "" if sent_level_text(value) in known else f"{UNSEEN}, which the model's guard refuses"
    return None


def accepted_at_once(contract: ScoringContract, guard: InputGuard, levels: Levels) -> ScoringContract:
    """Return the contract that holds for what needs no second look: with the guard's refusals as further limits."""
    return replace(contract, inputs=tuple(_narrowed(column, guard, levels) for column in contract.inputs))


def _narrowed(column: InputColumn, guard: InputGuard, levels: Levels) -> InputColumn:
    if refused_besides(column, guard, levels) is None:
        return column
    if column.type == "category":
        return replace(column, levels=tuple(levels.get(column.name, ())))
    low, high = guard.ranges[column.name]
    return replace(
        column,
        low=low if column.low is None else max(low, column.low),
        high=high if column.high is None else min(high, column.high),
    )


class GuardLook:
    """Looks at rows that keep their types, for what isn't refused; made once for a model."""

    def __init__(self, contract: ScoringContract, guard: InputGuard) -> None:
        self._guard = guard
        self._declared = {
            column.name: (_or(column.low, -math.inf), _or(column.high, math.inf)) for column in contract.inputs
        }
        self._limits = [
            (column.name, *limits) for column in contract.inputs if (limits := self._limits_of(column)) is not None
        ]
        self._with_levels = frozenset(column.name for column in contract.inputs if column.levels is not None)

    def look(self, rows: Rows, unseen: Sequence[tuple[str, ...]]) -> Guarded | None:
        """Return what is to be flagged or left unanswered, None if nothing is; `unseen` are new levels' columns."""
        limits = self._limits
        beyond: dict[int, tuple[str, ...]] = {}
        for index, row in enumerate(rows):
            for name, low, high in limits:
                value = row[name]
                if value is not None and not low <= value <= high:  # type: ignore[operator]
                    beyond[index] = (*beyond.get(index, ()), name)
        if not beyond and not any(unseen):
            return None
        return self._found(rows, unseen, beyond)

    def _limits_of(self, column: InputColumn) -> tuple[float, float] | None:
        """Return the limits that a number is held against here; those that are refused beyond are held already."""
        guard, declared = self._guard, self._declared[column.name]
        if column.type not in NUMERIC:
            return None
        held = guard.out_of_range != "reject" and column.name in guard.ranges
        loose = guard.out_of_contract != "reject" and (column.low, column.high) != (None, None)
        if held:
            low, high = guard.ranges[column.name]
            return max(low, declared[0]), min(high, declared[1])
        return declared if loose else None

    def _found(self, rows: Rows, unseen: Sequence[tuple[str, ...]], beyond: Mapping[int, tuple[str, ...]]) -> Guarded:
        found: list[tuple[Problem, Action]] = []
        for index, names in enumerate(unseen):
            found += [self._of_level(index, name) for name in names]
            found += [self._of_number(index, name, rows[index][name]) for name in beyond.get(index, ())]
        silent = frozenset(problem.row for problem, action in found if action == "abstain" and problem.row is not None)
        return Guarded(
            flagged=tuple(problem for problem, _ in found if problem.row not in silent),
            abstained=tuple(problem for problem, _ in found if problem.row in silent),
            beyond=beyond,
            silent=silent,
        )

    def _of_level(self, row: int, name: str) -> tuple[Problem, Action]:
        if name in self._with_levels:
            return Problem(row=row, column=name, problem=UNDECLARED), self._guard.out_of_contract
        return Problem(row=row, column=name, problem=UNSEEN), self._guard.unseen_level

    def _of_number(self, row: int, name: str, value: object) -> tuple[Problem, Action]:
        low, high = self._declared[name]
        if low <= value <= high:  # type: ignore[operator]
            return Problem(row=row, column=name, problem=UNLIKE), self._guard.out_of_range
        return Problem(row=row, column=name, problem=UNDECLARED), self._guard.out_of_contract


def _or(limit: float | None, otherwise: float) -> float:
    return otherwise if limit is None else limit
