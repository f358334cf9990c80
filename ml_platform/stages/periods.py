"""Periods: the named stretches of event time that traffic is cut into - hours, days or months of UTC."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import assert_never

from ml_platform.core.errors import DataInvalid
from ml_platform.policy.spec import WindowKind

FORMS: dict[WindowKind, str] = {"hour": "%Y-%m-%dT%H", "day": "%Y-%m-%d", "month": "%Y-%m"}
_EXAMPLES: dict[WindowKind, str] = {
    "hour": "an hour is written like 2013-06-01T05; write year, dash, month, dash, day, T, hour",
    "day": "a day is written like 2013-06-01; write year, dash, month, dash, day",
    "month": "a month is written like 2013-06; write year, dash, month",
}
PER_YEAR: dict[WindowKind, int] = {"hour": 8766, "day": 366, "month": 12}


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """A named stretch of event time: `start` belongs to it, `end` doesn't."""

    name: str
    start: dt.datetime
    end: dt.datetime


def period_named(kind: WindowKind, name: str) -> Period:
    """Return the period that a partition's name says; raises DataInvalid for what isn't written so.

    >>> period_named("hour", "2013-06-01T05").end.isoformat()
    '2013-06-01T06:00:00+00:00'
    """
    try:
        start = dt.datetime.strptime(name, FORMS[kind]).replace(tzinfo=dt.UTC)
    except ValueError:
        raise DataInvalid(f"the {kind} {name!r} can't be read: {_EXAMPLES[kind]}") from None
    return period_at(kind, start)


def kind_of(name: str) -> WindowKind:
    """Return which kind of period a name is that of; raises DataInvalid for none.

    >>> kind_of("2013-06-01")
    'day'
    """
    for kind in FORMS:
        try:
            period_named(kind, name)
        except DataInvalid:
            continue
        return kind
    raise DataInvalid(f"the window {name!r} can't be read: {'; '.join(_EXAMPLES.values())}")


def period_at(kind: WindowKind, moment: dt.datetime) -> Period:
    """Return the period that a moment lies in.

    >>> period_at("day", dt.datetime(2013, 6, 1, 23, 59, tzinfo=dt.UTC)).name
    '2013-06-01'
    """
    start = _floor(kind, moment.astimezone(dt.UTC))
    # The longest month has 31 days: 32 days after a month's start lie in the next one.
    step = {"hour": dt.timedelta(hours=1), "day": dt.timedelta(days=1), "month": dt.timedelta(days=32)}[kind]
    return Period(name=start.strftime(FORMS[kind]), start=start, end=_floor(kind, start + step))


def month(name: str) -> Period:
    """Return the period of a month given as `2013-06`; raises DataInvalid for anything else.

    >>> month("2013-12").end.isoformat()
    '2014-01-01T00:00:00+00:00'
    """
    return period_named("month", name)


def _floor(kind: WindowKind, moment: dt.datetime) -> dt.datetime:
    match kind:
        case "hour":
            return moment.replace(minute=0, second=0, microsecond=0)
        case "day":
            return moment.replace(hour=0, minute=0, second=0, microsecond=0)
        case "month":
            return moment.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
        case kind:
            assert_never(kind)
