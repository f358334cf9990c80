from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import replace

import pytest

from ml_platform.core.code_tests import By, CodeTest, CodeTestsRecord, Tried
from ml_platform.core.errors import DataInvalid
from ml_platform.core.measurement import Measurement
from ml_platform.core.verdict import Outcome
from ml_platform.policy.judge import judge
from ml_platform.policy.packs import combine, pack_files
from ml_platform.policy.resolve import make_policy
from ml_platform.stages.code_tests.measure import measure_code_tests
from ml_platform.stages.code_tests.try_code import require_harmless

NOW = dt.datetime(2026, 3, 1, tzinfo=dt.UTC)
CODE = "c" * 64
GATE, OWN, HAS = "code_passes_the_platforms_tests", "code_passes_its_own_tests", "code_has_its_own_tests"


def record(*outcomes: Tried, own: tuple[Tried, ...] = ()) -> CodeTestsRecord:
    """Return a record of as many tests, the first ones passed."""
    passed = [Tried.PASSED] * 10
    tests = [
        CodeTest(name=f"test_{at}", by=by, outcome=outcome, reason="" if outcome is Tried.PASSED else "seen")
        for by, found in ((By.PLATFORM, [*passed, *outcomes]), (By.TEAM, own))
        for at, outcome in enumerate(found)
    ]
    return CodeTestsRecord(
        model="parcels",
        digest="d",
        code_digest=CODE,
        platform_digest="p",
        own_digest="o" if own else "",
        tests=tuple(tests),
    )


def outcomes_of(measured: Sequence[Measurement], *, own: bool) -> dict[str, Outcome]:
    gates = {
        name: gate for name, gate in combine(["base"], pack_files()).gates.items() if gate.control == "CODE-TESTED"
    }
    holds = frozenset({"always", "own_tests"} if own else {"always"})
    policy = make_policy(gates, (), {}, ("base",))
    return {one.gate: one.outcome for one in judge(policy, "features", measured, conditions=holds, now=NOW)}


def judged(found: CodeTestsRecord, *, code: str = CODE) -> dict[str, Outcome]:
    measured = measure_code_tests(found, code_digest=code)
    return outcomes_of(measured, own=found.has_own)


@pytest.mark.parametrize(
    ("outcomes", "expected"),
    [
        ((), Outcome.PASSED),
        ((Tried.NOT_APPLICABLE,), Outcome.PASSED),
        ((Tried.FAILED,), Outcome.FAILED),
        ((Tried.FAILED, Tried.UNTRIED), Outcome.FAILED),
        ((Tried.UNTRIED,), Outcome.UNDECIDED),
    ],
)
def test_only_code_that_passes_everything_that_applies_is_released(
    outcomes: tuple[Tried, ...], expected: Outcome
) -> None:
    assert judged(record(*outcomes))[GATE] is expected


def test_too_few_tests_prove_nothing() -> None:
    few = replace(record(), tests=record().tests[:9])
    assert judged(few)[GATE] is Outcome.UNDECIDED


def test_tests_of_other_code_prove_nothing() -> None:
    found = judged(record(own=(Tried.PASSED,)), code="e" * 64)
    assert found[GATE] is found[OWN] is Outcome.UNDECIDED


@pytest.mark.parametrize(
    ("own", "passes", "has"),
    [
        ((), Outcome.NOT_APPLICABLE, Outcome.FAILED),
        ((Tried.PASSED,), Outcome.PASSED, Outcome.PASSED),
        ((Tried.PASSED, Tried.FAILED), Outcome.FAILED, Outcome.PASSED),
        ((Tried.PASSED, Tried.UNTRIED), Outcome.UNDECIDED, Outcome.PASSED),
        ((Tried.NOT_APPLICABLE,), Outcome.UNDECIDED, Outcome.FAILED),
    ],
)
def test_the_teams_own_tests_count_where_there_are_some(own: tuple[Tried, ...], passes: Outcome, has: Outcome) -> None:
    found = judged(record(own=own))
    assert (found[OWN], found[HAS]) == (passes, has)


def test_without_a_record_nothing_is_proven() -> None:
    found = outcomes_of((), own=True)
    assert found[GATE] is found[OWN] is Outcome.UNDECIDED


def test_the_measurement_names_what_failed_and_the_code_it_is_about() -> None:
    failed = measure_code_tests(record(Tried.FAILED), code_digest=CODE)[0]
    assert (failed.value, failed.n) == (1, 11)
    assert failed.facts == {"test_10": "seen", "code digest": CODE, "tests digest": "p"}


def test_code_that_blocks_or_ends_its_process_is_run_nowhere_else() -> None:
    require_harmless("parcels", record(Tried.FAILED))
    fatal = CodeTest(name="few_rows", by=By.PLATFORM, outcome=Tried.FAILED, reason="still running", fatal=True)
    with pytest.raises(DataInvalid, match=r"parcels: .* test few_rows: still running; .*`ml-platform test parcels`"):
        require_harmless("parcels", replace(record(), tests=(fatal,)))
