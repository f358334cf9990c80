from __future__ import annotations

from dataclasses import replace

import pytest

from ml_platform.core.measurement import Measurement
from ml_platform.core.records import EvidencePart
from ml_platform.policy.controls import CONTROLS
from ml_platform.policy.gates import Gate, Waiver
from ml_platform.policy.judge import judge
from ml_platform.policy.resolve import Policy
from ml_platform.policy.states import ControlState, control_states
from ml_platform_tests.policy.gates_of import NOW, at_least, at_most, holds, measured, policy_of, waiver

GATES: dict[str, Gate] = {
    "auc": at_least(0.5),
    "gap": at_most(0.1, metric="generalisation_gap"),
    "brier": at_most(0.2, metric="brier", severity="warn"),
    "tracked": holds(stage="model", metric="tracked", control="TRACK"),
    "fair": at_least(0.8, metric="selection_rate_ratio", control="FAIRNESS", when="groups"),
    "latency": at_most(1.0, metric="scoring_latency_p99_seconds", control="RESOURCES"),
    "fast": at_most(1.0, metric="brier", control="RESOURCES", when="groups"),
    "noise": at_most(0.1, metric="noise_flip_share", control="EDGE-CASES", severity="warn"),
}
GOOD = {"roc_auc": 0.7, "generalisation_gap": 0.05, "brier": 0.1, "noise_flip_share": 0.05}


def part_of(policy: Policy, values: dict[str, float]) -> EvidencePart:
    found = [Measurement(metric=name, value=value, n=1000) for name, value in values.items()]
    verdicts = judge(policy, "evaluation", found, conditions=frozenset(), now=NOW)
    return EvidencePart(
        stage="evaluation",
        subject_digest="s",
        policy_digest=policy.digest,
        conditions=(),
        verdicts=verdicts,
        made_at=NOW,
    )


def state_of(control: str, values: dict[str, float], *waivers: Waiver) -> ControlState:
    policy = policy_of(GATES, *waivers)
    states = control_states(policy, {"evaluation": part_of(policy, values), "model": None})
    return next(state for state in states if state.id == control)


def test_every_control_of_the_catalogue_has_a_state_in_its_order() -> None:
    states = control_states(policy_of(GATES), {})
    assert [state.id for state in states] == list(CONTROLS)
    assert {state.state for state in states} == {"no_gate", "undecided"}
    assert all(state.reason and state.area and state.title for state in states)


def test_a_control_is_enforced_when_its_blocking_gates_passed() -> None:
    state = state_of("METRICS", GOOD)
    assert (state.state, state.gates) == ("enforced", ("auc", "gap", "brier"))
    assert state.reason == "2 of 2 gates passed"


def test_a_closed_warning_is_named_and_decides_only_where_nothing_else_speaks() -> None:
    state = state_of("METRICS", {**GOOD, "brier": 0.3})
    assert (state.state, state.reason) == (
        "enforced",
        "2 of 2 gates passed; warnings: brier: brier = 0.3 (n = 1,000); needed: ≤ 0.2",
    )
    alone = state_of("EDGE-CASES", {**GOOD, "noise_flip_share": 0.3})
    assert alone.state == "violated"
    assert state_of("EDGE-CASES", GOOD).state == "enforced"


def test_one_failed_gate_violates_the_control_and_is_named() -> None:
    state = state_of("METRICS", {**GOOD, "roc_auc": 0.4})
    assert state.state == "violated"
    assert state.reason.startswith("auc: roc_auc = 0.4")


def test_an_undecided_gate_leaves_the_control_undecided() -> None:
    state = state_of("METRICS", {"roc_auc": 0.7})
    assert state.state == "undecided"
    assert state.reason == "gap: generalisation_gap was never measured; warnings: brier: brier was never measured"


def test_a_waived_gate_shows_who_and_until_when() -> None:
    state = state_of("METRICS", {**GOOD, "roc_auc": 0.4}, waiver("auc"))
    assert state.state == "waived"
    assert "waived by pat until 2026-12-31" in state.reason


def test_a_control_whose_gates_do_not_apply_is_not_applicable_with_the_reason() -> None:
    state = state_of("FAIRNESS", GOOD)
    assert (state.state, state.reason) == (
        "not_applicable",
        "fair: applies only when the contract has a column with the role group",
    )


def test_an_enforced_control_says_how_many_of_its_gates_applied() -> None:
    state = state_of("RESOURCES", {**GOOD, "scoring_latency_p99_seconds": 0.5})
    assert (state.state, state.reason) == (
        "enforced",
        "1 of 2 gates applied and passed (latency); not applicable: fast",
    )


@pytest.mark.parametrize(("value", "state"), [(0.05, "enforced"), (0.3, "violated"), (None, "undecided")])
def test_warnings_that_apply_decide_where_no_blocking_gate_does(value: float | None, state: str) -> None:
    declared = at_most(0.0, metric="edge_cases_missed", control="EDGE-CASES", when="edge_cases")
    policy = policy_of({**GATES, "declared": declared})
    found = {**GOOD, "noise_flip_share": value} if value is not None else {"roc_auc": 0.7}
    (edges,) = [one for one in control_states(policy, {"evaluation": part_of(policy, found)}) if one.id == "EDGE-CASES"]
    assert edges.state == state
    assert "not_applicable" not in edges.reason
    if state == "enforced":
        assert edges.reason == "1 of 2 gates applied and passed (noise); not applicable: declared"


def test_a_control_of_which_no_gate_was_judged_is_never_enforced() -> None:
    policy = policy_of(GATES)
    for parts in ({}, {"evaluation": None}, {"evaluation": part_of(policy, {})}):
        assert all(state.state != "enforced" for state in control_states(policy, parts))


def test_a_stage_that_never_ran_leaves_its_controls_undecided() -> None:
    state = state_of("TRACK", GOOD)
    assert (state.state, state.reason) == ("undecided", "tracked: model was never judged")


def test_a_control_without_a_gate_says_so() -> None:
    assert state_of("PII", GOOD).state == "no_gate"


@pytest.mark.parametrize("what", ["part", "verdict", "gone"])
def test_verdicts_under_another_policy_or_missing_ones_do_not_count(what: str) -> None:
    policy = policy_of(GATES)
    part = part_of(policy, GOOD)
    if what == "part":
        part = replace(part, policy_digest="another")
    elif what == "verdict":
        part = replace(part, verdicts=tuple(replace(each, policy_digest="another") for each in part.verdicts))
    else:
        part = replace(part, verdicts=())
    states = {state.id: state for state in control_states(policy, {"evaluation": part})}
    assert states["METRICS"].state == "undecided"
    assert ("has no verdict" if what == "gone" else "under another policy") in states["METRICS"].reason


def test_a_measurement_helper_measures_what_the_gates_judge() -> None:
    assert measured(0.5).metric == GATES["auc"].metric
