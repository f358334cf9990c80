"""When a gate applies: the closed list of conditions, what each means, and which of them hold for a model."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from ml_platform.policy.by_chance import draws_by_chance
from ml_platform.policy.expectations import Expectations
from ml_platform.policy.gates import Condition, Gate
from ml_platform.policy.metrics import METRICS, TASKS
from ml_platform.policy.spec import ModelSpec, PersonalData, Role

MEANINGS: Mapping[Condition, str] = MappingProxyType(
    {
        "always": "always",
        "groups": "the contract has a column with the role group",
        "several_groups": "the contract has several columns with the role group",
        "entity": "the contract has a column with the role entity",
        "quasi": "the contract has a quasi-identifier besides the entity",
        "time": "the rows are split by time",
        "champion": "another version is live to compare with",
        "labels": "outcomes are known for the window",
        "reference": "there is an earlier snapshot to compare with",
        "new_rows": "there are rows that the earlier snapshot doesn't hold (20, or one in a thousand)",
        "tuning": "the learner's parameters are searched for",
        "own_tests": "there are tests beside the features module",
        "binary": "the model decides between two classes",
        "multiclass": "the model decides between several classes",
        "regression": "the model predicts a number",
        "quantile": "the model predicts a quantile of a number",
        "cost_history": "three earlier runs of a stage that worked, on as many rows, were measured",
        "limits": "a stage that worked has a declared limit of memory or time",
        "budget": "the model file declares a budget",
        "distributed": "the model is trained on several workers",
        "edge_cases": "the model file declares edge cases",
        "invariances": "the model file says which columns must not matter",
        "directions": "the model file says which way the score moves with a column",
        "full": "the model is evaluated in full",
        "movable": "the model is evaluated in full and its file says what a subject could change",
        "full_champion": "the model is evaluated in full, and another version is live to compare with",
        "by_chance": "the model is evaluated in full and something in its learner is drawn by chance",
        "feedback": "people told what came of predictions",
        "much_feedback": "somebody told what came of 100 predictions",
        "incidents": "there are open incidents",
        "costs": "the model file says what decisions cost",
        "watched_now": "the model file has months watched now",
        "endings": "a waiver, or an approval that wasn't used, ends some day",
        "service_address": "an address of the model's service is configured",
    }
)


def conditions_of(
    spec: ModelSpec,
    *,
    champion: bool = False,
    reference: bool = False,
    new_rows: bool = False,
    labels: bool = False,
    own_tests: bool = False,
    cost_history: bool = False,
    limits: bool = False,
    full: bool = False,
    feedback: bool = False,
    much_feedback: bool = False,
    incidents: bool = False,
    watched_now: bool = False,
    endings: bool = False,
    service_address: bool = False,
) -> frozenset[Condition]:
    """Return the conditions that hold: twelve and the task follow from the model file, the caller knows the others."""
    task, expected = spec.learner.task, spec.expectations or Expectations()
    holds: dict[Condition, bool] = {
        "always": True,
        "groups": bool(spec.columns(Role.GROUP)),
        "several_groups": len(spec.columns(Role.GROUP)) > 1,
        "entity": spec.entity is not None,
        "quasi": any(
            column.personal_data is PersonalData.QUASI and Role.ENTITY not in column.roles
            for column in spec.contract.values()
        ),
        "time": spec.split.kind == "time",
        "champion": champion,
        "labels": labels,
        "reference": reference,
        "new_rows": new_rows,
        "tuning": spec.tuning is not None,
        "own_tests": own_tests,
        "binary": task == "binary",
        "multiclass": task == "multiclass",
        "regression": task == "regression",
        "quantile": task == "quantile",
        "cost_history": cost_history,
        "limits": limits,
        "budget": spec.resources.budget is not None,
        "distributed": spec.is_distributed,
        "edge_cases": bool(expected.edge_cases),
        "invariances": bool(expected.invariant),
        "directions": bool(expected.directional),
        "full": full,
        "movable": full and bool(spec.movable),
        "full_champion": full and champion,
        "by_chance": full and draws_by_chance(spec.learner.parameters, spec.tuning.space if spec.tuning else ()),
        "feedback": feedback,
        "much_feedback": much_feedback,
        "incidents": incidents,
        "costs": spec.deployment.costs is not None,
        "watched_now": watched_now,
        "endings": endings,
        "service_address": service_address,
    }
    return frozenset(condition for condition, true in holds.items() if true)


# What a verdict's reason holds when another task's metric is why a gate doesn't apply.
_OTHERS = " models, this one is "


def is_of_another_task(reason: str) -> bool:
    """Say whether a reason for not applying is that the metric is measured of models of other tasks only.

    >>> is_of_another_task("roc_auc is measured of binary models, this one is regression")
    True
    """
    return _OTHERS in reason


def why_not_applicable(gate: Gate, conditions: frozenset[str]) -> str:
    """Say why a gate doesn't apply under conditions; "" when it does.

    A gate applies when its own condition holds and its metric is measured for the model's task. Where no task is among
    the conditions every metric counts as measured, so that a gate never opens because somebody left the task out.
    """
    if gate.when != "always" and gate.when not in conditions:
        return f"applies only when {MEANINGS[gate.when]}"
    if of_another_task(gate, conditions):
        tasks, known = " and ".join(_tasks(gate)), " and ".join(sorted(TASKS & conditions))
        return f"{gate.metric} is measured of {tasks}{_OTHERS}{known}"
    return ""


def of_another_task(gate: Gate, conditions: frozenset[str]) -> bool:
    """Say whether a gate's metric is measured of models of other tasks only; no where no task is known."""
    tasks, known = _tasks(gate), TASKS & conditions
    return bool(tasks and known and not known.intersection(tasks))


def _tasks(gate: Gate) -> tuple[str, ...]:
    return METRICS[gate.metric].tasks if gate.metric in METRICS else ()
