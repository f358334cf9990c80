"""Contract check: every value of a request against what the model's contract declares, all problems at once."""

from __future__ import annotations

import datetime as dt
import sys
from collections.abc import Callable, Mapping, Sequence

import msgspec

from ml_platform.core.input_guard import NO_GUARD, InputGuard
from ml_platform.core.scoring import InputColumn, ScoringContract
from ml_platform.serving.input_guard import Guarded, GuardLook, checked_column, refused_besides
from ml_platform.serving.refusal import Problem, Refused, shown, type_of
from ml_platform.stages.level_text import sent_level_text

LARGEST_WHOLE = 1 << 53
LARGEST_FLOAT = sys.float_info.max
LONGEST_TEXT = 256
PROBLEMS_COUNTED = 1_000

Row = dict[str, object]
Check = Callable[[object], str]


class Checked(msgspec.Struct, frozen=True):
    """Per row: when its event happens (None when it doesn't say) and the columns whose level the model never saw.

    `guarded` is what the guard says of the rows, None when it says nothing.
    """

    event_times: list[dt.datetime | None]
    unseen: list[tuple[str, ...]]
    guarded: Guarded | None = None


class ContractCheck:
    """Checks the rows of requests for one model.

    Refused: a missing, unknown or ill-typed column, a null that isn't allowed, a value outside the declared range or
    levels. Accepted and flagged: a level that was only *learned* to be unseen; it is scored as missing. The `guard` may
    say otherwise of ranges and levels. A whole number as a category becomes its text in the row itself, as in training,
    so that what is logged is what was scored.
    """

    def __init__(
        self, contract: ScoringContract, levels: Mapping[str, Sequence[str]], guard: InputGuard = NO_GUARD
    ) -> None:
        self._contract = contract
        self._guard = GuardLook(contract, guard)
        self._columns = [
            (column.name, _guarded_check(column, guard, levels), column.missing > 0) for column in contract.inputs
        ]
        self._names = frozenset(column.name for column in contract.inputs)
        self._time = contract.time
        self._extra_time = contract.time if contract.time not in self._names else None
        times = [column.name for column in contract.inputs if column.type == "datetime"]
        self._times = dict.fromkeys([*times, *([contract.time] if contract.time is not None else [])])
        checked = [checked_column(column, guard) for column in contract.inputs]
        self._learned = [
            (column.name, frozenset((None, *levels.get(column.name, ()))))
            for column in checked
            if column.type == "category" and column.levels is None
        ]
        self._declared = [
            (column.name, frozenset((None, *column.levels))) for column in checked if column.levels is not None
        ]

    def check(self, rows: Sequence[Row]) -> Checked:
        """Check rows; raises Refused with every problem."""
        problems: list[Problem] = []
        for index, row in enumerate(rows):
            self._check_row(index, row, problems)
            if len(problems) >= PROBLEMS_COUNTED:
                break
        if problems:
            first = problems[0]
            message = f"row {first.row}, column '{first.column}': {first.problem}"
            count = (
                f"at least {len(problems):,} problems"
                if len(problems) >= PROBLEMS_COUNTED
                else f"{len(problems)} in all"
            )
            more = f" ({count}; the contract is at /docs)" if len(problems) > 1 else ""
            raise Refused(422, "INVALID_PARAMETER_VALUE", message + more, tuple(problems))
        for name, known in self._declared:
            for row in rows:
                _write_level(row, name, known)
        return self._checked(rows)

    def check_times(self, rows: Sequence[Row]) -> Checked | None:
        """Check only the times of rows that keep the contract otherwise; None when one isn't a time."""
        for name in self._times:
            if any(_datetime(row.get(name)) for row in rows):
                return None
        return self._checked(rows)

    def _checked(self, rows: Sequence[Row]) -> Checked:
        unseen = list(map(self._unseen, rows))
        return Checked(list(map(self._event_time, rows)), unseen, self._guard.look(rows, unseen))

    def _check_row(self, index: int, row: Row, problems: list[Problem]) -> None:
        if row.keys() != self._names:
            problems += self._name_problems(index, row)
        for name, check, nullable in self._columns:
            value = row.get(name, ABSENT)
            if value is None and nullable:
                continue
            problem = _gone(value, nullable=nullable) or check(value)
            if problem:
                problems.append(Problem(row=index, column=name, problem=problem))
        if self._extra_time is not None:
            problem = _datetime(row.get(self._extra_time))
            if problem:
                problems.append(Problem(row=index, column=self._extra_time, problem=problem))

    def _name_problems(self, index: int, row: Row) -> list[Problem]:
        known = ", ".join(column.name for column in self._contract.inputs)
        return [
            Problem(row=index, column=shown(name), problem=f"it isn't in the contract, which has {known}")
            for name in row
            if name not in self._names and name != self._extra_time
        ]

    def _event_time(self, row: Row) -> dt.datetime | None:
        value = row.get(self._time) if self._time is not None else None
        return None if value is None else in_utc(str(value))

    def _unseen(self, row: Row) -> tuple[str, ...]:
        return tuple(
            [name for name, seen in self._learned if row[name] not in seen and not _write_level(row, name, seen)]
        )


