"""What MLflow's own client code sends to `mlflow models serve`, the service answers unchanged."""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
import pytest
import requests

from ml_platform_tests.serving.asking import serving
from ml_platform_tests.serving.small_model import GOOD_ROW, expected_scores, make_live, make_rows, put_model

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # MLflow warns of its own types
    from mlflow.pyfunc.scoring_server import CONTENT_TYPE_CSV, CONTENT_TYPE_JSON
    from mlflow.pyfunc.scoring_server.client import ScoringServerClient
    from mlflow.utils.proto_json_utils import dump_input_data

ROWS = make_rows(12)


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ScoringServerClient]:
    home = tmp_path_factory.mktemp("home")
    make_live(home, put_model(home))
    with serving(home) as server:
        yield ScoringServerClient("127.0.0.1", server.port)  # type: ignore[no-untyped-call]


def post(client: ScoringServerClient, body: str | bytes, kind: str = CONTENT_TYPE_JSON) -> requests.Response:
    return requests.post(f"{client.url_prefix}/invocations", body, headers={"content-type": kind}, timeout=30)


def test_mlflows_client_waits_for_the_server_and_asks_for_its_version(client: ScoringServerClient) -> None:
    client.wait_server_ready(timeout=5)  # type: ignore[no-untyped-call]
    client.ping()  # type: ignore[no-untyped-call]
    assert json.loads(client.get_version())["version"] == 1  # type: ignore[no-untyped-call]


def test_a_frame_with_missing_values_gets_exactly_the_models_scores(client: ScoringServerClient) -> None:
    found = client.invoke(pd.DataFrame(ROWS))
    assert found.get_predictions()[0].tolist() == expected_scores(ROWS)
    assert found.get_predictions("ndarray").tolist() == expected_scores(ROWS)


def test_the_clients_other_formats_are_answered_too(client: ScoringServerClient) -> None:
    columns = {name: [row[name] for row in ROWS] for name in GOOD_ROW}
    for data in ({"dataframe_records": ROWS}, {"instances": ROWS}, {"inputs": columns}):
        body = dump_input_data(json.dumps(data))
        for kind in (CONTENT_TYPE_JSON, "application/json; charset=utf-8", "Application/JSON;charset=UTF-8"):
            assert post(client, body, kind).json()["predictions"] == expected_scores(ROWS)
    assert client.invoke(ROWS, params={}).get_predictions()[0].tolist() == expected_scores(ROWS)


def test_parameters_that_would_not_be_heeded_are_refused(client: ScoringServerClient) -> None:
    with pytest.raises(Exception, match=r"error code 400.*takes no parameters"):
        client.invoke(ROWS, params={"temperature": 0.5})


@pytest.mark.parametrize("index", [True, False], ids=["index", "no-index"])
def test_a_frame_as_csv_gets_exactly_the_models_scores(client: ScoringServerClient, *, index: bool) -> None:
    body = pd.DataFrame(ROWS).to_csv(index=index)
    for kind in (CONTENT_TYPE_CSV, "text/csv; charset=utf-8"):
        assert post(client, body.encode(), kind).json()["predictions"] == expected_scores(ROWS)
    assert post(client, b"\xef\xbb\xbf" + body.encode(), CONTENT_TYPE_CSV).status_code == 200


CSV_HEAD = ",".join(GOOD_ROW)


@pytest.mark.parametrize(
    ("body", "status", "seen"),
    [
        ("", 400, "its first line names no column"),
        (CSV_HEAD, 400, "it holds no row"),
        (f"{CSV_HEAD}\n1,2", 400, "row 0 has 2 cells, the header 7"),
        (f"{CSV_HEAD},hour\n", 400, "names the column 'hour' twice"),
        (f'{CSV_HEAD}\n"9,733.5,8.1,UA,EWR,False,1.5', 400, "isn't CSV"),
        (f"{CSV_HEAD}\n9,far,8.1,UA,EWR,False,1.5", 422, "column 'distance': it is a string"),
        (f"{CSV_HEAD}\n9,1e999,8.1,UA,EWR,False,1.5", 422, "a finite number is needed"),
        (f"{CSV_HEAD}\n9,inf,8.1,UA,EWR,False,1.5", 422, "column 'distance': it is a string"),
        (f"{CSV_HEAD}\n9,,8.1,UA,EWR,False,1.5", 422, "column 'distance': it is null"),
        (f"{CSV_HEAD}\n9.5,733.5,8.1,UA,EWR,False,1.5", 422, "column 'hour'"),
        (f"{CSV_HEAD}\n9,733.5,8.1,UA,EWR,perhaps,1.5", 422, "column 'weekend': it is a string"),
        (f"{CSV_HEAD}\n{'9' * 70},733.5,8.1,UA,EWR,True,1.5", 422, "column 'hour'"),
        (f"{CSV_HEAD},x\n9,733.5,8.1,UA,EWR,True,1.5,1", 422, "column 'x': it isn't in the contract"),
        (CSV_HEAD + "\n9,733.5,8.1,UA,EWR,True,1.5" * 10_001, 413, "more than 10,000 rows"),
    ],
)
def test_csv_that_is_no_request_is_said(client: ScoringServerClient, body: str, status: int, seen: str) -> None:
    reply = post(client, body.encode(), CONTENT_TYPE_CSV)
    assert (reply.status_code, seen in reply.json()["message"]) == (status, True), reply.json()["message"]


def test_csv_cells_are_read_as_their_columns_are(client: ScoringServerClient) -> None:
    lines = [CSV_HEAD, "+9.0, 733.5 ,nan,UA,EWR,,NaN", '9,7.335e2,8.1,"U""A\n",EWR,TRUE,', ""]
    rows: list[Any] = [
        {**GOOD_ROW, "wind": None, "weekend": None, "account": None},
        {**GOOD_ROW, "carrier": 'U"A\n', "weekend": True, "account": None},
    ]
    reply = post(client, "\r\n".join(lines).encode(), CONTENT_TYPE_CSV)
    assert reply.json()["predictions"] == expected_scores(rows)


def test_another_encoding_is_refused(client: ScoringServerClient) -> None:
    body = pd.DataFrame(ROWS).to_csv(index=False)
    assert post(client, body.encode("utf-16"), CONTENT_TYPE_CSV).status_code == 400
    assert post(client, body.encode(), "text/csv; charset=utf-16").status_code == 415
    assert post(client, np.random.default_rng(1).bytes(200), CONTENT_TYPE_CSV).status_code == 400
