"""Watermark: the highest value of a growing column, written down so that it comes back as it was."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal

from ml_platform.core.errors import DataInvalid

Value = dt.datetime | dt.date | int | float | str | Decimal


@dataclass(frozen=True, slots=True)
class Watermark:
    """A value as text, and what it is."""

    kind: str
    text: str


def written(where: str, value: object) -> Watermark:
    """Write a value down; DataInvalid when it can't grow.

    >>> written("t", dt.date(2030, 1, 2))
    Watermark(kind='date', text='2030-01-02')
    """
    match value:
        case bool():
            raise _unfit(where, value)
        case dt.datetime() | dt.date():
            return Watermark(type(value).__name__, value.isoformat())
        case int() | float():
            return Watermark(type(value).__name__, repr(value))
        case str() | Decimal():
            return Watermark(type(value).__name__, str(value))
        case _:
            raise _unfit(where, value)


def read_back(where: str, mark: Watermark) -> Value:
    """Return the value that was written down.

    >>> read_back("t", Watermark("date", "2030-01-02"))
    datetime.date(2030, 1, 2)
    """
    match mark.kind:
        case "datetime":
            return dt.datetime.fromisoformat(mark.text)
        case "date":
            return dt.date.fromisoformat(mark.text)
        case "int":
            return int(mark.text)
        case "float":
            return float(mark.text)
        case "Decimal":
            return Decimal(mark.text)
        case "str":
            return mark.text
        case _:
            raise _unfit(where, mark)


def _unfit(where: str, value: object) -> DataInvalid:
    return DataInvalid(
        f"{where}: the watermark's column holds {type(value).__name__}; times, numbers or texts that grow with every "
        "new row are needed; correct `incremental.column`"
    )
