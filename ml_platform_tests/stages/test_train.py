from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ml_platform.core.errors import DataInvalid, Unavailable
from ml_platform.core.measured import Measured
from ml_platform.core.records import ModelRecord
from ml_platform.learners.lightgbm_native import predict
from ml_platform.policy.spec import ModelSpec
from ml_platform.stages.bundle import read_bundle
from ml_platform.stages.environment import Environment
from ml_platform.stages.train import train
from ml_platform_tests.fakes.store import FakeStore
from ml_platform_tests.fakes.tracker import FakeTracker
from ml_platform_tests.stages.toy import NOW, repository, stored, toy_matrix, toy_rows, toy_spec


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return repository(tmp_path / "repository")


@pytest.fixture
def store(tmp_path: Path) -> FakeStore:
    return FakeStore(tmp_path / "home")


def trained(
    store: FakeStore, root: Path, spec: ModelSpec | None = None, tracker: FakeTracker | None = None, **changes: Any
) -> Measured[ModelRecord]:
    spec = spec or toy_spec()
    features, _ = stored(store, spec)
    said = {"features": features, "actor": "ann", "now": NOW, "root": root, **changes}
    return train(spec, store=store, tracker=tracker or FakeTracker(), **said)


def test_a_training_leaves_an_artefact_that_scores_as_it_did(store: FakeStore, root: Path) -> None:
    record = trained(store, root).record
    bundle = read_bundle(store, record.digest)
    matrix = toy_matrix(toy_rows())
    columns = {name: matrix.column(name)[:5] for name in ("load", "wind", "site")}
    rebuilt = np.column_stack(list(bundle.transform(columns, bundle.features.state).values()))
    text = bundle.model_text.decode()
    assert predict(text, rebuilt).tobytes() == predict(text, matrix.values[:5]).tobytes()
    assert bundle.contract.threshold == record.threshold
    assert bundle.contract.feature_names == matrix.names
    assert bundle.features.levels == {"site": ("north", "south", "west")}


def test_the_same_training_again_is_the_same_artefact_and_says_so(store: FakeStore, root: Path) -> None:
    first, second = trained(store, root), trained(store, root)
    assert first.record.digest == second.record.digest
    assert first.record.tree_digest == second.record.tree_digest
    assert (first.unchanged, second.unchanged) == (False, True)


def test_another_seed_is_another_model_and_other_parameters(store: FakeStore, root: Path) -> None:
    learner = toy_spec().learner.model_dump() | {"seed": 8, "parameters": {"bagging_fraction": 0.5, "bagging_freq": 1}}
    first, second = trained(store, root).record, trained(store, root, toy_spec(learner=learner)).record
    assert first.tree_digest != second.tree_digest
    assert first.parameters_digest != second.parameters_digest


def test_every_fact_of_the_training_is_measured(store: FakeStore, root: Path) -> None:
    found = {each.metric: each for each in trained(store, root).measurements}
    assert {metric: found[metric].value for metric in ("conditions_missing", "tracked", "reproducible", "rounds")} == {
        "conditions_missing": 0, "tracked": 1, "reproducible": 1, "rounds": 30,
    }  # fmt: skip
    assert found["artefact_is_text"].value == 1
    assert found["reproducible"].n == 20
    assert found["decision_threshold"].facts["selected_share"] == pytest.approx(0.3, abs=0.02)
    assert trained(store, root).record.threshold_rule == "highest 0.3 of the scores on the calibration rows"


def test_the_run_carries_every_digest_and_condition(store: FakeStore, root: Path) -> None:
    tracker = FakeTracker()
    record = trained(store, root, tracker=tracker).record
    run = tracker.runs[record.run_id]
    assert run.tags["snapshot_digest"] == "a" * 64
    assert run.tags["model_digest"] == record.digest
    assert run.tags["tree_digest"] == record.tree_digest
    assert run.tags["environment_digest"] == record.conditions.environment_digest
    assert run.tags["git_commit"] == record.conditions.git_commit
    assert (run.parameters["seed"], run.parameters["num_leaves"]) == (7, 7)
    assert list(run.files) == sorted(store.names("models", record.digest))


def test_a_tracker_that_forgets_the_run_is_measured_as_such(store: FakeStore, root: Path) -> None:
    class Forgetful(FakeTracker):
        def has_run(self, run_id: str) -> bool:
            return False

    found = {each.metric: each.value for each in trained(store, root, tracker=Forgetful()).measurements}
    assert found["tracked"] == 0


def test_a_tracker_that_is_down_stops_the_training(store: FakeStore, root: Path) -> None:
    tracker = FakeTracker()
    tracker.down = True
    with pytest.raises(Unavailable):
        trained(store, root, tracker=tracker)


def test_a_missing_condition_refuses_to_train(store: FakeStore, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    nothing = Environment(python="CPython 3.11.7", distributions=(), lock_digest="")
    monkeypatch.setattr("ml_platform.stages.train.read_environment", lambda _: nothing)
    with pytest.raises(DataInvalid, match="environment_digest, lock unknown"):
        trained(store, root)
    assert not (store.home / "models").exists()


def test_features_built_with_other_code_are_refused(store: FakeStore, root: Path) -> None:
    features, _ = stored(store, toy_spec())
    with pytest.raises(DataInvalid, match="build them again"):
        trained(store, root, features=dataclasses.replace(features, code_digest="9" * 64))


def test_one_class_among_the_training_rows_is_refused(store: FakeStore, root: Path) -> None:
    matrix = toy_matrix(toy_rows())
    spec = toy_spec()
    features, _ = stored(store, spec, matrix=dataclasses.replace(matrix, target=np.ones_like(matrix.target)))
    with pytest.raises(DataInvalid, match="one class"):
        train(spec, store=store, features=features, tracker=FakeTracker(), actor="ann", now=NOW, root=root)


def test_dart_is_repeated_whole_because_it_changes_earlier_trees(store: FakeStore, root: Path) -> None:
    learner = toy_spec().learner.model_dump() | {"parameters": {"boosting": "dart", "num_leaves": 7}}
    found = {each.metric: each for each in trained(store, root, toy_spec(learner=learner)).measurements}
    assert (found["reproducible"].value, found["reproducible"].n) == (1, 30)
