"""How a model file says by what a score becomes a decision, and when the gate on its costs opens."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from ml_platform.core.errors import PolicyInvalid
from ml_platform.core.measurement import Measurement
from ml_platform.core.verdict import Outcome
from ml_platform.policy.conditions import conditions_of
from ml_platform.policy.judge import judge
from ml_platform.policy.shipped import shipped_policy
from ml_platform_tests.policy.files import changed, line_of, load_text
from ml_platform_tests.policy.gates_of import NOW

NUMBER = (
    ("late: {type: boolean, role: target}", "late: {type: number, role: target}"),
    ("objective: binary", "objective: regression"),
    ("live_auc_holds", "live_loss_holds"),
)


def text(section: str, *changes: tuple[str, str]) -> str:
    return changed(("  monitoring:\n", f"  deployment: {{{section}}}\n  monitoring:\n"), *changes)


def problems(folder: Path, section: str, *changes: tuple[str, str]) -> list[str]:
    said = text(section, *changes)
    with pytest.raises(PolicyInvalid) as caught:
        load_text(folder, said)
    begin = f"{folder}/late/defs.yaml:{line_of('  deployment:', said)}: deployment."
    assert all(problem.startswith(begin) for problem in caught.value.problems)
    return [problem.removeprefix(begin) for problem in caught.value.problems]


@pytest.mark.parametrize(
    "section",
    [
        "selected_share: 0.2",
        "costs: {false_positive: 1, false_negative: 5}",
        "costs: {false_positive: 0, false_negative: 1.5, true_positive: -10, true_negative: -0.5}",
        "recall_at_least: 0.9",
        "precision_at_least: 1",
        "youden: true",
    ],
)
def test_each_rule_can_be_said(tmp_path: Path, section: str) -> None:
    spec = load_text(tmp_path, text(section)).spec
    assert spec.deployment.rules == (section.partition(":")[0],)
    assert ("costs" in conditions_of(spec)) == section.startswith("costs")


def test_a_file_without_a_rule_has_none_and_is_written_as_before(tmp_path: Path) -> None:
    spec = load_text(tmp_path, text("production: manual")).spec
    assert spec.deployment.rules == ()
    assert spec.deployment.model_dump() == {"production": "manual", "selected_share": None}


@pytest.mark.parametrize(
    ("section", "found"),
    [
        (
            "selected_share: 0.2, costs: {false_positive: 1, false_negative: 5}",
            ["costs is given beside deployment.selected_share; a model has one rule for its threshold; remove one"],
        ),
        (
            "recall_at_least: 0.9, precision_at_least: 0.5, youden: true",
            [
                f"{name} is given beside deployment.recall_at_least; a model has one rule for its threshold; remove one"
                for name in ("precision_at_least", "youden")
            ],
        ),
        (
            "costs: {false_positive: 0, false_negative: 5}",
            [
                "costs.false_positive is 0; needed: more than true_negative (0), or every row would be decided alike",
            ],
        ),
        (
            "costs: {false_positive: 1, false_negative: 2, true_positive: 3}",
            ["costs.false_negative is 2; needed: more than true_positive (3), or every row would be decided alike"],
        ),
        ("recall_at_least: 0", ["recall_at_least is 0; needed: more than 0"]),
        ("precision_at_least: 1.1", ["precision_at_least is 1.1; needed: at most 1"]),
    ],
)
def test_what_makes_no_sense_is_said(tmp_path: Path, section: str, found: list[str]) -> None:
    assert problems(tmp_path, section) == found


@pytest.mark.parametrize(
    ("section", "begins"),
    [
        ("costs: {false_positive: 1}", "costs"),
        ("costs: {false_positive: 1, false_negatve: 5}", "costs"),
        ("costs: 5", "costs is 5"),
        ("costs: {false_positive: .inf, false_negative: 5}", "costs.false_positive"),
        ("youden: false", "youden is false"),
        ("recal_at_least: 0.5", "recal_at_least isn't known"),
    ],
)
def test_a_wrong_form_is_said_at_its_line(tmp_path: Path, section: str, begins: str) -> None:
    assert any(one.startswith(begins) for one in problems(tmp_path, section))


@pytest.mark.parametrize(
    "section", ["costs: {false_positive: 1, false_negative: 5}", "recall_at_least: 0.9", "youden: true"]
)
def test_a_number_is_no_decision(tmp_path: Path, section: str) -> None:
    (found,) = problems(tmp_path, section, *NUMBER)
    assert found.endswith("is given, but the task is regression; only a binary score selects; remove it")


@pytest.mark.parametrize(
    ("low", "n", "conditions", "outcome"),
    [
        (0.01, 200, {"costs"}, Outcome.PASSED),
        (0.0, 200, {"costs"}, Outcome.PASSED),
        (-0.01, 200, {"costs"}, Outcome.FAILED),
        (0.01, 199, {"costs"}, Outcome.UNDECIDED),
        (None, 200, {"costs"}, Outcome.UNDECIDED),
        (math.nan, 200, {"costs"}, Outcome.UNDECIDED),
        (0.01, 200, set(), Outcome.NOT_APPLICABLE),
    ],
)
def test_decisions_pay_off_only_when_it_is_proven(
    low: float | None, n: int, conditions: set[str], outcome: Outcome
) -> None:
    found = Measurement(metric="expected_cost_gain", value=0.1, low=low, high=0.3, n=n)
    assert verdict_of([found], {"always", "binary", *conditions}) is outcome


def test_costs_that_were_never_measured_are_undecided() -> None:
    assert verdict_of([], {"always", "binary", "costs"}) is Outcome.UNDECIDED


def verdict_of(found: list[Measurement], conditions: set[str]) -> Outcome:
    verdicts = judge(shipped_policy("base"), "evaluation", found, conditions=frozenset(conditions), now=NOW)
    return next(one.outcome for one in verdicts if one.gate == "decisions_pay_off")
