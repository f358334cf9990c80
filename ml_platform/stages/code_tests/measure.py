"""Measure: the record of tests as measurements; a record of other code proves nothing of this one."""

from __future__ import annotations

from collections.abc import Sequence

from ml_platform.core.code_tests import By, CodeTest, CodeTestsRecord, Tried
from ml_platform.core.digest import short
from ml_platform.core.measurement import Measurement


def measure_code_tests(record: CodeTestsRecord, *, code_digest: str) -> tuple[Measurement, ...]:
    """Return the counts of tests run and failed, the platform's and the team's, for exactly this code.

    Failures are undefined where a test couldn't be tried and none failed.
    """
    other = "" if record.code_digest == code_digest else f"the tests were of code {short(record.code_digest)}"
    return tuple(
        measurement
        for author, word in ((By.PLATFORM, "code"), (By.TEAM, "own"))
        for measurement in _counted(record.by(author), word, other=other, facts=_digests(record, author))
    )


def _counted(
    tests: Sequence[CodeTest], word: str, *, other: str, facts: dict[str, str]
) -> tuple[Measurement, Measurement]:
    run = [test for test in tests if test.outcome in {Tried.PASSED, Tried.FAILED}]
    failed = [test for test in tests if test.outcome is Tried.FAILED]
    untried = [test for test in tests if test.outcome is Tried.UNTRIED]
    reason = other or ("" if failed or not untried else f"{untried[0].name} couldn't be tried: {untried[0].reason}")
    n = 0 if other else len(run)
    return (
        Measurement(
            metric=f"{word}_tests_failed",
            value=None if reason else len(failed),
            n=0 if other else len(run) + len(untried),
            unit="tests",
            reason=reason,
            facts={test.name: test.reason for test in failed} | facts,
        ),
        Measurement(
            metric=f"{word}_tests_run",
            value=None if other else n,
            n=0 if other else max(len(tests), 1),  # that there are none was looked at once
            unit="tests",
            reason=other,
        ),
    )


def _digests(record: CodeTestsRecord, author: By) -> dict[str, str]:
    tests = record.platform_digest if author is By.PLATFORM else record.own_digest
    return {"code digest": record.code_digest, "tests digest": tests}
