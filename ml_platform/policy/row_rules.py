"""Row rules: what must hold between the columns of one row, as data; a name, a kind and the columns it is about.

A comparison with a missing value is neither true nor false, and a rule breaks only where it is false (as a CHECK in
SQL does): that a value may not be missing is said by the column, or by `present` and `together`.
"""

from __future__ import annotations

from typing import Annotated, Literal, assert_never

from pydantic import BaseModel, ConfigDict, Field

Sign = Literal["==", "!=", "<", "<=", ">", ">="]
ColumnName = Annotated[str, Field(min_length=1)]
Constant = bool | int | float | str
MOST_ITEMS = 50


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class Compare(_Part):
    """One column against another column (`right`) or a constant (`value`)."""

    kind: Literal["compare"]
    left: ColumnName
    sign: Sign
    right: ColumnName | None = None
    value: Constant | None = None


class OneOf(_Part):
    """A column's value is one of these."""

    kind: Literal["one_of"]
    column: ColumnName
    values: Annotated[tuple[Constant, ...], Field(min_length=1, max_length=MOST_ITEMS)]


class Present(_Part):
    """A column's value isn't missing."""

    kind: Literal["present"]
    column: ColumnName


class Missing(_Part):
    """A column's value is missing."""

    kind: Literal["missing"]
    column: ColumnName


Condition = Annotated[Compare | OneOf | Present | Missing, Field(discriminator="kind")]
Conditions = Annotated[tuple[Condition, ...], Field(min_length=1, max_length=MOST_ITEMS)]


class Implies(_Part):
    """Where all of `when` is true, all of `then` must be."""

    kind: Literal["implies"]
    when: Conditions
    then: Conditions


class AnyOf(_Part):
    """At least one of the conditions is true."""

    kind: Literal["any_of"]
    of: Conditions


class Together(_Part):
    """The columns are all missing or all present."""

    kind: Literal["together"]
    columns: Annotated[tuple[ColumnName, ...], Field(min_length=2, max_length=MOST_ITEMS)]


class Sum(_Part):
    """The sum of columns, less those of `minus`, against a column or a constant, with a tolerance for == and !=."""

    kind: Literal["sum"]
    of: Annotated[tuple[ColumnName, ...], Field(min_length=1, max_length=MOST_ITEMS)]
    minus: Annotated[tuple[ColumnName, ...], Field(max_length=MOST_ITEMS)] = ()
    sign: Sign = "=="
    right: ColumnName | None = None
    value: Annotated[float, Field(allow_inf_nan=False)] | None = None
    within: Annotated[float, Field(ge=0)] = 0.0


RowRule = Annotated[Compare | OneOf | Present | Missing | Implies | AnyOf | Together | Sum, Field(discriminator="kind")]


def columns_of(rule: RowRule) -> tuple[str, ...]:
    """Return the columns that a rule is about, each once, in the order they are named."""
    match rule:
        case Compare(left=left, right=right):
            named = [left, *([right] if right else [])]
        case OneOf(column=column) | Present(column=column) | Missing(column=column):
            named = [column]
        case Implies(when=when, then=then):
            named = [name for part in (*when, *then) for name in columns_of(part)]
        case AnyOf(of=parts):
            named = [name for part in parts for name in columns_of(part)]
        case Together(columns=columns):
            named = list(columns)
        case Sum(of=of, minus=minus, right=right):
            named = [*of, *minus, *([right] if right else [])]
        case _:
            assert_never(rule)
    return tuple(dict.fromkeys(named))
