"""After a proven change a model learns again when there is a window's, then twice as much of the new world."""

from __future__ import annotations

import dataclasses
import datetime as dt

from ml_platform.core.ports import AuditEntry
from ml_platform.stages.learning_of_change import of_change
from ml_platform.stages.periods import Period, month
from ml_platform.stages.retraining_reasons import Made, Quiet, Reason
from ml_platform_tests.stages.test_retraining import LIVE, request

CHANGE = dt.datetime(2013, 6, 1, tzinfo=dt.UTC)
AS_OF = "2013-07-01T00:00:00+00:00"
DAY = dt.timedelta(days=1)


def made(as_of: str, learned_days: float, first: dt.datetime | None = None) -> Made:
    """A version whose rows end `learned_days` after the change."""
    at = dt.datetime.fromisoformat(as_of)
    return Made(as_of=at, learned_from=first, learned_until=CHANGE + learned_days * DAY)


def caused(as_of: str = AS_OF) -> AuditEntry:
    entry = request("because", as_of)
    return dataclasses.replace(entry, payload={**entry.payload, "changed_since": CHANGE.isoformat()})


def of(live: Made | None, now: Made | None, *requests: AuditEntry, period: Period | None = None) -> Reason | Quiet:
    return of_change(period or month("2013-07"), LIVE, live, now, requests)


def test_the_first_time_there_has_to_be_a_windows_length_to_learn_from() -> None:
    blind = made(AS_OF, -1)
    assert isinstance(of(blind, made("2013-08-01", 30), caused()), Quiet)  # July has 31 days
    found = of(blind, made("2013-08-01", 31), caused())
    assert isinstance(found, Reason)
    assert found.text == "since the change of 2013-06-01 version 1 learned from 0 days, now there are 31"
    assert found.changed_since == CHANGE


def test_then_twice_as_much_and_a_refused_candidate_waits_for_the_next_doubling() -> None:
    live = made(AS_OF, 40)
    assert isinstance(of(live, made("2013-10-01", 79), caused()), Quiet)
    first, same, next_one = (of(live, made("2013-10-01", days), caused()) for days in (80, 159, 160))
    assert isinstance(first, Reason)
    assert isinstance(same, Reason)
    assert isinstance(next_one, Reason)
    assert first.cause == same.cause != next_one.cause


def test_when_all_that_it_learned_from_is_newer_than_the_change_it_is_enough() -> None:
    live = made(AS_OF, 40, CHANGE)
    found = of(live, made("2014-01-01", 200, CHANGE + 160 * DAY), caused())
    assert isinstance(found, Quiet)
    assert found.text.endswith("all that it learned from")


def test_rows_that_are_forgotten_are_not_learned_from() -> None:
    live = made(AS_OF, 40, CHANGE - DAY)
    assert isinstance(of(live, made("2014-01-01", 200, CHANGE + 121 * DAY), caused()), Quiet)  # 79 days are left


def test_a_version_that_no_change_was_the_cause_of_is_left_alone() -> None:
    calm = Quiet("version 1 wasn't trained because of a proven change")
    live, now = made(AS_OF, 0), made("2013-10-01", 90)
    assert of(live, now) == calm
    assert of(live, now, request("age", AS_OF)) == calm
    assert of(live, now, caused("2013-06-15T00:00:00+00:00")) == calm  # what came of that isn't live
    assert of(None, now, caused()) == calm
    assert of(dataclasses.replace(live, as_of=None), now, caused()) == calm
    assert of(live, None, caused()) == calm
    untold = dataclasses.replace(now, learned_until=None)
    assert isinstance(of(live, untold, caused()), Quiet)
