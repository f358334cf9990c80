"""Moved inputs start retraining only where performance surely is expected to fall and estimates came true so far."""

from __future__ import annotations

import dataclasses

import pytest

from ml_platform.core.measurement import Measurement
from ml_platform.core.verdict import Outcome, Verdict
from ml_platform.stages.expected_harm import BELIEVED, EXPECTED, of_harm
from ml_platform.stages.retraining_reasons import Declined, Quiet, Reason
from ml_platform_tests.stages.test_retraining import LIVE, WINDOW, verdict, watched

FALL = Measurement(metric="estimated_roc_auc_change", value=-0.08, low=-0.1, high=-0.06, n=900)
COVERED = Measurement(metric="estimate_coverage", subject="estimated_roc_auc", value=1.0, low=0.5, high=1.0, n=4)


def judged(gate: str, outcome: Outcome) -> Verdict:
    worst = {EXPECTED: FALL, BELIEVED: COVERED}.get(gate, Measurement(metric="input_psi", value=0.4, n=900))
    return dataclasses.replace(verdict(outcome, gate), worst=worst)


def of(*verdicts: Verdict) -> Reason | Quiet | Declined:
    return of_harm(WINDOW, watched(*verdicts).part, LIVE)


def test_a_fall_that_is_expected_by_estimates_that_came_true_is_a_reason() -> None:
    found = of(judged(EXPECTED, Outcome.FAILED), judged(BELIEVED, Outcome.PASSED))
    assert isinstance(found, Reason)
    assert "estimated_roc_auc_change = -0.08 [-0.1, -0.06] (n = 900)" in found.text
    assert "estimate_coverage of estimated_roc_auc = 1 [0.5, 1] (n = 4)" in found.text


@pytest.mark.parametrize("outcome", [Outcome.FAILED, Outcome.UNDECIDED, Outcome.WAIVED, Outcome.NOT_APPLICABLE, None])
def test_a_fall_by_estimates_that_are_not_proven_is_declined_and_says_so(outcome: Outcome | None) -> None:
    believed = [judged(BELIEVED, outcome)] if outcome else []
    found = of(judged(EXPECTED, Outcome.FAILED), *believed)
    assert isinstance(found, Declined)
    assert "but estimates aren't proven: estimates_come_true" in found.text
    assert (outcome or "wasn't judged") in found.text


def test_moved_inputs_without_an_expected_fall_are_declined_once_per_window() -> None:
    moved = judged("inputs_resemble_training", Outcome.FAILED)
    holds, blind = of(judged(EXPECTED, Outcome.PASSED), moved), of(judged(EXPECTED, Outcome.UNDECIDED), moved)
    assert isinstance(holds, Declined)
    assert isinstance(blind, Declined)
    assert "performance isn't expected to fall" in holds.text
    assert "though inputs moved (input_psi = 0.4 (n = 900))" in holds.text
    assert "performance_is_expected_to_hold is undecided: too few labels" in blind.text
    assert holds.cause == blind.cause


def test_where_nothing_moved_and_nothing_falls_nothing_is_declined() -> None:
    assert isinstance(of(judged(EXPECTED, Outcome.PASSED), judged("no_traffic_alarm", Outcome.PASSED)), Quiet)
    assert of() == Quiet(
        "window 2013-07: performance can't be told to fall: performance_is_expected_to_hold wasn't judged"
    )


def test_verdicts_about_something_else_say_nothing() -> None:
    other = dataclasses.replace(LIVE, model_digest="n" * 64, version=2)
    part = watched(judged(EXPECTED, Outcome.FAILED), judged(BELIEVED, Outcome.PASSED)).part
    assert isinstance(of_harm(WINDOW, part, other), Quiet)
    assert isinstance(of_harm(WINDOW, None, LIVE), Quiet)
