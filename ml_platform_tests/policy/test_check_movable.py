"""What a model file may say that subjects could change, how nonsense is named, and how the gate judges it."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

import ml_platform.defs
from ml_platform.core.errors import PolicyInvalid
from ml_platform.core.measurement import Measurement
from ml_platform.core.verdict import Outcome
from ml_platform.policy.conditions import conditions_of
from ml_platform.policy.gates import Condition
from ml_platform.policy.judge import judge
from ml_platform.policy.load import load_model
from ml_platform_tests.policy.files import changed, line_of, load_text
from ml_platform_tests.policy.gates_of import NOW

POLICY = load_model(Path(ml_platform.defs.__file__).parent / "flights" / "defs.yaml", now=NOW).policy
PASSED, FAILED, UNDECIDED, NOT = Outcome.PASSED, Outcome.FAILED, Outcome.UNDECIDED, Outcome.NOT_APPLICABLE
MORE = """\
    weight: {type: number, range: [0, 60]}
    floors: {type: integer, range: [0, 9]}
    fragile: {type: boolean}
    due: {type: datetime}
"""
COLUMNS = ("    weight: {type: number, range: [0, 60]}\n", MORE)


def text(movable: str, *changes: tuple[str, str]) -> str:
    return changed(COLUMNS, ("  policy:\n", f"  evaluation: {{movable: {{{movable}}}}}\n  policy:\n"), *changes)


def problems(folder: Path, movable: str, *changes: tuple[str, str]) -> list[str]:
    said = text(movable, *changes)
    where = f"{folder}/late/defs.yaml:{line_of('  evaluation:', said)}: evaluation.movable."
    with pytest.raises(PolicyInvalid) as caught:
        load_text(folder, said)
    return [problem.replace(where, "") for problem in caught.value.problems]


@pytest.mark.parametrize(
    "movable",
    [
        "weight: {by: [-2.5, 2]}",
        "weight: {by: [0, 2]}",
        "weight: {range: [0, 10.5]}",
        "floors: {by: [-1, 0]}",
        "floors: {range: [1, 9]}",
        "carrier: {to: [sea, air]}",
        "fragile: {to: [true]}",
        "weight: {by: [-1, 1]}, carrier: {to: [land]}",
    ],
)
def test_what_makes_sense_is_accepted_and_brings_its_gate_to_the_full_evaluation(tmp_path: Path, movable: str) -> None:
    spec = load_text(tmp_path, text(movable)).spec
    assert "movable" in conditions_of(spec, full=True)
    assert "movable" not in conditions_of(spec)


def test_a_model_that_moves_nothing_says_nothing_of_it(tmp_path: Path) -> None:
    spec = load_text(tmp_path, changed(("  policy:\n", "  evaluation: {profile: full}\n  policy:\n"))).spec
    assert spec.movable == {}
    assert spec.model_dump(mode="json")["evaluation"] == {"profile": "full"}
    assert "movable" not in conditions_of(spec, full=True)


@pytest.mark.parametrize(
    ("movable", "needed"),
    [
        ("weight: {}", "weight has several of by, range and to, or none; needed: one of them"),
        (
            "weight: {by: [-1, 1], range: [0, 1]}",
            "weight has several of by, range and to, or none; needed: one of them",
        ),
        (
            "weight: {by: [1, 2]}",
            "weight moves by [1.0, 2.0]; needed: how far down, 0 or less, and how far up, 0 or more, but not both 0",
        ),
        (
            "weight: {by: [0, 0]}",
            "weight moves by [0.0, 0.0]; needed: how far down, 0 or less, and how far up, 0 or more, but not both 0",
        ),
        ("floors: {by: [-0.5, 1]}", "floors has [-0.5, 1.0] for an integer; needed: whole numbers"),
        ("floors: {range: [0, 1.5]}", "floors has [0.0, 1.5] for an integer; needed: whole numbers"),
        (
            "weight: {range: [5, 5]}",
            "weight has the range [5.0, 5.0]; needed: the lower bound first, then a higher one",
        ),
        (
            "weight: {range: [0, 61]}",
            "weight holds 61.0 against 'weight'; needed: 0 to 60, as the contract says",
        ),
        (
            "weight: {to: [5]}",
            "weight has levels for 'weight', a number; needed: by or range, of an integer or a number",
        ),
        ("carrier: {by: [0, 1]}", "carrier moves a category by an amount; needed: to, the values that it may take"),
        ("due: {range: [0, 1]}", "due moves a datetime by an amount; needed: to, the values that it may take"),
        ("carrier: {to: [se]}", "carrier holds 'se' against 'carrier'; known: land, sea, air. Did you mean 'sea'?"),
        ("carrier: {to: [sea, sea]}", "carrier names a level twice; needed: each once"),
        (
            "region: {to: [north]}",
            (
                "region names 'region', which is no input (role feature), so that the model never sees it; known: "
                "weight, floors, fragile, due, carrier."
            ),
        ),
    ],
)
def test_what_makes_no_sense_is_named_with_its_line(tmp_path: Path, movable: str, needed: str) -> None:
    assert problems(tmp_path, movable) == [needed]


def test_what_is_not_well_formed_is_named_once(tmp_path: Path) -> None:
    found = problems(tmp_path, "weight: {by: [1]}")
    assert len(found) == 1
    assert "by" in found[0]


def test_without_a_sound_contract_only_that_is_named(tmp_path: Path) -> None:
    no_target = ("late: {type: boolean, role: target}", "late: {type: boolean, role: not_used, reason: none}")
    assert not any("movable" in problem for problem in problems(tmp_path, "weight: {by: [1, 2]}", no_target))


def flips(value: float | None, low: float | None, high: float | None, n: int = 150) -> Measurement:
    return Measurement(
        metric="adversarial_flip_share", value=value, low=low, high=high, n=n, subject="decided negative"
    )


@pytest.mark.parametrize(
    ("found", "outcome"),
    [
        (flips(0.1, 0.05, 0.2), PASSED),
        (flips(0.2, 0.1, 0.3), PASSED),
        (flips(0.3, 0.25, 0.35), UNDECIDED),
        (flips(0.5, 0.4, 0.6), FAILED),
        (flips(0.1, 0.05, 0.2, n=29), UNDECIDED),
        (flips(None, None, None), UNDECIDED),
        (flips(math.nan, math.nan, math.nan), UNDECIDED),
    ],
)
def test_the_gate_on_moves(found: Measurement, outcome: Outcome) -> None:
    assert outcome_for("decisions_withstand_feasible_moves", [found], {"movable"}) is outcome


def weak(value: float | None, low: float | None, n: int = 40) -> Measurement:
    return Measurement(metric="weak_slice_loss", value=value, low=low, high=9.0, n=n, subject="load >= 1")


@pytest.mark.parametrize(
    ("found", "outcome"),
    [
        (weak(3.0, 0.9), PASSED),
        (weak(3.0, 1.0), PASSED),
        (weak(3.0, 1.01), FAILED),
        (weak(0.2, 0.1, n=39), UNDECIDED),
        (weak(3.0, None), UNDECIDED),
        (weak(None, None), UNDECIDED),
        (weak(math.nan, math.nan), UNDECIDED),
    ],
)
def test_the_gate_on_weak_slices(found: Measurement, outcome: Outcome) -> None:
    assert outcome_for("no_weak_slice_is_much_worse", [found], {"full"}, task="regression") is outcome


@pytest.mark.parametrize(
    ("value", "low", "n", "outcome"),
    [
        (0.4, 0.2, 40, PASSED),
        (0.4, 0.25, 40, PASSED),
        (0.4, 0.26, 40, FAILED),
        (0.1, 0.0, 39, UNDECIDED),
        (0.4, None, 40, UNDECIDED),
        (math.nan, math.nan, 40, UNDECIDED),
    ],
)
def test_the_gate_on_misjudged_slices(value: float, low: float | None, n: int, outcome: Outcome) -> None:
    found = Measurement(metric="weak_slice_surprise", value=value, low=low, high=9.0, n=n, subject="load >= 1")
    assert outcome_for("no_weak_slice_is_misjudged", [found], {"full"}) is outcome
    assert outcome_for("no_weak_slice_is_much_worse", [], {"full"}) is NOT


@pytest.mark.parametrize(
    ("gate", "metric", "limit", "worse"),
    [
        ("unusual_inputs_are_noticed", "ood_detected_share", 0.3, 0.29),
        ("clean_inputs_raise_no_alarm", "ood_false_alarm_share", 0.05, 0.06),
    ],
)
def test_the_gates_on_unusual_inputs(gate: str, metric: str, limit: float, worse: float) -> None:
    def judged(low: float | None, n: int = 200) -> Outcome:
        found = Measurement(metric=metric, value=low, low=low, high=1.0, n=n)
        return outcome_for(gate, [found], {"full"})

    assert judged(limit) is PASSED
    assert judged(worse) is FAILED
    assert judged(None) is UNDECIDED
    assert judged(math.nan) is UNDECIDED
    assert judged(limit, n=199) is UNDECIDED


@pytest.mark.parametrize(
    "gate",
    [
        "decisions_withstand_feasible_moves",
        "no_weak_slice_is_misjudged",
        "unusual_inputs_are_noticed",
        "clean_inputs_raise_no_alarm",
    ],
)
def test_a_gate_on_what_wasnt_probed_says_so(gate: str) -> None:
    assert outcome_for(gate, [], set()) is NOT
    assert outcome_for(gate, [], {"full", "movable"}) is UNDECIDED


def outcome_for(
    name: str, found: list[Measurement], conditions: set[Condition], *, task: Condition = "binary"
) -> Outcome:
    verdicts = judge(POLICY, "evaluation", found, conditions=frozenset({"always", task, *conditions}), now=NOW)
    return next(verdict.outcome for verdict in verdicts if verdict.gate == name)