def _write_level(row: Row, name: str, known: frozenset[str | None]) -> bool:
    """Write a category's value as its level's text; returns whether it is known. Missing is always known."""
    value = row[name]
    if value in known:
        return True
    row[name] = text = sent_level_text(value)
    return text in known


class _Absent:
    """Stands for a column that the row doesn't have."""


ABSENT = _Absent()


def _gone(value: object, *, nullable: bool) -> str:
    if value is ABSENT:
        return "it isn't there; every column of the contract is needed" + (" (null when unknown)" if nullable else "")
    return "it is null; the contract allows no missing value here" if value is None else ""


def in_utc(text: str) -> dt.datetime:
    """Read an ISO 8601 time; one without a zone is UTC."""
    at = dt.datetime.fromisoformat(text)
    return at.astimezone(dt.UTC) if at.tzinfo else at.replace(tzinfo=dt.UTC)


def _guarded_check(column: InputColumn, guard: InputGuard, levels: Mapping[str, Sequence[str]]) -> Check:
    check, besides = _check_of(checked_column(column, guard)), refused_besides(column, guard, levels)
    return check if besides is None else lambda value: check(value) or besides(value)


def _check_of(column: InputColumn) -> Check:
    """Return the function that says what is wrong with a value of the column that isn't null; '' when nothing is."""
    match column.type:
        case "integer" | "number":
            return _numeric(column)
        case "boolean":
            return lambda value: "" if value is True or value is False else f"it is {type_of(value)}, not true or false"
        case "datetime":
            return _datetime
        case _:
            return _category(column.levels)


def _numeric(column: InputColumn) -> Check:
    whole = column.type == "integer"
    largest = LARGEST_WHOLE if whole else LARGEST_FLOAT
    low = -largest if column.low is None else column.low
    high = largest if column.high is None else column.high
    declared = f"{low:g} to {high:g}" if column.high is not None else f"{low:g} or more"
    needed = "a whole number of at most 16 digits" if whole else "a finite number"

    def check(value: object) -> str:
        if type(value) is not float and type(value) is not int:
            return f"it is {type_of(value)}, {needed} is needed"
        if low <= value <= high and (not whole or value % 1 == 0):
            return ""
        if abs(value) <= largest and (not whole or value % 1 == 0):
            return f"it is {'below' if value < low else 'above'} the declared range, {declared}"
        return f"it is a number, but {needed} is needed"

    return check


def _category(levels: Sequence[str] | None) -> Check:
    known = None if levels is None else frozenset(levels)
    listed = ", ".join((levels or ())[:20])

    def check(value: object) -> str:
        if type(value) is str and known is not None and value in known:
            return ""
        try:
            text = sent_level_text(value)
        except TypeError:
            return f"it is {type_of(value)}, a string or a whole number is needed"
        if known is not None:
            return "" if text in known else f"it is none of the declared levels: {listed}"
        return "" if len(text) <= LONGEST_TEXT else f"it is longer than {LONGEST_TEXT} characters"

    return check


def _datetime(value: object) -> str:
    if value is None:
        return ""
    try:
        in_utc(value if type(value) is str else "")
    except (ValueError, OverflowError):
        return f"it is {type_of(value)}, a time like 2013-06-01T09:30:00Z is needed"
    return ""
