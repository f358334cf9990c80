"""The Open Inference Protocol, spoken by hand and by Triton's own client, gives the scores of MLflow's protocol."""

from __future__ import annotations

import contextlib
import dataclasses
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tritonclient import http as triton
from tritonclient.utils import InferenceServerException, np_to_triton_dtype

from ml_platform.adapters.keys import FileKeys
from ml_platform.adapters.traffic_log import read
from ml_platform_tests.serving.asking import Asker, Reply, asking, serving
from ml_platform_tests.serving.small_model import (
    CONTRACT,
    GOOD_ROW,
    LEVELS,
    MODEL,
    expected_scores,
    make_live,
    make_rows,
    put_model,
)

INFER = f"/v2/models/{MODEL}/infer"
TYPES = {
    "hour": "INT64", "distance": "FP64", "wind": "FP64", "carrier": "BYTES", "origin": "BYTES", "weekend": "FP64",
    "account": "FP64",
}  # fmt: skip
DTYPES = {"INT64": "int64", "FP64": "float64", "BYTES": "object"}


def tensors(rows: Sequence[Mapping[str, object]], types: Mapping[str, str] = TYPES) -> list[dict[str, object]]:
    return [
        {"name": name, "shape": [len(rows)], "datatype": types[name], "data": [row[name] for row in rows]}
        for name in GOOD_ROW
    ]


def ask(asker: Asker, content: object, path: str = INFER, **headers: bytes) -> Reply:
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    return asker.ask(
        "POST", path, [body], [(name.replace("_", "-").encode(), value) for name, value in headers.items()]
    )


def changed(**said: object) -> dict[str, object]:
    """Return a request for one good row, whose tensor of distances says something else."""
    inputs = tensors([GOOD_ROW])
    inputs[1] = {**inputs[1], **said}
    return {"inputs": inputs}


def arrays(rows: Sequence[Mapping[str, object]]) -> dict[str, np.ndarray[tuple[int, ...], np.dtype[np.generic]]]:
    """Return rows as a client of numpy has them: NaN for a missing number, an empty text for a missing text."""
    missing = {"BYTES": "", "FP64": np.nan}
    return {
        name: np.array([missing[kind] if row[name] is None else row[name] for row in rows], dtype=DTYPES[kind])
        for name, kind in TYPES.items()
    }


def infer_inputs(rows: Sequence[Mapping[str, object]], *, binary: bool, column: bool) -> list[triton.InferInput]:
    made = []
    for name, values in arrays(rows).items():
        shaped = values.reshape(-1, 1) if column else values
        one = triton.InferInput(name, list(shaped.shape), np_to_triton_dtype(shaped.dtype))
        made.append(one.set_data_from_numpy(shaped, binary_data=binary))
    return made


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[triton.InferenceServerClient]:
    home = tmp_path_factory.mktemp("home")
    make_live(home, put_model(home))
    with serving(home) as server, contextlib.closing(triton.InferenceServerClient(f"127.0.0.1:{server.port}")) as asks:
        yield asks


def test_tritons_client_finds_the_server_and_the_model(client: triton.InferenceServerClient) -> None:
    assert client.is_server_live()
    assert client.is_server_ready()
    assert client.is_model_ready(MODEL)
    assert client.is_model_ready(MODEL, "1")
    assert not client.is_model_ready(MODEL, "2")
    assert not client.is_model_ready("other")
    assert client.get_server_metadata()["extensions"] == ["binary_tensor_data"]
    said = client.get_model_metadata(MODEL)
    assert (said["name"], said["versions"]) == (MODEL, ["1"])
    assert {one["name"]: one["datatype"] for one in said["inputs"]} == {**TYPES, "weekend": "BOOL", "departs": "BYTES"}
    assert [one["name"] for one in said["outputs"]] == ["score", "prediction_id"]


@pytest.mark.parametrize("binary", [True, False], ids=["binary", "json"])
@pytest.mark.parametrize("column", [True, False], ids=["n-1", "n"])
def test_tritons_client_gets_exactly_the_models_scores(
    client: triton.InferenceServerClient, *, binary: bool, column: bool
) -> None:
    rows = make_rows(30)
    found = client.infer(MODEL, infer_inputs(rows, binary=binary, column=column), request_id="mine")
    scores = found.as_numpy("score")
    assert scores.dtype == np.float64
    assert scores.tolist() == expected_scores(rows)
    assert len({bytes(one) for one in found.as_numpy("prediction_id")}) == 30
    assert (found.get_response()["id"], found.get_response()["model_version"]) == ("mine", "1")


