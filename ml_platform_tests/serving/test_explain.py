"""An explanation adds up to the raw score, is LightGBM's own, and says no value."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import lightgbm
import numpy as np
import pytest

from ml_platform.adapters.artefacts import FileArtefacts
from ml_platform.adapters.keys import FileKeys
from ml_platform.adapters.traffic_log import read
from ml_platform.core.errors import DataInvalid
from ml_platform.serving.by_column import column_parts, column_reasons
from ml_platform.serving.explain import MOST_ROWS, require_sums
from ml_platform.serving.native_booster import NativeBooster
from ml_platform.serving.predictor import Predictor, RawScores
from ml_platform_tests.serving.asking import JSON, Asker, Reply, asking
from ml_platform_tests.serving.small_model import (
    CONTRACT,
    GOOD_ROW,
    MODEL,
    expected_scores,
    make_live,
    make_rows,
    matrix_of,
    put_model,
    trained_text,
)
from ml_platform_tests.serving.test_classes import CLASSES, OF_CLASSES, text_of_classes

ROWS = make_rows(25)


def explain(asker: Asker, rows: object, query: bytes = b"") -> Reply:
    return asker.ask("POST", "/explain", [json.dumps({"dataframe_records": rows}).encode()], JSON, query=query)


def test_contributions_are_lightgbms_own_and_add_up_to_the_raw_score(shared: Asker) -> None:
    reply = explain(shared, ROWS)
    assert reply.json["predictions"] == expected_scores(ROWS)
    booster = lightgbm.Booster(model_str=trained_text(1))
    matrix = matrix_of(ROWS)
    oracle = np.asarray(booster.predict(matrix, pred_contrib=True, num_threads=1))
    raw = np.asarray(booster.predict(matrix, raw_score=True, num_threads=1))
    told = reply.json["explanations"]
    assert [list(one["contributions"]) for one in told] == [list(CONTRACT.feature_names)] * 25
    assert np.array([[*one["contributions"].values(), one["average"]] for one in told]) == pytest.approx(
        oracle, abs=1e-12
    )
    for one, expected in zip(told, raw, strict=True):
        assert one["raw"] == expected
        assert one["average"] + sum(one["contributions"].values()) == pytest.approx(expected, abs=1e-9)


def test_reasons_lead_to_the_decision_the_strongest_first(shared: Asker) -> None:
    for one, score in zip(explain(shared, ROWS, b"reasons=2").json["explanations"], expected_scores(ROWS), strict=True):
        sign = 1 if score >= 0.5 else -1
        assert (one["decision"], one["unit"]) == ("positive" if sign > 0 else "negative", "log-odds")
        towards = sorted((value * sign for value in one["contributions"].values()), reverse=True)
        assert [reason["contribution"] * sign for reason in one["reasons"]] == [
            value for value in towards if value > 0
        ][:2]
        for reason in one["reasons"]:
            assert reason["words"].startswith(
                f"{reason['feature']} {'raises' if sign > 0 else 'lowers'} the log-odds by "
            )


def test_no_value_of_the_row_is_said(shared: Asker) -> None:
    body = explain(shared, [{**GOOD_ROW, "account": 98765.25, "carrier": "Q7Q7"}]).body.decode()
    assert "98765" not in body
    assert "Q7Q7" not in body


def test_an_explained_row_is_logged_as_any_other(home: Path) -> None:
    with asking(home) as asker:
        reply = explain(asker, [GOOD_ROW])
        text = asker.ask("GET", "/metrics").body.decode()
    (logged,) = read(home / "traffic" / "staging" / MODEL, keys=FileKeys(home)).predictions
    assert ([logged.id], [logged.score]) == (reply.json["prediction_ids"], reply.json["predictions"])
    assert 'requests_total{path="/explain",status="200"} 1' in text


def test_csv_is_explained_too(shared: Asker) -> None:
    body = ",".join(GOOD_ROW) + "\n" + ",".join(map(str, GOOD_ROW.values()))
    reply = shared.ask("POST", f"/models/{MODEL}/explain", [body.encode()], [(b"content-type", b"text/csv")])
    assert (reply.status, len(reply.json["explanations"])) == (200, 1)


@pytest.mark.parametrize(
    "query", [b"reasons=x", b"reasons=-1", b"reasons=1000", b"reasons=", b"top=3", b"reasons=\xff"]
)
def test_a_query_that_is_not_understood_is_refused(shared: Asker, query: bytes) -> None:
    reply = explain(shared, [GOOD_ROW], query)
    assert (reply.status, "only ?reasons= is known" in reply.json["message"]) == (400, True)


def test_too_many_rows_and_rows_out_of_contract_are_refused(shared: Asker) -> None:
    assert explain(shared, [GOOD_ROW] * (MOST_ROWS + 1)).status == 413
    assert explain(shared, [{**GOOD_ROW, "hour": 24}]).status == 422
    assert explain(shared, [GOOD_ROW], b"reasons=0").json["explanations"][0]["reasons"] == []


def test_of_several_classes_the_likeliest_is_explained(tmp_path: Path) -> None:
    make_live(tmp_path, put_model(tmp_path, contract=OF_CLASSES, text=text_of_classes()))
    with asking(tmp_path) as asker:
        reply = explain(asker, ROWS)
    oracle = np.asarray(lightgbm.Booster(model_str=text_of_classes()).predict(matrix_of(ROWS), pred_contrib=True))
    width = len(CONTRACT.feature_names) + 1
    for one, said, expected in zip(reply.json["explanations"], reply.json["predictions"], oracle, strict=True):
        assert (one["decision"], one["unit"]) == (said["class"], "logit")
        own = expected.reshape(-1, width)[CLASSES.index(said["class"])]
        assert [*one["contributions"].values(), one["average"]] == pytest.approx(own, abs=1e-12)


def test_a_number_has_reasons_in_both_directions(tmp_path: Path) -> None:
    contract = dataclasses.replace(CONTRACT, threshold=None, task="regression")
    make_live(tmp_path, put_model(tmp_path, contract=contract, text=numbers_text()))
    with asking(tmp_path) as asker:
        told = explain(asker, ROWS, b"reasons=10").json["explanations"]
    assert {(one["decision"], one["unit"]) for one in told} == {("", "")}
    assert {reason["effect"] for one in told for reason in one["reasons"]} == {"raises", "lowers"}
    assert "the prediction by" in told[0]["reasons"][0]["words"]


def numbers_text() -> str:
    rng = np.random.default_rng(3)
    matrix = rng.normal(size=(300, len(CONTRACT.feature_names)))
    data = lightgbm.Dataset(matrix, matrix[:, 0] - matrix[:, 2], feature_name=list(CONTRACT.feature_names))
    settings: dict[str, Any] = {"objective": "regression", "num_leaves": 5, "num_threads": 1, "verbosity": -1}
    return lightgbm.train(settings, data, 5).model_to_string()


def test_contributions_that_do_not_add_up_explain_nothing(tmp_path: Path) -> None:
    found = Predictor.load(FileArtefacts(tmp_path), put_model(tmp_path)).explain_rows(ROWS)
    require_sums(found)
    for wrong in (0.1, np.nan):
        with pytest.raises(DataInvalid, match="have to add up"):
            require_sums(RawScores(found.average, found.contributions, found.raw + np.array([[wrong]])))


def test_explaining_leaves_scores_what_they_were() -> None:
    booster = NativeBooster(trained_text(1).encode())
    matrix = matrix_of(ROWS)
    before = booster.score_many(matrix).tolist()
    booster.contributions(matrix)
    assert booster.score_many(matrix).tolist() == before
    assert [booster.scores_one(row)[0] for row in matrix.tolist()] == before


def test_by_column_the_same_is_told_and_adds_up(shared: Asker) -> None:
    for one in explain(shared, ROWS).json["explanations"]:
        parts = {tuple(part["columns"]): part for part in one["columns"]}
        assert [*parts] == [
            ("hour",), ("distance",), ("distance", "wind"), ("wind",), ("carrier",), ("origin",), ("weekend",),
            ("account",),
        ]  # fmt: skip
        assert parts["hour",]["features"] == ["hour", "hour_sin", "hour_cos"]
        own = one["contributions"]
        assert parts["hour",]["contribution"] == pytest.approx(own["hour"] + own["hour_sin"] + own["hour_cos"])
        whole = one["average"] + sum(part["contribution"] for part in one["columns"])
        assert whole == pytest.approx(one["raw"], abs=1e-9)
        told = sorted((part["contribution"] for part in one["columns"]), reverse=one["decision"] == "positive")
        assert [reason["contribution"] for reason in one["column_reasons"]] == told[: len(one["column_reasons"])]


def test_columns_that_a_feature_puts_together_are_named_together() -> None:
    contract = dataclasses.replace(
        CONTRACT, feature_names=("hour", "long", "fixed"), made_from={"hour": ("hour",), "long": ("distance", "wind")}
    )
    parts = column_parts(contract, [0.5, -0.25, 0.125])
    assert [(part.columns, part.features) for part in parts] == [
        ((), ("fixed",)), (("hour",), ("hour",)), (("distance", "wind"), ("long",))
    ]  # fmt: skip
    assert [reason.words for reason in column_reasons(parts, 0, 9, "log-odds")] == [
        "hour raises the log-odds by 0.5",
        "distance and wind together lower the log-odds by 0.25",
        "the features fixed raise the log-odds by 0.125",
    ]
    assert [reason.columns for reason in column_reasons(parts, -1, 9, "")] == [("distance", "wind")]


def test_a_model_that_does_not_say_what_its_features_are_made_of_is_explained_by_feature_alone(tmp_path: Path) -> None:
    make_live(tmp_path, put_model(tmp_path, contract=dataclasses.replace(CONTRACT, made_from={})))
    with asking(tmp_path) as asker:
        (told,) = explain(asker, [GOOD_ROW]).json["explanations"]
    assert (told["columns"], told["column_reasons"]) == ([], [])
    assert told["reasons"]
