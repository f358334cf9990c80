"""A fault at every request is told once a minute."""

from __future__ import annotations

import logging

from ml_platform.serving.seldom import MOST_KNOWN, Seldom


def line(said: str, at: float) -> logging.LogRecord:
    record = logging.LogRecord("n", logging.ERROR, "p", 1, "%s", (said,), None)
    record.created = at
    return record


def test_the_same_is_told_once_a_minute_with_how_often_it_happened() -> None:
    seldom = Seldom()
    assert [seldom.filter(line("it failed", at)) for at in (1000, 1001, 1059)] == [True, False, False]
    assert seldom.filter(line("another failed", 1059))
    later = line("it failed", 1060)
    assert seldom.filter(later)
    assert later.getMessage() == "it failed (2 more since it was last said)"
    assert seldom.filter(line("it failed", 1120))


def test_a_clock_that_is_set_back_silences_nothing() -> None:
    seldom = Seldom()
    assert [seldom.filter(line("it failed", at)) for at in (1000, 500, 501)] == [True, True, False]


def test_however_many_lines_there_are_few_are_remembered() -> None:
    seldom = Seldom()
    assert all(seldom.filter(line(f"{number} failed", 1000)) for number in range(2 * MOST_KNOWN))
    assert len(seldom._told) == MOST_KNOWN
    assert seldom.filter(line("0 failed", 1001))
