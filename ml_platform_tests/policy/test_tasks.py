"""What a model predicts decides which gates speak for it: none is lost, and none opens because a task was left out."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import pytest

from ml_platform.core.errors import PolicyInvalid
from ml_platform.core.measurement import Measurement
from ml_platform.core.verdict import Outcome
from ml_platform.policy.conditions import why_not_applicable
from ml_platform.policy.gates import AtLeast, AtMost, Between, Gate
from ml_platform.policy.load import load_model
from ml_platform.policy.metrics import METRICS, TASKS
from ml_platform.policy.packs import combine, pack_files
from ml_platform.policy.spec import Task
from ml_platform_tests.policy.files import NOW, changed, write_model
from ml_platform_tests.policy.gates_of import at_least, judged, measured

GATES = combine(["high"], pack_files()).gates
ALL = frozenset(
    {"always", "groups", "several_groups", "entity", "quasi", "time", "champion", "labels", "reference", "new_rows"}
)
OF_TASKS = {
    name: gate
    for name, gate in GATES.items()
    if METRICS[gate.metric].tasks and "binary" not in METRICS[gate.metric].tasks
}


def applying(task: str) -> dict[str, Gate]:
    return {name: gate for name, gate in GATES.items() if not why_not_applicable(gate, ALL | {task})}


def test_the_tasks_of_the_catalogue_are_those_of_the_model_file() -> None:
    assert frozenset(get_args(Task)) == TASKS
    assert {task for metric in METRICS.values() for task in metric.tasks} == TASKS


@pytest.mark.parametrize("task", sorted(TASKS - {"binary"}))
def test_every_control_that_speaks_for_two_classes_speaks_at_that_stage_for_every_task(task: str) -> None:
    binary = {(gate.stage, gate.control) for gate in applying("binary").values()}
    theirs = {(gate.stage, gate.control) for gate in applying(task).values()}
    assert binary - theirs == set()


@pytest.mark.parametrize("task", sorted(TASKS))
def test_blocking_controls_of_the_evaluation_stay_blocking(task: str) -> None:
    block = {gate.control for gate in applying(task).values() if (gate.stage, gate.severity) == ("evaluation", "block")}
    assert {"METRICS", "VALIDATE-ROBUST", "REGRESSION-CAUGHT", "FAIRNESS"} <= block


def test_a_gate_on_a_metric_of_another_task_doesnt_apply_and_says_so() -> None:
    verdict = judged(at_least(0.7), [], conditions=frozenset({"always", "regression"}))
    assert verdict.outcome is Outcome.NOT_APPLICABLE
    assert verdict.reason == "roc_auc is measured of binary models, this one is regression"


@pytest.mark.parametrize("conditions", [frozenset[str](), frozenset({"always", "binary"})])
def test_a_gate_applies_to_its_task_and_where_no_task_is_known(conditions: frozenset[str]) -> None:
    assert judged(at_least(0.7), [], conditions=conditions).outcome is Outcome.UNDECIDED
    assert judged(at_least(0.7), [measured(0.8)], conditions=conditions).outcome is Outcome.PASSED


def test_a_gate_may_name_a_task_as_its_condition() -> None:
    gate = at_least(0.5, metric="feature_count", stage="features", when="quantile")
    said = "applies only when the model predicts a quantile of a number"
    assert why_not_applicable(gate, frozenset({"binary"})) == said
    assert why_not_applicable(gate, frozenset({"quantile"})) == ""


def _limits(gate: Gate) -> tuple[float, float]:
    """Return a value at the limit and one beyond it."""
    match gate:
        case AtLeast():
            return gate.limit, gate.limit - 0.01
        case AtMost():
            return gate.limit, gate.limit + 0.01
        case Between():
            return gate.limit[1], gate.limit[1] + 0.01
        case _:
            raise AssertionError(gate)


@pytest.mark.parametrize("name", sorted(OF_TASKS))
def test_a_gate_passes_at_its_limit_fails_beyond_and_is_undecided_without_evidence(name: str) -> None:
    gate = OF_TASKS[name]
    conditions = ALL | {METRICS[gate.metric].tasks[0], gate.when}

    def outcome(value: float | None, n: int = 1000) -> Outcome:
        one = Measurement(metric=gate.metric, value=value, low=value, high=value, n=n)
        return judged(gate, [one], conditions=conditions).outcome

    at, beyond = _limits(gate)
    assert outcome(at) is Outcome.PASSED
    assert outcome(beyond) is Outcome.FAILED
    assert outcome(None) is outcome(float("nan")) is Outcome.UNDECIDED
    assert gate.minimum_n == 1 or outcome(at, gate.minimum_n - 1) is Outcome.UNDECIDED
    assert judged(gate, [], conditions=conditions).outcome is Outcome.UNDECIDED


@pytest.mark.parametrize("objective", ["regression", "multiclass"])
def test_retraining_waits_only_for_gates_of_the_models_task(objective: str, tmp_path: Path) -> None:
    path = write_model(tmp_path, changed(("objective: binary", f"objective: {objective}")))
    said = r"retrain_when\[0\] is 'live_auc_holds', no gate of monitoring; known: .*live_loss_holds"
    with pytest.raises(PolicyInvalid, match=said):
        load_model(path, now=NOW)
