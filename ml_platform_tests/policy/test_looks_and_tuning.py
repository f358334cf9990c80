"""The gates on looks at the holdout and on studies: within, at and beyond their limits, and without a number."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

import ml_platform.defs
from ml_platform.core.measurement import Measurement
from ml_platform.core.verdict import Outcome, Verdict
from ml_platform.policy.gates import Condition
from ml_platform.policy.judge import judge
from ml_platform.policy.load import load_model
from ml_platform_tests.policy.gates_of import NOW

POLICY = load_model(Path(ml_platform.defs.__file__).parent / "flights" / "defs.yaml", now=NOW).policy
PASSED, FAILED, UNDECIDED = Outcome.PASSED, Outcome.FAILED, Outcome.UNDECIDED
TUNING: frozenset[Condition] = frozenset({"always", "tuning"})


def verdict(gate: str, *measured: Measurement, conditions: frozenset[Condition] = TUNING) -> Verdict:
    """Judge one gate of the shipped pack."""
    one = POLICY.gates[gate]
    found = judge(POLICY, one.stage, measured, conditions=conditions, now=NOW)
    return next(each for each in found if each.gate == gate)


def measured(gate: str, value: float | None) -> Measurement:
    return Measurement(metric=POLICY.gates[gate].metric, value=value, n=10)


@pytest.mark.parametrize(
    ("gate", "value", "outcome"),
    [
        ("holdout_is_still_fresh", 1.0, PASSED),
        ("holdout_is_still_fresh", 20.0, PASSED),
        ("holdout_is_still_fresh", 21.0, FAILED),
        ("holdout_budget_is_not_spent", 99.0, PASSED),
        ("holdout_budget_is_not_spent", 100.0, PASSED),
        ("holdout_budget_is_not_spent", 101.0, FAILED),
        ("tuning_is_complete", 1.0, PASSED),
        ("tuning_is_complete", math.nextafter(1.0, 0.0), FAILED),
        ("tuning_is_complete", 0.0, FAILED),
        ("tuning_beats_the_default", 0.1, PASSED),
        ("tuning_beats_the_default", 0.001, PASSED),
        ("tuning_beats_the_default", math.nextafter(0.001, 0.0), FAILED),
        ("tuning_beats_the_default", 0.0, FAILED),
    ],
)
def test_a_limit_is_within_and_beyond_it_is_not(gate: str, value: float, outcome: Outcome) -> None:
    assert verdict(gate, measured(gate, value)).outcome is outcome


GATES = ["holdout_is_still_fresh", "holdout_budget_is_not_spent", "tuning_is_complete", "tuning_beats_the_default"]


@pytest.mark.parametrize("gate", GATES)
@pytest.mark.parametrize("value", [None, math.nan, math.inf, -math.inf])
def test_what_is_no_number_is_undecided(gate: str, value: float | None) -> None:
    assert verdict(gate, measured(gate, value)).outcome is UNDECIDED


@pytest.mark.parametrize("gate", GATES)
def test_what_was_not_measured_is_undecided(gate: str) -> None:
    assert verdict(gate).outcome is UNDECIDED


@pytest.mark.parametrize("value", [101.0, None, math.nan])
def test_only_a_spent_budget_closes_and_the_others_warn(value: float | None) -> None:
    closing = [gate for gate in GATES if verdict(gate, measured(gate, value)).closes]
    assert closing == ["holdout_budget_is_not_spent"]


@pytest.mark.parametrize("gate", ["tuning_is_complete", "tuning_beats_the_default"])
def test_a_model_that_asks_for_no_study_is_not_judged_by_one(gate: str) -> None:
    assert verdict(gate, conditions=frozenset({"always"})).outcome is Outcome.NOT_APPLICABLE
