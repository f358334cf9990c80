"""What a model file may expect of its model's answers, and how each thing that makes no sense is named."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

import ml_platform.defs
from ml_platform.core.errors import PolicyInvalid
from ml_platform.core.measurement import Measurement
from ml_platform.core.verdict import Outcome
from ml_platform.policy.conditions import conditions_of
from ml_platform.policy.judge import judge
from ml_platform.policy.load import load_model
from ml_platform_tests.policy.files import changed, line_of, load_text
from ml_platform_tests.policy.gates_of import NOW

POLICY = load_model(Path(ml_platform.defs.__file__).parent / "flights" / "defs.yaml", now=NOW).policy
PASSED, FAILED, UNDECIDED, NOT = Outcome.PASSED, Outcome.FAILED, Outcome.UNDECIDED, Outcome.NOT_APPLICABLE
MORE = """\
    weight: {type: number, range: [0, 60], missing: 0.1}
    floors: {type: integer, range: [0, 9]}
    fragile: {type: boolean}
    due: {type: datetime}
"""
COLUMNS = ("    weight: {type: number, range: [0, 60]}\n", MORE)
ROW = 'weight: 2.5, floors: 1, fragile: true, due: "2025-05-01T00:00:00Z", carrier: sea'
CLASSES = (
    ("late: {type: boolean, role: target}", "late: {type: category, levels: [early, lost], role: target}"),
    ("objective: binary", "objective: multiclass"),
    ("live_auc_holds", "live_loss_holds"),
)
NUMBER = (
    ("late: {type: boolean, role: target}", "late: {type: number, role: target}"),
    ("objective: binary", "objective: regression"),
    ("live_auc_holds", "live_loss_holds"),
)


def text(section: str, *changes: tuple[str, str]) -> str:
    return changed(COLUMNS, ("  policy:\n", f"  expectations: {{{section}}}\n  policy:\n"), *changes)


def problems(folder: Path, section: str, *changes: tuple[str, str]) -> list[str]:
    said = text(section, *changes)
    line = line_of("  expectations:", said)
    with pytest.raises(PolicyInvalid) as caught:
        load_text(folder, said)
    return [problem.replace(f"{folder}/late/defs.yaml:{line}: expectations.", "") for problem in caught.value.problems]


def case(answer: str, row: str = ROW) -> str:
    return f"edge_cases: {{heavy: {{row: {{{row}}}, {answer}}}}}"


@pytest.mark.parametrize(
    ("section", "changes", "condition"),
    [
        (case("at_least: 0.2, at_most: 0.9, decision: positive"), (), "edge_cases"),
        (case("at_most: 0.9", ROW.replace("2.5", "null")), (), "edge_cases"),
        (case("decision: lost"), CLASSES, "edge_cases"),
        (case("of: lost, at_least: 0.5"), CLASSES, "edge_cases"),
        (case("at_least: -5"), NUMBER, "edge_cases"),
        ("invariant: [{columns: [carrier], values: [sea, air], at_most: 0.05}]", (), "invariances"),
        ("invariant: [{columns: [carrier, weight], at_most: 0.05}]", CLASSES, "invariances"),
        ("invariant: [{columns: [fragile], within: 0, at_most: 0.05}]", NUMBER, "invariances"),
        ("directional: [{column: weight, by: -1.5, score: falls, at_most: 0.05}]", (), "directions"),
        ("directional: [{column: weight, factor: 1.1, score: rises, at_most: 0.05}]", NUMBER, "directions"),
        ("directional: [{column: floors, by: 1, score: rises, of: lost, at_most: 0.05}]", CLASSES, "directions"),
    ],
)
def test_what_makes_sense_is_accepted_and_brings_its_gate(
    tmp_path: Path, section: str, changes: tuple[tuple[str, str], ...], condition: str
) -> None:
    spec = load_text(tmp_path, text(section, *changes)).spec
    assert {"edge_cases", "invariances", "directions"} & conditions_of(spec) == {condition}


def test_a_model_without_expectations_says_nothing_of_them(tmp_path: Path) -> None:
    spec = load_text(tmp_path, changed()).spec
    assert "expectations" not in spec.model_dump(mode="json")
    assert not {"edge_cases", "invariances", "directions"} & conditions_of(spec)


def test_what_is_not_well_formed_is_named_without_a_second_word_on_it(tmp_path: Path) -> None:
    assert problems(tmp_path, "invariant: [{columns: [carrier], at_most: 0}]") == [
        "invariant[0].at_most is 0; needed: more than 0"
    ]


def test_without_a_sound_contract_or_learner_only_those_are_named(tmp_path: Path) -> None:
    found = problems(tmp_path, case("at_least: 2, at_most: 1"), ("rounds: 100", "rounds: 0"))
    assert [problem.rpartition("learner.")[2] for problem in found] == ["rounds is 0; needed: at least 1"]


def test_a_target_that_is_missing_is_told_once(tmp_path: Path) -> None:
    no_target = ("late: {type: boolean, role: target}", "late: {type: boolean, role: not_used, reason: none}")
    found = problems(tmp_path, case("at_most: 0.5"), no_target)
    assert not any("edge_cases" in problem for problem in found)


@pytest.mark.parametrize(
    ("section", "needed"),
    [
        (case(""), "edge_cases.heavy expects nothing; needed: at_least, at_most or decision"),
        (
            case("at_least: 0.5, at_most: 0.2"),
            "edge_cases.heavy has at_least 0.5 and at_most 0.2; needed: at_least below at_most",
        ),
        (
            case("decision: positiv"),
            "edge_cases.heavy has the decision 'positiv'; known: negative, positive. Did you mean 'positive'?",
        ),
        (
            case("at_most: 0.5, of: positive"),
            "edge_cases.heavy has of 'positive'; it names the class whose probability is meant, of several; remove it",
        ),
        (
            case("at_most: 0.5", ROW.replace("floors: 1", "floors: null")),
            "edge_cases.heavy holds nothing for 'floors', of which the contract lets none be missing; write a value",
        ),
        (
            case("at_most: 0.5", ROW.replace("carrier: sea", "carrier: se")),
            "edge_cases.heavy holds 'se' against 'carrier'; known: land, sea, air. Did you mean 'sea'?",
        ),
        (
            case("at_most: 0.5", ROW.replace("2.5", "61")),
            "edge_cases.heavy holds 61 against 'weight'; needed: 0 to 60, as the contract says",
        ),
        (
            case("at_most: 0.5", ROW.replace("true", '"yes"')),
            "edge_cases.heavy holds 'yes' against 'fragile', a boolean; needed: true or false",
        ),
        (
            case("at_most: 0.5", ROW.replace(", carrier: sea", "")),
            "edge_cases.heavy lacks the input 'carrier'; every input is needed, null where it is missing",
        ),
        (
            "invariant: [{columns: [carrier, carrier], at_most: 0.1}]",
            "invariant[0] names a column twice; needed: each once",
        ),
        (
            "invariant: [{columns: [carrier, weight], values: [1, 2], at_most: 0.1}]",
            "invariant[0] has values for several columns; needed: one column",
        ),
        (
            "invariant: [{columns: [carrier], values: [sea, sea], at_most: 0.1}]",
            "invariant[0] exchanges a value with itself; needed: two values",
        ),
        (
            "invariant: [{columns: [weight], values: [1, 70], at_most: 0.1}]",
            "invariant[0] holds 70 against 'weight'; needed: 0 to 60, as the contract says",
        ),
        (
            "invariant: [{columns: [carrier], within: 0.1, at_most: 0.1}]",
            "invariant[0] has within, which is for numbers; a decision changes or doesn't; remove it",
        ),
        (
            "invariant: [{columns: [carrier], at_most: 0.1}, {columns: [carrier], at_most: 0.2}]",
            "invariant[1] says the same as an entry before it; remove one",
        ),
        (
            "directional: [{column: carrier, by: 1, score: rises, at_most: 0.1}]",
            "directional[0] moves 'carrier', a category; needed: an integer or a number",
        ),
        (
            "directional: [{column: floors, by: 0.5, score: rises, at_most: 0.1}]",
            "directional[0] moves 'floors', an integer; needed: by, a whole number",
        ),
        (
            "directional: [{column: weight, by: 1, factor: 2, score: rises, at_most: 0.1}]",
            "directional[0] has by and factor, or neither; needed: one of them",
        ),
        (
            "directional: [{column: weight, by: 0, score: rises, at_most: 0.1}]",
            "directional[0] moves nothing; needed: by other than 0, or a factor other than 1",
        ),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_named(tmp_path: Path, section: str, needed: str) -> None:
    assert problems(tmp_path, section) == [needed]


@pytest.mark.parametrize(
    ("section", "changes", "needed"),
    [
        (
            case("decision: late"),
            NUMBER,
            "edge_cases.heavy has a decision, but a regression model gives a number; needed: at_least or at_most",
        ),
        (
            case("at_most: 0.5"),
            CLASSES,
            "edge_cases.heavy has of empty; it names the class whose probability is meant; known: early, lost.",
        ),
        (
            "directional: [{column: weight, by: 1, score: falls, of: losd, at_most: 0.1}]",
            CLASSES,
            (
                "directional[0] has of 'losd'; it names the class whose probability is meant; known: early, lost. "
                "Did you mean 'lost'?"
            ),
        ),
        (
            "invariant: [{columns: [carrier], at_most: 0.1}]",
            NUMBER,
            "invariant[0] lacks within: by how much a predicted number may move and count as unchanged; add it",
        ),
    ],
)
def test_what_the_task_can_not_answer_is_named(
    tmp_path: Path, section: str, changes: tuple[tuple[str, str], ...], needed: str
) -> None:
    assert problems(tmp_path, section, *changes) == [needed]


@pytest.mark.parametrize(
    "section",
    [
        case("at_most: 0.5", f"{ROW}, carier: sea"),
        "invariant: [{columns: [carier], at_most: 0.1}]",
        "directional: [{column: carier, by: 1, score: rises, at_most: 0.1}]",
    ],
)
def test_a_column_that_the_model_never_sees_is_named_with_the_nearest(tmp_path: Path, section: str) -> None:
    (found,) = problems(tmp_path, section)
    assert "names 'carier', which is no input (role feature), so that the model never sees it" in found
    assert found.endswith("Did you mean 'carrier'?")


GATES = {
    "edge_cases_are_met": "edge_cases",
    "decisions_are_invariant": "invariances",
    "scores_move_as_expected": "directions",
}


def outcome(gate: str, *found: Measurement, conditions: frozenset[str] | None = None) -> Outcome:
    """Judge one gate of the shipped pack."""
    holds = frozenset({"always", GATES[gate]}) if conditions is None else conditions
    verdicts = judge(POLICY, "evaluation", found, conditions=holds, now=NOW)
    return next(one.outcome for one in verdicts if one.gate == gate)


def measured(gate: str, value: float | None, *, high: float | None = None, n: int = 1000) -> Measurement:
    return Measurement(metric=POLICY.gates[gate].metric, value=value, high=high, n=n)


@pytest.mark.parametrize(
    ("value", "expected"), [(0.0, PASSED), (1.0, FAILED), (None, UNDECIDED), (math.nan, UNDECIDED)]
)
def test_an_edge_case_is_met_or_not(value: float | None, expected: Outcome) -> None:
    assert outcome("edge_cases_are_met", measured("edge_cases_are_met", value, n=1)) is expected


def test_one_missed_edge_case_among_many_fails() -> None:
    cases = [measured("edge_cases_are_met", value, n=1) for value in (0.0, 1.0, 0.0)]
    assert outcome("edge_cases_are_met", *cases) is FAILED


@pytest.mark.parametrize("gate", ["decisions_are_invariant", "scores_move_as_expected"])
@pytest.mark.parametrize(
    ("value", "high", "n", "expected"),
    [
        (-0.02, -0.01, 1000, PASSED),
        (-0.02, 0.0, 1000, PASSED),
        (-0.02, math.nextafter(0.0, 1.0), 1000, FAILED),
        (0.02, 0.03, 1000, FAILED),
        (-0.02, None, 1000, UNDECIDED),
        (None, None, 1000, UNDECIDED),
        (math.nan, 0.0, 1000, UNDECIDED),
        (-0.02, -0.01, 100, PASSED),
        (-0.02, -0.01, 99, UNDECIDED),
    ],
)
def test_a_share_has_to_be_proven_within_the_declared_one(
    gate: str, value: float | None, high: float | None, n: int, expected: Outcome
) -> None:
    assert outcome(gate, measured(gate, value, high=high, n=n)) is expected


@pytest.mark.parametrize("gate", GATES)
def test_a_declared_expectation_that_was_never_measured_is_undecided(gate: str) -> None:
    assert outcome(gate) is UNDECIDED
    assert outcome(gate, conditions=frozenset({"always"})) is NOT
