from __future__ import annotations

import ctypes
import json
import re

import pytest

from ml_platform.policy.check_learner import check_learner
from ml_platform.policy.conditions import MEANINGS, conditions_of
from ml_platform.policy.controls import CONTROLS
from ml_platform.policy.describe import describe, number
from ml_platform.policy.expectations import Directional, EdgeCase, Expectations, Invariant
from ml_platform.policy.gates import Condition, Gate
from ml_platform.policy.learner_parameters import ALIASES, DECLARED_ELSEWHERE, PARAMETERS
from ml_platform.policy.load import TYPE
from ml_platform.policy.metrics import METRICS
from ml_platform.policy.movable import Move
from ml_platform.policy.problems import SHOWN, known, nearest, path_text, seen
from ml_platform.policy.resources import Resources
from ml_platform.policy.sections import sections_of
from ml_platform.policy.spec import Compute, Costs, Deployment, Dimension, EvaluationChoice, ModelSpec, Role, Tuning
from ml_platform.policy.stages import STAGES
from ml_platform.policy.translate import validate
from ml_platform.policy.yaml_lines import parse_yaml
from ml_platform_tests.policy.files import MODEL, changed
from ml_platform_tests.policy.gates_of import at_least, at_most, between, holds

TIME_SPLIT = "{kind: time, train_days: 90, validation_days: 10, calibration_days: 10, holdout_days: 20}"
ENTITY_SPLIT = "{kind: entity, train: 0.6, validation: 0.1, calibration: 0.1, holdout: 0.2, salt: s}"


def spec_of(text: str) -> ModelSpec:
    spec, problems = validate(ModelSpec, parse_yaml(text, "f").at(("attributes",)))
    assert problems == []
    assert isinstance(spec, ModelSpec)
    return spec


@pytest.mark.parametrize(
    ("gate", "words"),
    [
        (at_least(0.65, judged_on="low", minimum_n=200), "≥ 0.65 on the lower bound, n ≥ 200"),
        (at_least(-0.03, judged_on="high"), "≥ -0.03 on the upper bound"),
        (at_most(100_000_000), "≤ 100,000,000"),
        (at_most(1e-9), "≤ 1e-09"),
        (between(-0.1, 0.1), "from -0.1 to 0.1"),
        (holds(minimum_n=1000), "holds, n ≥ 1,000"),
    ],
)
def test_a_limit_is_said_in_words(gate: Gate, words: str) -> None:
    assert describe(gate) == words


def test_large_numbers_that_are_not_whole_keep_their_digits() -> None:
    assert number(1234.5) == "1234.5"


def test_places_are_written_as_people_do() -> None:
    assert path_text(()) == "the file"
    assert path_text(("attributes",)) == "attributes"
    assert path_text(("attributes", "policy", "packs", 1)) == "policy.packs[1]"


def test_long_values_are_shortened() -> None:
    assert len(seen("x" * 1_000_000)) <= SHOWN + 2
    assert len(seen(list(range(1000)))) == SHOWN
    assert seen("x" * SHOWN) == repr("x" * SHOWN)


def test_suggestions_need_a_resemblance() -> None:
    assert known([], "x") == "known: none."
    assert nearest(["psi"], 5) == ""
    assert nearest(["psi"], "completely different") == ""


def test_every_metric_is_measured_at_known_stages_and_has_a_meaning() -> None:
    for name, metric in METRICS.items():
        assert re.fullmatch(r"[a-z][a-z0-9_]*", name)
        assert set(metric.stages) <= set(STAGES)
        assert metric.meaning.endswith(".")
    assert {stage for metric in METRICS.values() for stage in metric.stages} == set(STAGES)


def test_every_control_has_an_area_and_a_title() -> None:
    assert len(CONTROLS) == 33
    for name, control in CONTROLS.items():
        assert control.id == name
        assert re.fullmatch(r"[A-Z]+(-[A-Z]+)*", name)
        assert control.area
        assert control.title


