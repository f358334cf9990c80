"""Tests of a features module on a terminal."""

from __future__ import annotations

from collections.abc import Iterator

from ml_platform.core.code_tests import By, CodeTest, CodeTestsRecord, Tried
from ml_platform.core.digest import short
from ml_platform.reports.plain_text import one_line

_MARKS = {Tried.PASSED: "✓", Tried.FAILED: "✗", Tried.UNTRIED: "?", Tried.NOT_APPLICABLE: "–"}
_WORDS = {Tried.UNTRIED: "not tried", Tried.NOT_APPLICABLE: "n/a"}


def code_test_lines(record: CodeTestsRecord) -> Iterator[str]:
    """Yield every test with its outcome, what was seen and what to do, and the count last."""
    for author, whose in ((By.PLATFORM, "the platform's tests"), (By.TEAM, "the team's own tests")):
        tests = record.by(author)
        yield f"{whose} · {_tally(tests)}" if tests else f"{whose} · none"
        for test in tests:
            yield from _lines(test)
        yield ""
    yield f"code {short(record.code_digest)}: {_tally(record.tests)}"


def _lines(test: CodeTest) -> Iterator[str]:
    word = _WORDS.get(test.outcome, test.outcome)
    yield f"{_MARKS[test.outcome]} {word:<9}  {one_line(test.name)}"
    if test.reason:
        yield f"             seen  {one_line(test.reason)}"
    if test.next_step:
        yield f"             do    {one_line(test.next_step)}"


def _tally(tests: tuple[CodeTest, ...]) -> str:
    counts = ((sum(test.outcome is outcome for test in tests), _WORDS.get(outcome, outcome)) for outcome in Tried)
    return ", ".join(f"{count} {word}" for count, word in counts if count)