def test_tritons_client_gets_only_the_outputs_it_asks_for(client: triton.InferenceServerClient) -> None:
    for binary in (True, False):
        wanted = [triton.InferRequestedOutput("score", binary_data=binary)]
        found = client.infer(MODEL, infer_inputs([GOOD_ROW], binary=True, column=False), "1", outputs=wanted)
        assert found.as_numpy("score").tolist() == expected_scores([GOOD_ROW])
        assert [one["name"] for one in found.get_response()["outputs"]] == ["score"]


def test_tritons_client_hears_what_is_wrong(client: triton.InferenceServerClient) -> None:
    good = infer_inputs([GOOD_ROW], binary=True, column=False)
    with pytest.raises(InferenceServerException, match="version '7' of toy isn't live in staging; version 1 is"):
        client.infer(MODEL, good, "7")
    with pytest.raises(InferenceServerException, match="no model of this name is served here; served are toy"):
        client.infer("other", good)
    with pytest.raises(InferenceServerException, match="row 0, column 'hour': it is above the declared range, 0 to 23"):
        client.infer(MODEL, infer_inputs([{**GOOD_ROW, "hour": 24}], binary=True, column=False))
    with pytest.raises(InferenceServerException, match="column 'account': it isn't there"):
        client.infer(MODEL, good[:-1])


def test_what_is_answered_is_logged_as_any_prediction(home: Path) -> None:
    row = {**GOOD_ROW, "wind": None, "weekend": None, "carrier": "ZZ"}
    with asking(home) as asker:
        told = ask(asker, {"inputs": tensors([row])}).json
        assert ask(asker, {"inputs": tensors([{**row, "hour": 99}])}).status == 422
        text = asker.ask("GET", "/metrics").body.decode()
    served, refused = read(home / "traffic" / "staging" / MODEL, keys=FileKeys(home)).predictions
    assert {one["name"]: one["data"] for one in told["outputs"]} == {
        "score": [served.score], "prediction_id": [served.id],
    }  # fmt: skip
    assert served.inputs == {name: row[name] for name in GOOD_ROW if name != "account"}
    assert (served.unseen, refused.status) == (("carrier",), 422)
    assert f'ml_platform_requests_total{{path="{INFER}",status="200"}} 1' in text


def test_a_time_of_the_event_and_integers_as_levels_are_taken(shared: Asker) -> None:
    departs = {"name": "departs", "shape": [1], "datatype": "BYTES", "data": ["2013-07-01T00:00:00Z"]}
    assert ask(shared, {"inputs": [*tensors([GOOD_ROW]), departs]}).status == 200
    types = {**TYPES, "carrier": "INT32", "weekend": "BOOL", "hour": "FP32"}
    rows = [{**GOOD_ROW, "carrier": 7, "hour": 9.0}]
    assert ask(shared, {"inputs": tensors(rows, types)}).json["outputs"][0]["data"] == expected_scores(
        [{**GOOD_ROW, "carrier": "7"}]
    )


def test_an_empty_text_is_a_level_where_the_model_knows_it(tmp_path: Path) -> None:
    named = tuple(
        dataclasses.replace(one, levels=("", *LEVELS["origin"])) if one.name == "origin" else one
        for one in CONTRACT.inputs
    )
    make_live(tmp_path, put_model(tmp_path, contract=dataclasses.replace(CONTRACT, inputs=named)))
    with asking(tmp_path) as asker:
        request = {"inputs": tensors([{**GOOD_ROW, "origin": ""}])}
        assert ask(asker, request).status == 200
    assert read(tmp_path / "traffic" / "staging" / MODEL, keys=FileKeys(tmp_path)).predictions[0].inputs["origin"] == ""


def test_elsewhere_an_empty_text_is_a_missing_value(shared: Asker) -> None:
    reply = ask(shared, {"inputs": tensors([{**GOOD_ROW, "origin": ""}])})
    assert (reply.status, "'origin': it is null" in reply.json["error"]) == (422, True)