def test_the_conditions_of_a_model_follow_from_its_file_and_from_what_the_caller_knows() -> None:
    timed = spec_of(MODEL)
    assert conditions_of(timed) == {"always", "groups", "entity", "time", "binary"}
    text = changed((TIME_SPLIT, ENTITY_SPLIT), ("role: group", "role: not_used, reason: unused"))
    assert conditions_of(spec_of(text)) == {"always", "entity", "binary"}
    without = changed(("role: entity", "role: not_used, reason: unused"))
    assert conditions_of(spec_of(without)) == {"always", "groups", "quasi", "time", "binary"}
    quasi = spec_of(changed(("role: group}", "role: group, personal_data: quasi}")))
    told = {
        "resources": Resources(budget=1.0),
        "tuning": Tuning(trials=1, seed=1, space={"feature_fraction": Dimension(low=0.5, high=1.0)}),
        "compute": Compute(engine="dask", workers=2),
        "evaluation": EvaluationChoice(movable={"weight": Move(by=(-1.0, 1.0))}),
        "deployment": Deployment(costs=Costs(false_positive=1, false_negative=5)),
        "expectations": Expectations(
            edge_cases={"heavy": EdgeCase(row={"weight": 1.0}, at_most=0.5)},
            invariant=(Invariant(columns=("carrier",), at_most=0.1),),
            directional=(Directional(column="weight", by=1.0, score="rises", at_most=0.1),),
        ),
    }
    quasi = quasi.model_copy(update=told)
    caller = {
        "champion": True,
        "reference": True,
        "new_rows": True,
        "labels": True,
        "cost_history": True,
        "limits": True,
        "own_tests": True,
        "full": True,
        "feedback": True,
        "much_feedback": True,
        "incidents": True,
        "watched_now": True,
        "endings": True,
        "service_address": True,
    }
    (group,) = (column for column in quasi.contract.values() if Role.GROUP in column.roles)
    several = quasi.model_copy(update={"contract": {**quasi.contract, "another": group}})
    assert conditions_of(several, **caller) - conditions_of(quasi, **caller) == {"several_groups"}
    assert conditions_of(several, **caller) == set(MEANINGS) - {"multiclass", "regression", "quantile"}


def test_every_condition_has_a_meaning() -> None:
    assert set(MEANINGS) == set(Condition.__args__)  # type: ignore[attr-defined]


def test_the_type_of_the_file_is_the_component() -> None:
    assert TYPE == "ml_platform.GovernedModel"


def test_the_parameters_are_lightgbms_own_under_their_documented_names() -> None:
    from lightgbm import basic

    buffer, size = ctypes.create_string_buffer(1 << 20), ctypes.c_int64()
    library = vars(basic)["_LIB"]
    assert library.LGBM_DumpParamAliases(ctypes.c_int64(len(buffer)), ctypes.byref(size), buffer) == 0
    documented = {name: set(aliases) for name, aliases in json.loads(buffer.value).items()}
    assert set(PARAMETERS) <= set(documented)
    assert set(ALIASES) == set().union(*(documented[name] for name in PARAMETERS))
    assert all(alias in documented[name] for alias, name in ALIASES.items())
    elsewhere = {
        "objective", "seed", "num_threads", "num_iterations", "early_stopping_round", "monotone_constraints",
        "weight_column",
    }  # fmt: skip
    assert set(DECLARED_ELSEWHERE) == elsewhere.union(*(documented[name] for name in elsewhere))


def test_no_parameter_can_name_a_file_a_machine_or_a_device() -> None:
    dangerous = "data valid input_model output_model config machines device_type forcedsplits_filename task".split()
    attributes = {"learner": {"parameters": dict.fromkeys(dangerous, "x")}}
    assert len(list(check_learner(sections_of(attributes)))) == len(dangerous)  # type: ignore[arg-type]
