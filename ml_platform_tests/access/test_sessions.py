"""Sessions end by time, by logout and with their process; who fails too often waits."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import pytest

from ml_platform.access.sessions import Sessions
from ml_platform.access.throttle import Throttle
from ml_platform_tests.access.people import NOW


@dataclass
class Clock:
    now: dt.datetime = NOW

    def __call__(self) -> dt.datetime:
        return self.now

    def passes(self, **delta: int) -> None:
        self.now += dt.timedelta(**delta)


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_a_session_is_found_by_its_cookie_alone(clock: Clock) -> None:
    sessions = Sessions(clock)
    cookie = sessions.begin("vera")
    found = sessions.find(cookie)
    assert found is not None
    assert found.name == "vera"
    wrong = ["", ".", cookie[:-1], cookie + "0", cookie.partition(".")[0], "ü.ü", Sessions(clock).begin("vera")]
    assert [sessions.find(one) for one in wrong] == [None] * len(wrong)
    assert cookie.partition(".")[0] not in repr(sessions)


def test_an_idle_session_ends_and_a_used_one_goes_on_until_its_longest(clock: Clock) -> None:
    sessions = Sessions(clock)
    cookie, idle = sessions.begin("vera"), sessions.begin("tom")
    for _ in range(12):
        clock.passes(minutes=59)
        assert sessions.find(cookie) is not None
    assert sessions.find(idle) is None
    assert sessions.is_open(cookie)
    clock.passes(minutes=12)
    assert not sessions.is_open(cookie)
    assert sessions.find(cookie) is None


def test_an_ended_session_is_gone_and_ending_twice_is_nothing(clock: Clock) -> None:
    sessions = Sessions(clock)
    cookie = sessions.begin("vera")
    for one in (cookie, cookie, "", "x.y"):
        sessions.end(one)
    assert sessions.find(cookie) is None
    assert not sessions.is_open("")


def test_sessions_cannot_grow_without_end(clock: Clock) -> None:
    sessions = Sessions(clock, most=3)
    first = sessions.begin("vera")
    for _ in range(3):
        sessions.begin("tom")
    assert sessions.find(first) is None


def test_who_failed_too_often_waits_and_others_do_not(clock: Clock) -> None:
    throttle = Throttle(clock, 3)
    for _ in range(3):
        assert not throttle.is_closed("vera")
        throttle.failed("vera")
    assert throttle.is_closed("vera")
    assert not throttle.is_closed("tom")
    clock.passes(minutes=15)
    assert not throttle.is_closed("vera")


def test_a_success_forgets_the_failures(clock: Clock) -> None:
    throttle = Throttle(clock, 2)
    throttle.failed("vera")
    throttle.succeeded("vera")
    throttle.failed("vera")
    assert not throttle.is_closed("vera")


def test_failures_of_many_names_do_not_fill_the_memory(clock: Clock) -> None:
    throttle = Throttle(clock, 1, most_keys=3)
    for at in range(4):
        throttle.failed(str(at))
    assert not throttle.is_closed("0")
    assert throttle.is_closed("1")
