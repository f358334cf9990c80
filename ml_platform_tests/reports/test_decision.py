from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from ml_platform.core.verdict import Outcome, Severity
from ml_platform.reports.decision import decide
from ml_platform_tests.fakes.store import FakeStore
from ml_platform_tests.reports.verdicts import verdict
from ml_platform_tests.reports.world import World, measurements, without, world

STILL_TO_COME = (
    "The release's own gates and the promotion lock speak after this report; ml-platform show has their word."
)


@pytest.fixture
def good(tmp_path: Path) -> World:
    return world(FakeStore(tmp_path))


def test_a_candidate_whose_gates_are_all_open_may_be_released_and_the_lock_is_still_to_come(good: World) -> None:
    found = decide(good.verdicts, good.policy)
    assert (found.tone, found.headline) == ("passed", "May be released, with 2 warnings")
    assert found.because == "None of the 6 gates judged so far closes the path. 2 only warn. " + STILL_TO_COME


def test_a_closed_gate_refuses_and_is_named(tmp_path: Path) -> None:
    bad = world(FakeStore(tmp_path), measurements(ratio=0.5))
    found = decide(bad.verdicts, bad.policy)
    assert (found.tone, found.headline) == ("failed", "Refused: 1 gate is closed")
    assert "“Rates are similar”" in found.because


def test_only_undecided_gates_leave_it_undecided() -> None:
    found = decide([verdict(Outcome.UNDECIDED, worst=None)], None)
    assert (found.tone, found.headline) == ("undecided", "Not decided: evidence is missing")


def test_a_failed_gate_weighs_more_than_an_undecided_one() -> None:
    found = decide([verdict(Outcome.UNDECIDED), verdict(Outcome.FAILED)], None)
    assert (found.tone, found.headline) == ("failed", "Refused: 2 gates are closed")


def test_without_any_verdict_nothing_is_decided() -> None:
    assert decide([], None).tone == "undecided"


def test_a_blocking_gate_that_never_spoke_is_missed(good: World) -> None:
    found = decide(without(good, "rows_are_many").verdicts, good.policy)
    assert found.tone == "undecided"
    assert found.because.endswith("Without a verdict: rows_are_many.")


def test_a_gate_that_only_warns_or_speaks_later_is_not_missed(good: World) -> None:
    assert decide(without(good, "gap_is_small").verdicts, good.policy).tone == "passed"


def test_an_evaluation_that_was_never_judged_is_missed(good: World) -> None:
    earlier = [one for one in good.verdicts if one.stage != "evaluation"]
    assert "No gate of the evaluation has spoken." in decide(earlier, None).because


def test_verdicts_under_another_policy_decide_nothing(good: World) -> None:
    other = [replace(good.verdicts[0], policy_digest="0" * 64), *good.verdicts[1:]]
    assert decide(other, None).tone == "undecided"
    assert decide([replace(one, policy_digest="0" * 64) for one in good.verdicts], good.policy).tone == "undecided"


def test_a_warning_alone_does_not_refuse() -> None:
    found = decide([verdict(Outcome.FAILED, severity=Severity.WARN)], None)
    assert (found.tone, len(found.warned)) == ("passed", 1)


def test_warnings_on_fairness_stand_in_the_headline(good: World) -> None:
    unfair = replace(verdict(Outcome.FAILED), control="FAIRNESS", severity=Severity.WARN)
    found = decide([*good.verdicts, replace(unfair, policy_digest=good.verdicts[0].policy_digest)], good.policy)
    assert found.headline == "May be released, with 3 warnings (1 on fairness)"
