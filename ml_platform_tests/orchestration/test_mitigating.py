"""Mitigation is measured only where a gate on selection rates isn't passed: what passes costs nothing more."""

from __future__ import annotations

import datetime as dt

import pytest

from ml_platform.core.measurement import Measurement
from ml_platform.orchestration.mitigating import unkept_limits
from ml_platform.policy.gates import Waiver
from ml_platform.policy.judge import judge
from ml_platform.policy.resolve import make_policy
from ml_platform_tests.policy.gates_of import NOW, at_least, at_most

WAIVER = Waiver(gate="alike", owner="kim", reason="agreed with the council", expires=dt.date(2026, 12, 1))


def limits(*found: Measurement, waivers: tuple[Waiver, ...] = (), when: str = "groups") -> dict[str, float]:
    gates = {
        "alike": at_least(0.8, metric="selection_rate_ratio", judged_on="interval", when=when),
        "together": at_least(0.7, metric="intersection_selection_rate_ratio", severity="warn"),
        "found": at_most(0.1, metric="true_positive_rate_difference"),
        "auc": at_least(0.9),
    }
    policy = make_policy(gates, waivers, {"production": 1}, ("test",))
    verdicts = judge(policy, "evaluation", found, conditions=frozenset({"always", "groups"}), now=NOW)
    return unkept_limits(policy, verdicts)


def ratio(
    value: float | None, low: float | None, high: float | None, metric: str = "selection_rate_ratio"
) -> Measurement:
    return Measurement(metric=metric, value=value, low=low, high=high, n=500, subject="crew=a vs crew=b")


@pytest.mark.parametrize(("low", "high"), [(0.3, 0.6), (0.7, 0.9), (None, None)])
def test_a_failed_or_undecided_gate_asks_for_its_limit(low: float | None, high: float | None) -> None:
    assert limits(ratio(0.75, low, high)) == {"selection_rate_ratio": 0.8}


def test_a_waived_gate_asks_too_for_a_waiver_should_know_its_price() -> None:
    assert limits(ratio(0.5, 0.3, 0.6), waivers=(WAIVER,)) == {"selection_rate_ratio": 0.8}


def test_a_passed_gate_and_one_that_doesnt_apply_ask_for_nothing() -> None:
    assert limits(ratio(0.9, 0.8, 1.1)) == {}
    assert limits(ratio(0.5, 0.3, 0.6), when="champion") == {}


def test_what_couldnt_be_measured_asks_for_nothing() -> None:
    assert limits() == limits(ratio(None, None, None)) == {}


def test_only_selection_rates_are_mitigated() -> None:
    other = ratio(0.5, 0.4, 0.6, "true_positive_rate_difference")
    assert limits(other, ratio(0.5, 0.4, 0.6, "roc_auc")) == {}
    assert limits(ratio(0.5, 0.4, 0.6, "intersection_selection_rate_ratio")) == {
        "intersection_selection_rate_ratio": 0.7
    }
