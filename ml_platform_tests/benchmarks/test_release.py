"""The plain script of the release benchmark trains the governed model itself: an oracle for the whole path to it."""

from __future__ import annotations

import datetime as dt
import importlib.util
from pathlib import Path
from types import ModuleType

import pytest
import yaml

from ml_platform.adapters.artefacts import FileArtefacts
from ml_platform.learners.lightgbm_native import fit, predict
from ml_platform.learners.tree_text import tree_digest
from ml_platform.policy.load import load_model
from ml_platform.sources.read import fingerprint
from ml_platform.stages.features import build_features, read_matrix
from ml_platform.stages.matrix import Matrix
from ml_platform.stages.snapshot import take_snapshot
from ml_platform.stages.split import make_split
from ml_platform.stages.train import rows_of

ROOT = Path(__file__).parents[2]
NOW = dt.datetime(2024, 5, 1, tzinfo=dt.UTC)
FLIGHTS = ROOT / "ml_platform" / "defs" / "flights" / "defs.yaml"
ROUNDS = 4


@pytest.fixture(scope="module")
def plain() -> ModuleType:
    found = importlib.util.spec_from_file_location("plain_release", ROOT / "benchmarks" / "plain_release.py")
    assert found is not None
    assert found.loader is not None
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def governed(tmp_path_factory: pytest.TempPathFactory) -> Matrix:
    spec, store = load_model(FLIGHTS, now=NOW).spec, FileArtefacts(tmp_path_factory.mktemp("home"))
    source = fingerprint(spec, now=NOW).record
    taken = take_snapshot(spec, store=store, source=source, as_of=None, reference=None, now=NOW)
    snapshot = taken.snapshot.record
    split = make_split(spec, store=store, snapshot=snapshot, as_of=None).record
    return read_matrix(store, build_features(spec, store=store, snapshot=snapshot, split=split).record)


def test_a_plain_script_and_the_governed_path_train_the_same_trees(plain: ModuleType, governed: Matrix) -> None:
    said = yaml.safe_load(FLIGHTS.read_text())["attributes"]
    said["learner"]["rounds"] = ROUNDS
    rows = plain.read(said)
    parts = plain.split(rows, said)
    features = plain.prepare(rows, parts["train"])
    script = plain.train(features, rows["late"], parts, said["learner"])
    spec = load_model(FLIGHTS, now=NOW).spec
    learner = spec.learner.model_copy(update={"rounds": ROUNDS})
    ours = fit(learner, rows_of(spec, governed.part_of("train")))
    assert tree_digest(ours.text) == tree_digest(script.model_to_string())
    mine, theirs = predict(ours.text, governed.part_of("holdout").values), script.predict(features[parts["holdout"]])
    assert mine.tobytes() == theirs.tobytes()
