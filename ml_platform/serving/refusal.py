"""A refused request: its status and every problem found, in words that never repeat a value of the request."""

from __future__ import annotations

from dataclasses import dataclass

from ml_platform.core.gate import TurnedAway

PROBLEMS_SHOWN = 20
LONGEST_NAME = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing that is wrong, and where; `row` counts from 0."""

    problem: str
    row: int | None = None
    column: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorBody:
    """The JSON body of every error; `error_code` and `message` are those of MLflow's scoring server."""

    error_code: str
    message: str
    problems: tuple[Problem, ...] = ()
    problems_found: int = 0


class Refused(Exception):
    """The request can't be answered: what was seen, what is needed."""

    def __init__(
        self,
        status: int,
        error_code: str,
        message: str,
        problems: tuple[Problem, ...] = (),
        *,
        retry_after_seconds: int | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.retry_after_seconds = retry_after_seconds
        self.body = ErrorBody(
            error_code=error_code,
            message=message,
            problems=problems[:PROBLEMS_SHOWN],
            problems_found=len(problems),
        )


def turned_away(away: TurnedAway) -> Refused:
    """Return what the gate said as a refusal."""
    return Refused(away.status, away.error_code, away.message, retry_after_seconds=away.retry_after_seconds)


def place_of(error: BaseException) -> str:
    """Say where an error arose, without its text: that may hold a value of the request."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}" if trace is not None else "an unknown place"


def shown(name: str) -> str:
    """Shorten a name that came with the request.

    >>> shown("x" * 1000) == "x" * 60 + "…"
    True
    """
    return name if len(name) <= LONGEST_NAME else f"{name[:LONGEST_NAME]}…"


def type_of(value: object) -> str:
    """Name a JSON value's type, as its sender knows it.

    >>> [type_of(value) for value in (None, True, 1.5, "a", [1], {})]
    ['null', 'true or false', 'a number', 'a string', 'a list', 'an object']
    """
    match value:
        case None:
            return "null"
        case bool():
            return "true or false"
        case int() | float():
            return "a number"
        case str():
            return "a string"
        case list():
            return "a list"
        case _:
            return "an object"
