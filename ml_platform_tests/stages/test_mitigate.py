"""What it would take to treat groups alike: measured on the holdout as the real thing would be, and never applied."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import msgspec
import numpy as np
import pytest
from fairlearn.metrics import MetricFrame, selection_rate
from sklearn.metrics import accuracy_score, precision_score, recall_score

from ml_platform.core.errors import DataInvalid
from ml_platform.core.mitigation import Mitigation, Way
from ml_platform.core.records import FeaturesRecord, ModelRecord, SplitRecord
from ml_platform.policy.spec import ModelSpec
from ml_platform.stages.differences import parameter_differences
from ml_platform.stages.evaluate import evaluate
from ml_platform.stages.matrix import Matrix
from ml_platform.stages.mitigate import FILE, KIND, mitigate
from ml_platform.stages.parquet import read_parquet
from ml_platform.stages.train import parameters_digest, rows_to_learn, train
from ml_platform.stages.training_run import _used
from ml_platform_tests.fakes.store import FakeStore
from ml_platform_tests.fakes.tracker import FakeTracker
from ml_platform_tests.stages.toy import NOW, repository, stored, toy_matrix, toy_rows, toy_spec

LIMITS = {"selection_rate_ratio": 0.8}
REWEIGHED = toy_spec(learner=toy_spec().learner.model_dump(mode="json") | {"reweigh": ["crew"]})


@dataclasses.dataclass(frozen=True)
class World:
    store: FakeStore
    spec: ModelSpec
    features: FeaturesRecord
    split: SplitRecord
    model: ModelRecord

    def found(self, spec: ModelSpec | None = None, **limits: float) -> Mitigation:
        made = mitigate(
            spec or self.spec, store=self.store, model=self.model, features=self.features, limits=limits or LIMITS
        )
        return msgspec.json.decode(self.store.read(KIND, made.record.digest, FILE), type=Mitigation)


def taught(root: Path, spec: ModelSpec, matrix: Matrix | None = None) -> World:
    store = FakeStore(root.parent / f"home{len(list(root.parent.iterdir()))}")
    features, split = stored(store, spec, matrix=matrix)
    model = train(spec, store=store, features=features, tracker=FakeTracker(), actor="ann", now=NOW, root=root).record
    return World(store, spec, features, split, model)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return repository(tmp_path_factory.mktemp("repository"))


@pytest.fixture(scope="module")
def world(root: Path) -> World:
    return taught(root, toy_spec())


@pytest.fixture(scope="module")
def found(world: World) -> Mitigation:
    return world.found()


def ways(found: Mitigation) -> dict[str, Way]:
    return {way.name: way for way in found.ways}


def test_as_it_is_agrees_with_the_evaluation_and_with_fairlearn(world: World, found: Mitigation) -> None:
    evaluated = evaluate(world.spec, store=world.store, model=world.model, features=world.features, split=world.split)
    way = ways(found)["as is"]
    assert way.ratios == tuple(one for one in evaluated.measurements if one.metric in LIMITS)
    rows = read_parquet(world.store.open("evaluations", evaluated.record.digest, "scores.parquet"))
    crew = toy_rows()["crew"].to_numpy()[rows["row"]]
    frame = MetricFrame(metrics=selection_rate, y_true=rows["target"], y_pred=rows["decision"], sensitive_features=crew)
    assert way.rates == pytest.approx({f"crew={name}": rate for name, rate in frame.by_group.items()})
    assert way.ratios[0].value == pytest.approx(frame.ratio())
    oracles = (recall_score, precision_score, accuracy_score)
    assert [one.value for one in way.quality] == pytest.approx(
        [oracle(rows["target"], rows["decision"]) for oracle in oracles]
    )
    assert way.changes == ()


def test_own_thresholds_change_some_decisions_and_say_what_that_costs(found: Mitigation) -> None:
    as_is, own, equal = (ways(found)[name] for name in ("as is", "own thresholds", "equal shares"))
    least = [way.ratios[0].value or 0 for way in (as_is, own, equal)]
    assert least[0] < least[1] < least[2]
    assert own.thresholds.keys() == {"crew=a", "crew=b"}
    for way in (own, equal):
        for before, now, change in zip(as_is.quality, way.quality, way.changes, strict=True):
            assert change.value == pytest.approx((now.value or 0) - (before.value or 0))
            assert change.low is not None
            assert change.low <= (change.value or 0)
    rows = {"crew=a": own.gained["crew=a"] - own.lost["crew=a"], "crew=b": own.gained["crew=b"] - own.lost["crew=b"]}
    assert rows["crew=a"] < 0 < rows["crew=b"]


def test_the_reweighed_way_is_what_a_model_file_that_asks_for_it_gets(root: Path, found: Mitigation) -> None:
    chosen = taught(root, REWEIGHED)
    again = ways(chosen.found())
    way = ways(found)["reweighed"]
    assert again["as is"].rates == way.rates
    assert again["as is"].ratios == way.ratios
    assert again["as is"].quality == way.quality
    assert way.ratios[0].value != ways(found)["as is"].ratios[0].value
    assert again["reweighed"].reason == "the model is reweighed already: that is how it is"


def test_several_groups_and_their_combinations_are_made_alike(root: Path) -> None:
    plain = toy_matrix(toy_rows())
    day = np.where(plain.values[:, 0] + np.random.default_rng(3).normal(size=1200) > 0, "d", "n").astype(object)
    matrix = dataclasses.replace(plain, groups={**plain.groups, "shift": day})
    world = taught(root, toy_spec(), matrix)
    found = ways(world.found(selection_rate_ratio=0.8, intersection_selection_rate_ratio=0.5))
    smallest = {name: min(one.value or 0 for one in way.ratios) for name, way in found.items()}
    assert smallest["as is"] < smallest["own thresholds"]
    assert {one.metric for one in found["as is"].ratios} == {
        "selection_rate_ratio",
        "intersection_selection_rate_ratio",
    }


def test_a_group_without_an_outcome_is_why_nothing_was_reweighed(root: Path) -> None:
    plain = toy_matrix(toy_rows())
    crew = plain.groups["crew"].copy()
    crew[np.flatnonzero(plain.target == 1)[:3]] = None
    world = taught(root, toy_spec(), dataclasses.replace(plain, groups={"crew": crew}))
    way = ways(world.found())["reweighed"]
    assert "learner.reweigh: 1 of 6 combinations of group and outcome have no training row" in way.reason
    assert way.ratios == ()


def test_without_a_limit_or_of_another_task_nothing_is_measured(world: World) -> None:
    with pytest.raises(DataInvalid, match="1 group columns and 0 limits"):
        mitigate(world.spec, store=world.store, model=world.model, features=world.features, limits={})


def test_reweighing_weighs_rows_that_teach_and_that_stop_by_what_the_former_told() -> None:
    matrix = dataclasses.replace(toy_matrix(toy_rows()), weight=np.random.default_rng(1).random(1200))
    train_part, held = matrix.part_of("train"), matrix.part_of("validation")
    plain, weighed = rows_to_learn(toy_spec(), train_part, held), rows_to_learn(REWEIGHED, train_part, held)
    assert plain[0].weight is train_part.weight
    for rows, part in zip(weighed, (train_part, held), strict=True):
        assert rows.weight is not None
        assert part.weight is not None
        cells = [f"{crew}{target}" for crew, target in zip(part.groups["crew"], part.target, strict=True)]
        factors = {cell: set(np.round((rows.weight / part.weight)[np.array(cells) == cell], 9)) for cell in set(cells)}
        assert all(len(factor) == 1 for factor in factors.values())
        assert len(factors) == 4
    other = dataclasses.replace(held, target=1 - held.target)
    assert rows_to_learn(REWEIGHED, train_part, other)[0].weight == pytest.approx(weighed[0].weight)


def test_reweighing_is_a_parameter_of_the_training() -> None:
    assert parameters_digest(REWEIGHED) != parameters_digest(toy_spec())
    assert _used(REWEIGHED) == {"reweigh": '["crew"]'}
    before, now = (spec.model_dump(mode="json") for spec in (toy_spec(), REWEIGHED))
    assert [one.text for one in parameter_differences(before, now)] == [
        "learner.reweigh: nothing recorded, ['crew'] now"
    ]


def test_declared_costs_are_measured_of_every_way(root: Path) -> None:
    costly = taught(root, toy_spec(deployment={"costs": {"false_positive": 1, "false_negative": 4}}))
    as_is, *others = costly.found().ways
    for way in others:
        (cost,) = [one for one in way.quality if one.metric == "expected_cost"]
        (change,) = [one for one in way.changes if one.subject == "expected_cost"]
        (before,) = [one for one in as_is.quality if one.metric == "expected_cost"]
        assert change.value == pytest.approx((cost.value or 0) - (before.value or 0), abs=1e-12)
        assert change.n == before.n
