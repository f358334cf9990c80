"""Several classes in service: the likeliest one and every probability by name, the same bits as the model's own."""

from __future__ import annotations

import dataclasses
from functools import cache
from pathlib import Path
from typing import Any

import lightgbm
import numpy as np
import pytest

from ml_platform.adapters.artefacts import FileArtefacts
from ml_platform.adapters.keys import FileKeys
from ml_platform.adapters.traffic_log import read
from ml_platform.core.errors import DataInvalid
from ml_platform.core.scoring import score_difference
from ml_platform.serving.clean_check import check
from ml_platform.serving.openapi import document
from ml_platform.serving.predictor import Predictor
from ml_platform.stages.bundle import read_bundle
from ml_platform.stages.clean_process import measure_in_clean_process
from ml_platform.stages.ephemeral_service import ephemeral_service
from ml_platform.stages.verify_service import own_scores, verify_service
from ml_platform_tests.serving.asking import asking
from ml_platform_tests.serving.small_model import CONTRACT, MODEL, make_live, make_rows, put_model, record_of

CLASSES = ("on_time", "late", "cancelled")
OF_CLASSES = dataclasses.replace(CONTRACT, task="multiclass", classes=CLASSES, threshold=None)
ROWS = make_rows(50)


@cache
def text_of_classes() -> str:
    rng = np.random.default_rng(4)
    matrix = rng.normal(size=(600, len(CONTRACT.feature_names)))
    matrix[:, 3:5] = rng.integers(0, 3, (600, 2))
    target = np.digitize(matrix[:, 0] + rng.normal(size=600), [-0.5, 0.8])
    data = lightgbm.Dataset(
        matrix, target, feature_name=list(CONTRACT.feature_names), categorical_feature=list(CONTRACT.categorical)
    )
    settings = {"objective": "multiclass", "num_class": 3, "num_leaves": 7, "num_threads": 1, "verbosity": -1}
    return lightgbm.train(settings, data, 10).model_to_string()


def put(home: Path) -> str:
    return put_model(home, contract=OF_CLASSES, text=text_of_classes())


def test_alone_and_among_others_a_row_has_the_probabilities_of_the_models_own_library(tmp_path: Path) -> None:
    digest, store = put(tmp_path), FileArtefacts(tmp_path)
    predictor, own = Predictor.load(store, digest), own_scores(read_bundle(store, digest), ROWS)
    assert predictor.score_rows(ROWS) == own
    assert [predictor.score_rows([row])[0] for row in ROWS] == own
    assert all(isinstance(score, tuple) and sum(score) == pytest.approx(1) for score in own)


def test_an_answer_names_the_likeliest_class_and_every_probability_and_the_log_keeps_them(tmp_path: Path) -> None:
    digest = put(tmp_path)
    make_live(tmp_path, digest)
    with asking(tmp_path) as asker:
        said = asker.score_rows(ROWS).json["predictions"]
        live = asker.app.follower.live
        assert live is not None
        described: Any = document(MODEL, live)["components"]
        schema = described["schemas"]["Answer"]["properties"]["predictions"]["items"]
    own = own_scores(read_bundle(FileArtefacts(tmp_path), digest), ROWS)
    assert [tuple(one["probabilities"].values()) for one in said] == own
    assert {tuple(one["probabilities"]) for one in said} == {CLASSES}
    assert all(one["probabilities"][one["class"]] == max(one["probabilities"].values()) for one in said)
    assert schema["properties"]["class"]["enum"] == list(CLASSES)
    served = read(tmp_path / "traffic" / "staging" / MODEL, keys=FileKeys(tmp_path)).predictions
    assert [one.scores for one in served] == own
    assert [one.score for one in served] == [max(one) for one in own if isinstance(one, tuple)]


def test_a_running_service_and_a_clean_process_give_exactly_the_models_scores(tmp_path: Path) -> None:
    digest, store = put(tmp_path), FileArtefacts(tmp_path)
    make_live(tmp_path, digest)
    with ephemeral_service(tmp_path, MODEL, "staging", traffic=tmp_path / "traffic") as url:
        found = {one.metric: one for one in verify_service(url, store=store, model=record_of(digest), rows=ROWS)}
    assert found["service_scores_equal"].value == 0
    assert found["service_refuses_bad_input"].value == 1
    own = own_scores(read_bundle(store, digest), ROWS)
    clean = {one.metric: one for one in measure_in_clean_process(store.folder("models", digest), digest, ROWS, own)}
    assert clean["clean_scores_equal"].value == 0
    shifted = [tuple(reversed(one)) for one in own if isinstance(one, tuple)]
    assert check(store.folder("models", digest), digest, ROWS).scores != tuple(shifted)


def test_trees_that_give_other_scores_than_the_contract_names_arent_loaded(tmp_path: Path) -> None:
    two = put_model(tmp_path, contract=dataclasses.replace(OF_CLASSES, classes=CLASSES[:2]), text=text_of_classes())
    with pytest.raises(DataInvalid, match=r"the trees give 3 scores a row, scoring\.json names 2"):
        Predictor.load(FileArtefacts(tmp_path), two)


def test_scores_of_another_form_are_infinitely_far_apart() -> None:
    assert score_difference((0.5, 0.5), (0.5, 0.25, 0.25)) == float("inf")
    assert score_difference(0.25, 0.75) == 0.5
