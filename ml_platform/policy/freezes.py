"""Freeze windows: when nothing is promoted to an environment, once or every week, and whether now is such a time."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from pydantic import BaseModel, ConfigDict, Field

from ml_platform.policy.problems import Problem, Where, known, path_text, seen

DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
LONGEST = dt.timedelta(days=366)
_WEEK = 7 * 24 * 60
_WEEKLY = re.compile(r"(Mon|Tue|Wed|Thu|Fri|Sat|Sun) ([01][0-9]|2[0-3]):([0-5][0-9])")
_NEEDED = "needed: a time with its zone as 2026-12-18T18:00+01:00, or weekly one as Fri 16:00"


class Freeze(BaseModel):
    """A window in which nothing is promoted: from one time to another, or every week in the time of a zone."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,62}$")]
    start: str
    end: str
    zone: str | None = None
    environments: tuple[Literal["staging", "production"], ...] = Field(default=("production",), min_length=1)
    owner: str = Field(min_length=1)
    reason: str = Field(min_length=10)


@dataclass(frozen=True, slots=True, kw_only=True)
class Frozen:
    """A freeze that holds now, and when it ends."""

    freeze: Freeze
    until: dt.datetime


def frozen(freezes: Iterable[Freeze], environment: str, now: dt.datetime) -> tuple[Frozen, ...]:
    """Return the freezes of an environment that hold at a time; the start belongs to a window, its end doesn't."""
    found = []
    for freeze in freezes:
        if environment in freeze.environments:
            held = [end for start, end in _windows(freeze, now) if start <= now < end]
            found += [Frozen(freeze=freeze, until=max(held))] if held else []
    return tuple(found)


def check_freezes(freezes: Mapping[int, Freeze], where: Where, taken: Iterable[str] = ()) -> Iterator[Problem]:
    """Yield what is wrong with windows, by their places in a list; names in `taken` are those of other files."""
    names = dict.fromkeys(taken, "by a pack")
    for index, freeze in freezes.items():
        place = (*where, index)
        if freeze.name in names:
            text = f"is {seen(freeze.name)}, which is taken {names[freeze.name]}; rename it"
            yield Problem((*place, "name"), f"{path_text((*place, 'name'))} {text}")
        names[freeze.name] = "above"
        for key, text in _problems(freeze):
            yield Problem((*place, key), f"{path_text((*place, key))} {text}")


def _problems(freeze: Freeze) -> Iterator[tuple[str, str]]:
    weekly = [_WEEKLY.fullmatch(said) is not None for said in (freeze.start, freeze.end)]
    if all(weekly):
        if freeze.start == freeze.end:
            yield "end", f"is {seen(freeze.end)}, as the start: it would never end; needed: another time"
        if freeze.zone is None:
            yield "start", f"is weekly and has no zone; needed: `zone`, such as Europe/Berlin, beside {freeze.start}"
        elif _zone(freeze.zone) is None:
            yield "zone", f"is {seen(freeze.zone)}; {known(available_timezones(), freeze.zone)}"
        return
    times = {key: _moment(said) for key, said in (("start", freeze.start), ("end", freeze.end))}
    for key, time in times.items():
        if time is None:
            yield key, f"is {seen(getattr(freeze, key))}; {_NEEDED}{'; both of one kind' if any(weekly) else ''}"
    if freeze.zone is not None:
        yield "zone", f"is {seen(freeze.zone)}, and the times say their zone; needed: weekly times; leave it out"
    start, end = times["start"], times["end"]
    if start is not None and end is not None and not start < end <= start + LONGEST:
        yield "end", f"is {freeze.end}; needed: after the start, {freeze.start}, and within {LONGEST.days} days of it"


def _windows(freeze: Freeze, now: dt.datetime) -> Iterator[tuple[dt.datetime, dt.datetime]]:
    """Yield the windows that could hold at a time, of a freeze that was checked."""
    start, end = _moment(freeze.start), _moment(freeze.end)
    if start is not None and end is not None:
        yield start, end
        return
    zone = _zone(freeze.zone or "")
    if zone is None:
        message = f"freeze {freeze.name} was not checked"
        raise ValueError(message)
    first, last = _minute(freeze.start), _minute(freeze.end)
    minutes = (last - first) % _WEEK
    today = now.astimezone(zone).date()
    monday = dt.datetime.combine(today - dt.timedelta(days=today.weekday()), dt.time())
    for weeks in (-1, 0, 1):
        opens = monday + dt.timedelta(weeks=weeks, minutes=first)
        yield min(_instants(opens, zone)), max(_instants(opens + dt.timedelta(minutes=minutes), zone))


def _instants(wall: dt.datetime, zone: ZoneInfo) -> tuple[dt.datetime, dt.datetime]:
    """Return both times that a clock on the wall may mean; they differ where clocks are put back or forward."""
    early, late = (wall.replace(tzinfo=zone, fold=fold).astimezone(dt.UTC) for fold in (0, 1))
    return early, late


def _minute(weekly: str) -> int:
    """Return the minute of the week.

    >>> _minute("Tue 01:30")
    1530
    """
    return DAYS.index(weekly[:3]) * 24 * 60 + int(weekly[4:6]) * 60 + int(weekly[7:])


def _moment(text: str) -> dt.datetime | None:
    try:
        time = dt.datetime.fromisoformat(text)
        return time.astimezone(dt.UTC) if time.tzinfo is not None else None
    except (ValueError, OverflowError):
        return None


@lru_cache(maxsize=64)
def _zone(name: str) -> ZoneInfo | None:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None
