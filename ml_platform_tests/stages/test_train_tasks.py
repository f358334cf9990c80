"""Training each task: what the artefact holds, what is measured, and that one way leads from features to scores."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pandas as pd
import pytest

from ml_platform.core.errors import DataInvalid
from ml_platform.core.measured import Measured
from ml_platform.core.records import ModelRecord
from ml_platform.core.scoring import CALIBRATION, SCORING, ScoringContract, contract_json
from ml_platform.learners.calibration import calibrate
from ml_platform.learners.lightgbm_native import predict
from ml_platform.policy.spec import ModelSpec
from ml_platform.serving.predictor import Predictor
from ml_platform.stages.bundle import read_bundle
from ml_platform.stages.encode_target import encode_target
from ml_platform.stages.matrix import Matrix, matrix_digest, matrix_frame, matrix_of
from ml_platform.stages.model_files import files_digest, read_scorer
from ml_platform.stages.train import rows_of, rows_to_learn, train
from ml_platform.stages.training_run import _used
from ml_platform.stages.verify_service import own_scores
from ml_platform_tests.fakes.store import FakeStore
from ml_platform_tests.fakes.tracker import FakeTracker
from ml_platform_tests.stages.toy import NOW, repository, stored, toy_matrix, toy_rows, toy_spec

LEVELS = ("early", "late", "lost")
COLUMNS = {
    "binary": {"type": "boolean", "role": "target"},
    "multiclass": {"type": "category", "levels": LEVELS, "role": "target"},
    "regression": {"type": "number", "role": "target"},
    "quantile": {"type": "number", "role": "target"},
}


def spec_of(task: str, contract: dict[str, Any] | None = None, **learner: Any) -> ModelSpec:
    plain = toy_spec().model_dump(mode="json", exclude_defaults=True)
    said = plain["learner"] | {"objective": task, **({"quantile": 0.9} if task == "quantile" else {}), **learner}
    columns = plain["contract"] | {"late": COLUMNS[task]} | (contract or {})
    return toy_spec(contract=columns, learner=said, deployment=plain["deployment"] if task == "binary" else {})


def matrix_for(task: str) -> Matrix:
    matrix = toy_matrix(toy_rows())
    signal = matrix.column("load") + np.random.default_rng(3).normal(size=matrix.target.size)
    match task:
        case "binary":
            return matrix
        case "multiclass":
            return dataclasses.replace(matrix, target=np.digitize(signal, [-0.5, 1.0]).astype(np.float64))
        case _:
            return dataclasses.replace(matrix, target=signal)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return repository(tmp_path_factory.mktemp("repository"))


@pytest.fixture
def store(tmp_path: Path) -> FakeStore:
    return FakeStore(tmp_path / "home")


def trained(store: FakeStore, root: Path, spec: ModelSpec, matrix: Matrix) -> Measured[ModelRecord]:
    features, _ = stored(store, spec, matrix=matrix)
    return train(spec, store=store, features=features, tracker=FakeTracker(), actor="ann", now=NOW, root=root)


@pytest.mark.parametrize(
    ("task", "loss"),
    [("multiclass", "log_loss"), ("regression", "mean_squared_error"), ("quantile", "pinball_loss")],
)
def test_a_model_that_isnt_binary_has_no_threshold_and_says_what_its_scores_are(
    store: FakeStore, root: Path, task: str, loss: str
) -> None:
    spec = spec_of(task, early_stopping_rounds=10)
    made = trained(store, root, spec, matrix_for(task))
    found = {each.metric: each.value for each in made.measurements}
    assert (found["reproducible"], found["artefact_is_text"]) == (1, 1)
    assert "decision_threshold" not in found
    assert made.record.threshold is None
    assert made.record.metrics.keys() == {"rounds", "train_rows", f"validation_{loss}"}
    contract = read_bundle(store, made.record.digest).contract
    assert (contract.task, contract.threshold) == (task, None)
    assert contract.classes == (LEVELS if task == "multiclass" else ())
    assert contract.quantile == (0.9 if task == "quantile" else None)
    assert contract.made_from == {name: (name,) for name in contract.feature_names}


def test_the_scores_of_several_classes_are_one_column_each(store: FakeStore, root: Path) -> None:
    matrix = matrix_for("multiclass")
    record = trained(store, root, spec_of("multiclass", calibration="isotonic"), matrix).record
    score = read_scorer(store, record.digest).score(matrix.part_of("holdout").values)
    assert score.shape == (200, 3)
    assert score.sum(axis=1) == pytest.approx(1)
    assert (score.argmax(axis=1) == matrix.part_of("holdout").target).mean() > 0.45


@pytest.mark.parametrize("method", ["isotonic", "platt"])
def test_a_calibration_is_part_of_the_model_wherever_it_scores(store: FakeStore, root: Path, method: str) -> None:
    matrix = matrix_for("binary")
    record = trained(store, root, spec_of("binary", class_weight="balanced", calibration=method), matrix).record
    bundle = read_bundle(store, record.digest)
    assert bundle.contract.calibration == method
    held, calibration = matrix.part_of("holdout"), matrix.part_of("calibration")
    raw = predict(bundle.model_text.decode(), held.values)
    scorer = read_scorer(store, record.digest)
    score = scorer.score(held.values)
    assert score.tobytes() == calibrate(bundle.calibration, raw).tobytes() != raw.tobytes()
    assert scorer.score(calibration.values).mean() == pytest.approx(calibration.target.mean(), abs=0.01)
    rows = [
        {"load": load, "wind": None if np.isnan(wind) else wind, "site": ("north", "south", "west")[int(site)]}
        for load, wind, site in zip(*(held.column(name).tolist() for name in ("load", "wind", "site")), strict=True)
    ]
    predictor = Predictor(bundle)
    assert predictor.score_rows(rows) == score.tolist() == own_scores(bundle, rows)
    assert [predictor.score_rows([row])[0] for row in rows] == score.tolist()


def test_the_threshold_is_chosen_on_calibrated_scores(store: FakeStore, root: Path) -> None:
    matrix = matrix_for("binary")
    record = trained(store, root, spec_of("binary", calibration="platt"), matrix).record
    score = read_scorer(store, record.digest).score(matrix.part_of("calibration").values)
    assert record.threshold is not None
    assert (score >= record.threshold).mean() == pytest.approx(0.3, abs=0.02)


def test_the_digest_covers_the_calibration(store: FakeStore, root: Path) -> None:
    digest = trained(store, root, spec_of("binary", calibration="platt"), matrix_for("binary")).record.digest
    files = {name: store.read("models", digest, name) for name in store.names("models", digest)}
    assert files_digest(files) == digest
    assert files_digest({name: content for name, content in files.items() if name != CALIBRATION}) != digest
    assert files_digest({**files, CALIBRATION: files[CALIBRATION].replace(b"1", b"2", 1)}) != digest


@pytest.mark.parametrize("named", [True, False])
def test_a_calibration_that_the_contract_doesnt_name_or_that_is_gone_is_refused(
    store: FakeStore, root: Path, *, named: bool
) -> None:
    digest = trained(store, root, spec_of("binary", calibration="platt"), matrix_for("binary")).record.digest
    files = {name: store.read("models", digest, name) for name in store.names("models", digest)}
    contract = msgspec.json.decode(files[SCORING], type=ScoringContract)
    if named:
        del files[CALIBRATION]
    else:
        files[SCORING] = contract_json(dataclasses.replace(contract, calibration="")).encode()
    other = files_digest(files)
    store.put("models", other, files)
    seen = "no calibration, with platt named" if named else "a platt calibration, with none named"
    with pytest.raises(DataInvalid, match=seen):
        read_bundle(store, other)


def test_a_contract_is_written_under_the_lowest_version_that_can_say_it() -> None:
    plain = ScoringContract(
        model="toy", inputs=(), time=None, features_module="x", code_digest="c", feature_names=(), categorical=(),
        threshold=0.5,
    )  # fmt: skip
    written = msgspec.json.decode(contract_json(plain))
    assert written["schema_version"] == 1
    assert not {"classes", "quantile", "calibration"} & written.keys()
    later = msgspec.json.decode(contract_json(dataclasses.replace(plain, calibration="platt")), type=ScoringContract)
    assert (later.schema_version, later.calibration) == (2, "platt")


def test_a_class_without_training_rows_is_refused_by_name(store: FakeStore, root: Path) -> None:
    matrix = matrix_for("multiclass")
    with pytest.raises(DataInvalid, match="no outcome is of class lost"):
        trained(store, root, spec_of("multiclass"), dataclasses.replace(matrix, target=np.minimum(matrix.target, 1.0)))


def test_a_direction_of_a_feature_that_doesnt_exist_is_refused_with_the_nearest(store: FakeStore, root: Path) -> None:
    with pytest.raises(DataInvalid, match="'laod' is no feature; did you mean 'load'"):
        trained(store, root, spec_of("binary", monotone={"laod": "increasing"}), matrix_for("binary"))


def test_outcomes_are_the_codes_of_the_declared_levels() -> None:
    values = pd.Series(pd.Categorical(["lost", "early", None, "late"], categories=["late", "lost", "early"]))
    assert encode_target(spec_of("multiclass"), values).tolist()[:2] == [2.0, 0.0]
    assert np.isnan(encode_target(spec_of("multiclass"), values)[2])
    assert encode_target(spec_of("regression"), pd.Series([1.5, 2.0])).tolist() == [1.5, 2.0]
    assert encode_target(toy_spec(), pd.Series([True, False], dtype="boolean")).tolist() == [1.0, 0.0]


def test_weights_travel_with_the_rows_and_teach(store: FakeStore, root: Path) -> None:
    plain = matrix_for("binary")
    weighted = dataclasses.replace(plain, weight=np.random.default_rng(2).random(plain.target.size))
    again = matrix_of(matrix_frame(weighted), weighted.names, weighted.categorical)
    assert again.weight is not None
    assert weighted.weight is not None
    assert again.weight.tobytes() == weighted.weight.tobytes()
    assert matrix_digest(weighted) == matrix_digest(again) != matrix_digest(plain)
    weight = {"weight": {"type": "number", "range": [0, 1], "role": "weight"}}
    spec = spec_of("binary", contract=weight, weights="weight")
    rows = rows_of(spec, weighted.part_of("train"))
    assert rows.weight is not None
    assert (rows.weight.shape, rows.classes) == ((600,), ("negative", "positive"))
    first, second = (trained(FakeStore(root.parent / name), root, spec, matrix).record for name, matrix in
                     (("weighted", weighted), ("plain", plain)))  # fmt: skip
    assert first.tree_digest != second.tree_digest


def test_a_row_counts_half_as_much_with_every_half_life_of_its_age() -> None:
    plain = matrix_for("binary")
    days = np.arange(plain.target.size)
    time = (np.datetime64("2024-01-01", "us") + days * np.timedelta64(1, "D")).astype("datetime64[us]")
    spec = spec_of("binary", half_life_days=100.0)
    aged = dataclasses.replace(plain, time=time)
    train, held = aged.part_of("train"), aged.part_of("validation")
    taught, stopping = rows_to_learn(spec, train, held)
    assert train.time is not None
    assert taught.weight is not None
    age = (train.time.max() - train.time) / np.timedelta64(1, "D")
    np.testing.assert_allclose(taught.weight, np.exp2(-age / 100.0))
    assert stopping.weight is not None
    assert set(stopping.weight) == {1.0}
    own = dataclasses.replace(train, weight=np.full(train.target.size, 3.0))
    weighed, _ = rows_to_learn(spec, own, dataclasses.replace(held, weight=np.full(held.target.size, 2.0)))
    assert weighed.weight is not None
    np.testing.assert_allclose(weighed.weight, 3.0 * taught.weight)
    with pytest.raises(DataInvalid, match="half_life_days needs the time of every training row"):
        rows_to_learn(spec, dataclasses.replace(train, time=None), held)


def test_the_run_says_what_the_learner_was_told_and_nothing_that_it_wasnt() -> None:
    said: dict[str, Any] = {
        "class_weight": {"positive": 2.0},
        "calibration": "platt",
        "monotone": {"load": "increasing"},
    }
    assert _used(spec_of("binary", **said)) == {
        "class_weight": '{"positive":2.0}', "calibration": "platt", "monotone": '{"load":"increasing"}',
    }  # fmt: skip
    assert _used(spec_of("quantile")) == {"quantile": "0.9"}
    assert _used(toy_spec()) == {}


def test_records_from_before_are_read(store: FakeStore, root: Path) -> None:
    record = trained(store, root, toy_spec(), matrix_for("binary")).record
    stored_text = msgspec.json.encode(record)
    assert msgspec.json.decode(stored_text, type=ModelRecord) == record
    none = dataclasses.replace(record, threshold=None)
    assert msgspec.json.decode(msgspec.json.encode(none), type=ModelRecord) == none