@pytest.mark.parametrize(
    ("content", "status", "seen"),
    [
        (b"{", 400, "isn't JSON"),
        (b"[]", 400, "isn't a request of the protocol"),
        (b'{"inputs": []}', 400, "'inputs' holds 0 tensors"),
        (b'{"inputs": 1, "inputs": 1}', 400, "the key 'inputs' is given twice"),
        (b'{"inputs": ' + b"[" * 100_000, 400, "JSON"),
        (changed(datatype="FP16"), 400, "input 'distance' is FP16; of a number it has to be FP64, or one of FP32"),
        (changed(datatype="BYTES"), 400, "is BYTES"),
        (changed(shape=[2]), 400, "holds 1 values, its shape says 2"),
        (changed(shape=[1, 2]), 400, r"has the shape \[1, 2\]; one column is needed"),
        (changed(shape=[]), 400, "has the shape"),
        (changed(shape=[-1]), 400, "has the shape"),
        (changed(shape=[0], data=[]), 400, "different lengths"),
        (changed(shape=["a"]), 400, "isn't a request of the protocol"),
        (changed(name="hour"), 400, "the input 'hour' is given twice"),
        (changed(name="x"), 400, "the input 'x' isn't in the contract"),
        (changed(data=["far"]), 422, "column 'distance': it is a string"),
        (changed(data=[[1.0]]), 422, "column 'distance': it is a list"),
        (changed(data=[None]), 422, "column 'distance': it is null"),
        (changed(data=[1e308]), 422, "above the declared range"),
        (changed(parameters={"binary_data_size": 8}), 400, "isn't the size of data in this body"),
        (changed(parameters={"binary_data_size": "8"}), 400, "isn't the size of data in this body"),
        ({"inputs": tensors([GOOD_ROW]), "outputs": [{"name": "x"}]}, 400, "the output 'x' isn't known; known: score"),
        ({"inputs": [{"name": "hour", "shape": [1], "datatype": "INT64"}]}, 400, "has no data"),
    ],
)  # fmt: skip
def test_what_is_no_request_is_said(shared: Asker, content: object, status: int, seen: str) -> None:
    reply = ask(shared, content)
    with pytest.raises(AssertionError, match=seen):
        raise AssertionError(reply.json["error"])
    assert reply.status == status


@pytest.mark.parametrize(
    ("length", "tail", "seen"),
    [
        (b"x", b"", "isn't the length of the JSON"),
        (b"99999999", b"", "isn't the length of the JSON"),
        (None, b"12345678", "8 bytes of binary data belong to no input"),
    ],
)
def test_binary_data_that_do_not_fit_are_said(shared: Asker, length: bytes | None, tail: bytes, seen: str) -> None:
    head = json.dumps({"inputs": tensors([GOOD_ROW])}).encode()
    reply = ask(shared, head + tail, inference_header_content_length=length or str(len(head)).encode())
    assert (reply.status, seen in reply.json["error"]) == (400, True)


@pytest.mark.parametrize(
    ("datatype", "data", "seen"),
    [("FP64", b"1234", "aren't whole values of FP64"), ("BYTES", b"\xff\x00\x00\x00a", "a text ends behind its data"),
     ("BYTES", b"\x01\x00\x00\x00\xff", "are no texts in UTF-8"), ("BYTES", b"\x01", "are no texts in UTF-8")],
)  # fmt: skip
def test_binary_data_that_are_no_values_are_said(shared: Asker, datatype: str, data: bytes, seen: str) -> None:
    name = "carrier" if datatype == "BYTES" else "distance"
    inputs = [one for one in tensors([GOOD_ROW]) if one["name"] != name]
    binary = {"name": name, "shape": [1], "datatype": datatype, "parameters": {"binary_data_size": len(data)}}
    head = json.dumps({"inputs": [*inputs, binary]}).encode()
    reply = ask(shared, head + data, inference_header_content_length=str(len(head)).encode())
    assert (reply.status, seen in reply.json["error"]) == (400, True)


@given(st.binary(max_size=80), st.binary(max_size=8))
def test_any_bytes_behind_any_header_are_refused_in_words(shared: Asker, body: bytes, length: bytes) -> None:
    assert ask(shared, body, inference_header_content_length=length).json["error"]


def test_paths_and_methods_that_are_none_are_said_in_the_protocols_words(shared: Asker) -> None:
    assert shared.ask("GET", "/v2/models").status == 404
    assert "/v2/models/MODEL/infer" in shared.ask("GET", "/v2/models/toy/config").json["error"]
    reply = shared.ask("GET", INFER)
    assert (reply.status, reply.headers["allow"], reply.json["error"]) == (
        405, "POST", "/v2/models/MODEL/infer takes POST",
    )  # fmt: skip
    assert ask(shared, {"inputs": tensors([GOOD_ROW] * 10_001)}).status == 413


def test_without_a_live_version_nothing_is_ready_but_the_server_lives(tmp_path: Path) -> None:
    with asking(tmp_path) as asker:
        assert asker.ask("GET", "/v2/health/live").status == 200
        for path in ("/v2/health/ready", f"/v2/models/{MODEL}", f"/v2/models/{MODEL}/ready"):
            assert asker.ask("GET", path).status == 503
        assert f"ml-platform promote {MODEL}" in ask(asker, {"inputs": tensors([GOOD_ROW])}).json["error"]
