"""The record of tests of a features module: what was tried on exactly this code, and what came of each."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

SCHEMA_VERSION = 1


class By(StrEnum):
    """Who wrote a test."""

    PLATFORM = "platform"
    TEAM = "team"


class Tried(StrEnum):
    """What came of a test; one that couldn't be tried proves nothing."""

    PASSED = "passed"
    FAILED = "failed"
    UNTRIED = "untried"
    NOT_APPLICABLE = "not_applicable"


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeTest:
    """One test: `name` is the claim that should be true, `reason` says what else was seen; it holds no values.

    `fatal` when the code blocked or ended its process: it must be run nowhere else.
    """

    name: str
    by: By
    outcome: Tried
    reason: str = ""
    next_step: str = ""
    fatal: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeTestsRecord:
    """Every test of one features module.

    `code_digest` names the module's code, `platform_digest` the platform's tests, `own_digest` the team's; "" when
    the team has none.
    """

    schema_version: int = SCHEMA_VERSION
    model: str
    digest: str
    code_digest: str
    platform_digest: str
    own_digest: str
    tests: tuple[CodeTest, ...]

    @property
    def has_own(self) -> bool:
        """Whether the team has tests of its own."""
        return bool(self.own_digest)

    def by(self, author: By, *outcomes: Tried) -> tuple[CodeTest, ...]:
        """Return one author's tests, only those with such an outcome if any is named."""
        return tuple(one for one in self.tests if one.by is author and (not outcomes or one.outcome in outcomes))
