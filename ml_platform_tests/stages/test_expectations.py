"""Declared expectations on toy rows: lateness follows load and site alone, so that it is known what must hold."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from statsmodels.stats.proportion import proportion_confint

from ml_platform.core.errors import DataInvalid
from ml_platform.core.measurement import Measurement
from ml_platform.core.records import FeaturesRecord
from ml_platform.policy.metrics import METRICS
from ml_platform.policy.spec import ModelSpec
from ml_platform.stages.evaluate import evaluate
from ml_platform.stages.expectations import measure_expectations
from ml_platform.stages.features import read_matrix
from ml_platform.stages.model_files import read_scorer
from ml_platform.stages.raw_rows import read_raw_rows
from ml_platform.stages.scored_part import ScoredPart, score_part
from ml_platform.stages.train import train
from ml_platform_tests.fakes.store import FakeStore
from ml_platform_tests.fakes.tracker import FakeTracker
from ml_platform_tests.stages.test_task_measures import matrix_of, spec_of
from ml_platform_tests.stages.toy import NOW, repository, stored, toy_matrix, toy_rows, toy_spec

HEAVY = {"load": 3.0, "wind": 0.0, "site": "south"}
LIGHT = {"load": -3.0, "wind": None, "site": "north"}


@dataclasses.dataclass(frozen=True)
class World:
    """A trained toy model with what its evaluation starts from."""

    store: FakeStore
    spec: ModelSpec
    features: FeaturesRecord
    holdout: ScoredPart

    def measured(self, section: Mapping[str, Any], **changes: Any) -> list[Measurement]:
        said = {"features": self.features, "matrix": read_matrix(self.store, self.features), **changes}
        spec = with_expectations(self.spec, section)
        return list(measure_expectations(spec, store=self.store, holdout=self.holdout, **said))


def with_expectations(spec: ModelSpec, section: Mapping[str, Any]) -> ModelSpec:
    said = spec.model_dump(mode="json", exclude_none=True)
    return toy_spec(**{**said, "expectations": section})


def world_of(root: Path, task: str) -> World:
    store = FakeStore(root / "home" / task)
    spec = toy_spec() if task == "binary" else spec_of(task)
    matrix = toy_matrix(toy_rows()) if task == "binary" else matrix_of(task)
    features, _ = stored(store, spec, matrix=matrix)
    who = {"tracker": FakeTracker(), "actor": "ann", "now": NOW, "root": root}
    model = train(spec, store=store, features=features, **who).record  # type: ignore[arg-type]
    held, scorer = matrix.part_of("holdout"), read_scorer(store, model.digest)
    return World(store, spec, features, score_part(held, scorer, threshold=model.threshold, threads=1))


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return repository(tmp_path_factory.mktemp("repository"))


@pytest.fixture(scope="module")
def binary(root: Path) -> World:
    return world_of(root, "binary")


@pytest.fixture(scope="module")
def multiclass(root: Path) -> World:
    return world_of(root, "multiclass")


@pytest.fixture(scope="module")
def regression(root: Path) -> World:
    return world_of(root, "regression")


def invariant(**words: Any) -> dict[str, Any]:
    return {"invariant": [{"columns": ["wind"], "at_most": 0.2, **words}]}


def directional(**words: Any) -> dict[str, Any]:
    return {"directional": [{"column": "load", "by": 1.0, "score": "rises", "at_most": 0.1, **words}]}


def cases(**answers: Mapping[str, Any]) -> dict[str, Any]:
    return {"edge_cases": answers}


def test_without_expectations_nothing_is_measured(binary: World) -> None:
    found = measure_expectations(
        binary.spec,
        store=binary.store,
        features=binary.features,
        matrix=read_matrix(binary.store, binary.features),
        holdout=binary.holdout,
    )
    assert list(found) == []


def test_a_case_is_met_by_score_and_decision_and_says_what_was_seen(binary: World) -> None:
    heavy, light = binary.measured(
        cases(
            heavy={"row": HEAVY, "at_least": 0.7, "decision": "positive"},
            light={"row": LIGHT, "at_most": 0.3, "decision": "negative"},
        )
    )
    assert (heavy.subject, heavy.value, heavy.n) == ("heavy", 0.0, 1)
    assert heavy.facts["expected"] == "score at least 0.7, decision positive"
    assert heavy.facts["decision"] == "positive"
    score = heavy.facts["score"]
    assert isinstance(score, float)
    assert score > 0.7
    assert light.value == 0.0


def test_a_cases_score_is_that_of_a_holdout_row_with_the_same_inputs(binary: World) -> None:
    frame = toy_rows()
    place = int(np.flatnonzero(read_matrix(binary.store, binary.features).part == "holdout")[7])
    row = {name: frame[name].iloc[place] for name in ("load", "wind", "site")}
    row = {name: None if value != value else value for name, value in row.items()}  # noqa: PLR0124  (NaN is missing)
    (found,) = binary.measured(cases(known={"row": row, "at_least": 0.0}))
    assert found.facts["score"] == binary.holdout.score[7]


@pytest.mark.parametrize(
    "answer",
    [{"at_least": 0.99999}, {"at_most": 0.00001}, {"decision": "negative"}, {"at_least": 0, "decision": "negative"}],
)
def test_a_case_is_missed_by_either(binary: World, answer: dict[str, Any]) -> None:
    (found,) = binary.measured(cases(heavy={"row": HEAVY, **answer}))
    assert found.value == 1.0


def test_a_score_at_the_limit_is_within(binary: World) -> None:
    (free,) = binary.measured(cases(heavy={"row": HEAVY, "at_least": 0}))
    score = free.facts["score"]
    (found,) = binary.measured(cases(heavy={"row": HEAVY, "at_least": score, "at_most": score}))
    assert found.value == 0.0


def test_several_classes_answer_by_a_probability_and_by_the_likeliest(multiclass: World) -> None:
    met, missed = multiclass.measured(
        cases(
            met={"row": HEAVY, "of": "lost", "at_least": 0.5, "decision": "lost"},
            missed={"row": HEAVY, "of": "early", "at_least": 0.5},
        )
    )
    assert (met.value, missed.value) == (0.0, 1.0)
    assert missed.facts["expected"] == "probability of early at least 0.5"


def test_a_number_answers_by_itself(regression: World) -> None:
    met, missed = regression.measured(cases(met={"row": HEAVY, "at_least": 13}, missed={"row": LIGHT, "at_least": 13}))
    assert (met.value, missed.value) == (0.0, 1.0)


def test_what_decides_nothing_can_be_exchanged_and_what_decides_can_not(binary: World) -> None:
    wind, _ = binary.measured(invariant())
    load, _ = binary.measured(invariant(columns=["load"]))
    assert wind.value is not None
    assert load.value is not None
    assert wind.value < 0.1
    assert load.value > 0.3


def test_the_excess_is_the_share_beyond_the_allowed_one_with_its_interval(binary: World) -> None:
    found, beyond = binary.measured(invariant(columns=["load"], at_most=0.25))
    for bound in ("value", "low", "high"):
        assert getattr(beyond, bound) == pytest.approx(getattr(found, bound) - 0.25)
    assert beyond.n == found.n
    assert (found.metric, beyond.metric) == ("invariance_broken_share", "invariance_broken_excess")


def test_rows_of_one_entity_count_as_dependent(binary: World) -> None:
    (found, _) = binary.measured(invariant(columns=["load"]))
    size = found.facts["effective_n"]
    assert found.value is not None
    assert isinstance(size, float)
    assert size <= found.n
    low, high = proportion_confint(found.value * size, size, method="wilson")
    assert (found.low, found.high) == pytest.approx((low, high))


def test_two_values_are_exchanged_in_the_rows_that_hold_one_of_them(binary: World) -> None:
    found, _ = binary.measured(invariant(columns=["site"], values=["north", "west"]))
    held = toy_rows()["site"][read_matrix(binary.store, binary.features).part == "holdout"]
    assert found.n == int(held.isin(["north", "west"]).sum())
    assert found.facts["rows_left_out"] == len(held) - found.n
    assert found.subject == "site: north or west"


def test_a_value_never_seen_in_training_leaves_an_exchange_undefined(binary: World) -> None:
    found, beyond = binary.measured(invariant(columns=["site"], values=["north", "east"]))
    assert (found.value, beyond.value) == (None, None)
    assert found.reason == "one of the values was never seen in training"


def test_a_value_that_no_row_has_leaves_an_exchange_undefined(binary: World) -> None:
    found, _ = binary.measured(invariant(columns=["load"], values=[77.0, 78.0]))
    assert (found.value, found.reason) == (None, "no row of the holdout has one of the values")


def test_a_level_never_seen_is_said_of_an_edge_case(binary: World) -> None:
    (found,) = binary.measured(cases(odd={"row": {**HEAVY, "site": "east"}, "at_least": 0}))
    assert found.facts["never_seen_in_training"] == "site"


def test_several_classes_stay_the_likeliest(multiclass: World) -> None:
    wind, _ = multiclass.measured(invariant())
    assert wind.value is not None
    assert wind.value < 0.15


def test_a_number_may_move_within_what_is_stated(regression: World) -> None:
    narrow, _ = regression.measured(invariant(columns=["load"], within=0))
    wide, _ = regression.measured(invariant(columns=["load"], within=1e6))
    assert (wide.value, wide.facts["expected"]) == (
        0.0,
        "the prediction stays within 1e+06 in all but 20 % of the rows",
    )
    assert narrow.value is not None
    assert narrow.value > 0.5


@pytest.mark.parametrize("name", ["binary", "regression"])
def test_a_score_that_rises_with_a_column_doesnt_fall_with_it(name: str, request: pytest.FixtureRequest) -> None:
    world: World = request.getfixturevalue(name)
    right, _ = world.measured(directional())
    wrong, _ = world.measured(directional(score="falls"))
    assert right.value is not None
    assert wrong.value is not None
    assert right.value < 0.2
    assert wrong.value > 0.6
    assert right.facts["moved_as_expected"] == wrong.facts["successes"]


def test_of_several_classes_one_probability_moves(multiclass: World) -> None:
    lost, _ = multiclass.measured(directional(of="lost"))
    early, _ = multiclass.measured(directional(of="early", score="falls"))
    assert lost.subject == "load +1: lost"
    assert max(lost.value or 0, early.value or 0) < 0.25


def test_missing_values_and_rows_moved_out_of_the_range_are_left_out_and_counted(binary: World) -> None:
    by_wind, _ = binary.measured(directional(column="wind", by=None, factor=1.5, at_most=0.5))
    held = toy_rows()["wind"][read_matrix(binary.store, binary.features).part == "holdout"]
    assert by_wind.n == int(held.notna().sum())
    said = binary.spec.model_dump(mode="json", exclude_none=True)
    said["contract"]["load"]["range"] = [-9.0, 1.0]
    narrow = dataclasses.replace(binary, spec=toy_spec(**said))
    load, _ = narrow.measured(directional())
    fits = toy_rows()["load"][read_matrix(binary.store, binary.features).part == "holdout"] <= 0.0
    assert (load.n, load.facts["rows_left_out"]) == (int(fits.sum()), int((~fits).sum()))
    far, _ = narrow.measured(directional(by=50.0))
    assert (far.value, far.reason) == (None, "no row's value can be moved so within the contract's range")


def test_what_the_recorded_code_did_not_make_leaves_everything_undefined(binary: World) -> None:
    section = {**cases(heavy={"row": HEAVY, "at_least": 0.5}), **invariant(), **directional()}
    other = dataclasses.replace(binary.features, code_digest="f" * 64)
    found = binary.measured(section, features=other)
    assert [one.metric for one in found] == [
        "edge_cases_missed", "invariance_broken_share", "invariance_broken_excess", "direction_broken_share",
        "direction_broken_excess",
    ]  # fmt: skip
    assert {one.value for one in found} == {None}
    assert all("its code isn't the recorded one" in one.reason for one in found)
    assert all(one.metric in METRICS for one in found)


def test_features_that_come_out_differently_leave_everything_undefined(binary: World) -> None:
    holdout = binary.holdout
    values = holdout.matrix.values.copy()
    values[3, 0] += 1.0
    changed = dataclasses.replace(holdout, matrix=dataclasses.replace(holdout.matrix, values=values))
    found = dataclasses.replace(binary, holdout=changed).measured(invariant())
    assert all("aren't those they got among all rows" in one.reason for one in found)


def test_a_feature_that_is_not_returned_of_the_rows_is_named(binary: World) -> None:
    holdout = binary.holdout
    matrix = dataclasses.replace(holdout.matrix, names=("gone", *holdout.matrix.names[1:]))
    words = {"store": binary.store, "features": binary.features, "matrix": read_matrix(binary.store, binary.features)}
    with pytest.raises(DataInvalid, match="returns no 'gone' of these rows"):
        read_raw_rows(binary.spec, holdout=dataclasses.replace(holdout, matrix=matrix), **words)  # type: ignore[arg-type]


def test_measuring_twice_gives_the_same(binary: World) -> None:
    section = {**invariant(), **directional()}
    assert binary.measured(section) == binary.measured(section)


def test_an_evaluation_holds_what_was_declared(root: Path) -> None:
    store, spec = FakeStore(root / "home" / "another"), with_expectations(toy_spec(), {**invariant(), **directional()})
    features, split = stored(store, spec)
    who = {"tracker": FakeTracker(), "actor": "ann", "now": NOW, "root": root}
    model = train(spec, store=store, features=features, **who).record  # type: ignore[arg-type]
    made = evaluate(spec, store=store, model=model, features=features, split=split)
    assert {"invariance_broken_share", "direction_broken_excess"} <= {one.metric for one in made.measurements}
