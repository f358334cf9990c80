"""Mitigation is measured only where a gate on selection rates isn't passed: what passes costs nothing more."""

from __future__ import annotations

import dataclasses
import datetime as dt
from pathlib import Path

import pytest

from ml_platform.adapters.platform import open_platform
from ml_platform.core.measurement import Measurement
from ml_platform.orchestration.desk import Desk
from ml_platform.orchestration.mitigating import mitigation_hints, mitigation_of, unkept_limits
from ml_platform.policy.gates import Gate, Waiver
from ml_platform.policy.judge import judge
from ml_platform.policy.resolve import make_policy
from ml_platform.settings import Settings
from ml_platform.stages.train import train
from ml_platform_tests.fakes.tracker import FakeTracker
from ml_platform_tests.orchestration.small_model import load_small
from ml_platform_tests.policy.gates_of import NOW, at_least, at_most
from ml_platform_tests.stages.toy import repository, stored, toy_spec

WAIVER = Waiver(gate="alike", owner="kim", reason="agreed with the council", expires=dt.date(2026, 12, 1))


def limits(*found: Measurement, waivers: tuple[Waiver, ...] = (), when: str = "groups") -> dict[str, float]:
    gates: dict[str, Gate] = {
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


def test_it_is_measured_once_and_said_in_a_line(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path / "home", mlflow_uri="", actor="robin", defs=None, only=())
    platform, spec, root = open_platform(settings), toy_spec(), repository(tmp_path)
    features, _ = stored(platform.store, spec)
    model = train(
        spec, store=platform.store, features=features, tracker=FakeTracker(), actor="ann", now=NOW, root=root
    ).record
    policy = make_policy({"alike": at_least(0.8, metric="selection_rate_ratio")}, (), {}, ("test",))
    file = dataclasses.replace(load_small(tmp_path), spec=spec, policy=policy)
    desk = Desk(file=file, platform=platform, now=NOW, run_id="run-1")
    failed, passed = (
        judge(policy, "evaluation", [ratio(one, None, None)], conditions=frozenset({"always"}), now=NOW)
        for one in (0.5, 0.9)
    )
    made = mitigation_of(desk, features, model, failed)
    assert made is not None
    assert mitigation_of(desk, features, model, failed) == made
    assert mitigation_of(desk, features, model, passed) is None
    (hint,) = mitigation_hints(desk, made)
    assert hint.startswith("smallest selection-rate ratio as is 0.")
    assert mitigation_hints(desk, None) == ()
