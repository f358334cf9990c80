"""MLflow behind the guard: its own server answers who may look, and nobody writes through it."""

from __future__ import annotations

import contextlib
import json
import sqlite3
import warnings
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa
from starlette.routing import Route

from ml_platform.access import mlflow_server
from ml_platform.access.mlflow_reads import is_graphql_read, is_read
from ml_platform.access.mlflow_server import MlflowServer, read_only
from ml_platform.core.errors import Unavailable
from ml_platform.settings import environment_of_mlflow
from ml_platform_tests.access.world import HERE, World

if TYPE_CHECKING:
    from pathlib import Path

    from starlette.testclient import TestClient

API = "/mlflow/ajax-api/2.0/mlflow"
QUERY = '{ mlflowGetExperiment(input: {experimentId: "0"}) { experiment { name } } }'


def ask(client: TestClient, method: str, path: str, body: object = None, **headers: str) -> int:
    content = json.dumps(body) if body is not None else None
    said = {**HERE, "content-type": "application/json", **headers}
    return int(client.request(method, path, content=content, headers=said).status_code)


def test_of_every_route_of_this_mlflow_only_the_listed_reads_are_open() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from mlflow.server import app
    known = {
        (method, f"/mlflow{rule.rule}")
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    opened = {(method, path.partition("mlflow/")[2]) for method, path in known if is_read(method, _filled(path))}
    assert len(known) > 300
    assert {path for method, path in opened if method == "POST"} == {
        "ajax-api/2.0/mlflow/experiments/search", "api/2.0/mlflow/experiments/search",
        "ajax-api/2.0/mlflow/experiments/search-datasets",
        "ajax-api/2.0/mlflow/logged-models/search", "api/2.0/mlflow/logged-models/search",
        "ajax-api/2.0/mlflow/registered-models/get-latest-versions",
        "api/2.0/mlflow/registered-models/get-latest-versions",
        "ajax-api/2.0/mlflow/runs/search", "api/2.0/mlflow/runs/search",
    }  # fmt: skip
    assert {method for method, _ in opened} == {"GET", "POST"}
    writing = ("create", "delete", "set-", "update", "log", "upload", "presigned", "transition", "rename", "restore")
    for _, path in opened:
        last = path.rpartition("/")[2]
        assert not last.startswith(writing), path
        assert "artifact" not in path or path.endswith(("artifacts/list", "artifacts/directories")), path


def _filled(path: str) -> str:
    return path.replace("<path:path>", "x.js").replace("<model_id>", "m-1")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", f"{API}/registered-models/alias"), ("DELETE", f"{API}/registered-models/alias"),
        ("POST", f"{API}/model-versions/set-tag"), ("POST", f"{API}/model-versions/create"),
        ("DELETE", f"{API}/registered-models/delete"), ("POST", f"{API}/runs/create"),
        ("POST", "/mlflow/api/2.0/mlflow/runs/log-metric"), ("POST", f"{API}/upload-artifact"),
        ("PUT", "/mlflow/api/2.0/mlflow-artifacts/artifacts/x"), ("GET", "/mlflow/get-artifact?path=x&run_uuid=y"),
        ("GET", "/mlflow/model-versions/get-artifact?path=x"), ("POST", "/mlflow/v1/traces"),
        ("POST", "/mlflow/gateway/mlflow/v1/chat/completions"), ("GET", "/mlflow/graphql"),
        ("GET", "/mlflow/anything-new"), ("PATCH", f"{API}/registered-models/update"), ("OPTIONS", "/mlflow/"),
        ("POST", f"{API}/runs/search/../set-tag"), ("POST", "/mlflow//ajax-api/2.0/mlflow/runs/search"),
        ("GET", "/mlflow/static-files/../get-artifact"), ("GET", "/mlflow/static-files/%2e%2e/x"),
        ("GET", f"{API}/runs/get%3Fx"), ("POST", f"{API}/RUNS/search"),
    ],
)  # fmt: skip
def test_nobody_writes_and_the_audit_names_who_tried(web: World, method: str, path: str) -> None:
    client, before = web.browser("rita"), len(web.audited("access_denied", "rita"))
    url = f"http://testserver{path}"
    assert ask(client, method, url, {} if method in {"POST", "PUT", "PATCH"} else None) == 403
    assert len(web.audited("access_denied", "rita")) == before + 1
    assert ask(web.browser(), method, url) == 401


def test_what_mlflows_pages_ask_by_themselves_is_refused_without_filling_the_audit(web: World) -> None:
    client, before = web.browser("vera"), len(web.audited("access_denied", "vera"))
    for method, path in (("GET", f"{API}/users/current"), ("POST", "/mlflow/ajax-api/3.0/mlflow/traces/metrics")):
        assert ask(client, method, path, {} if method == "POST" else None) == 404
        assert ask(client, "DELETE", path) == 403
    assert len(web.audited("access_denied", "vera")) == before + 2


def test_only_queries_of_graphql_go_through() -> None:
    assert is_graphql_read(json.dumps({"query": QUERY}).encode())
    assert is_graphql_read(json.dumps({"query": f"query A {QUERY} fragment F on Run {{ info {{ runId }} }}"}).encode())
    for text in (
        'mutation { testMutation(inputString: "x") { output } }',
        f"query A {QUERY} mutation B {{ testMutation {{ output }} }}",
        "subscription { x }", "fragment F on Run { x }", "type A { b: Int }", f"{QUERY} type A {{ b: Int }}", "{", "",
        "{ a " * 3_000,
    ):  # fmt: skip
        assert not is_graphql_read(json.dumps({"query": text}).encode()), text[:40]
    for body in (b"", b"[]", b"{}", b"[{}]", b'{"query": 1}', b"\xff", json.dumps([{"query": QUERY}]).encode()):
        assert not is_graphql_read(body)


def test_a_body_has_to_be_json_and_come_from_here(web: World) -> None:
    client = web.browser("vera")
    assert ask(client, "POST", f"{API}/runs/search", {}, **{"content-type": "text/plain"}) == 415
    assert ask(client, "POST", f"{API}/runs/search", {}, origin="http://elsewhere.example") == 403
    assert ask(client, "POST", "/mlflow/graphql", {"query": "mutation { x }"}) == 403
    assert ask(client, "POST", f"{API}/runs/search", "x" * 10_000_001) == 413


def test_who_may_look_sees_what_mlflow_shows(web: World) -> None:
    from ml_platform.adapters.mlflow_client import open_client

    client = web.browser("vera")
    assert client.get("/mlflow/", headers={"accept": "text/html"}).status_code == 503  # nothing was trained yet
    store = open_client(f"sqlite:///{web.home / 'mlflow' / 'mlflow.db'}")
    store.create_registered_model("parcels")
    page = client.get("/mlflow/")
    assert "<title>MLflow</title>" in page.text
    assert "connect-src 'self'" in page.headers["content-security-policy"]
    script = page.text.partition('src="')[2].partition('"')[0]
    assert client.get(f"/mlflow/{script}").headers["content-type"].startswith(("text/javascript", "application/java"))
    assert client.get("/mlflow").headers["location"] == "/mlflow/"
    found = client.get(f"{API}/registered-models/search", headers=web.token("vera"))
    assert [one["name"] for one in found.json()["registered_models"]] == ["parcels"]
    assert ask(client, "POST", f"{API}/experiments/search", {"max_results": 5}) == 200
    answer = client.post("/mlflow/graphql", json={"query": QUERY}, headers=HERE)
    assert answer.json()["data"]["mlflowGetExperiment"]["experiment"]["name"] == "Default"
    assert client.get("/mlflow/ajax-api/3.0/mlflow/ui-telemetry").json()["disable_ui_telemetry"] is True
    assert client.get(f"{API}/runs/get?run_id=none").status_code == 404


def test_a_store_is_opened_read_only_whatever_its_folder_is_called(tmp_path: Path) -> None:
    folder = tmp_path / "a b#c%20?d"
    folder.mkdir()
    with contextlib.closing(sqlite3.connect(folder / "mlflow.db")) as tables, tables:
        tables.execute("CREATE TABLE found (it TEXT)")
    engine = sa.create_engine(read_only(f"sqlite:///{folder / 'mlflow.db'}"))
    with engine.connect() as connection:
        assert connection.execute(sa.text("SELECT count(*) FROM found")).scalar() == 0
        with pytest.raises(sa.exc.OperationalError, match="readonly database"):
            connection.execute(sa.text("DELETE FROM found"))
    engine.dispose()
    assert [path.name for path in tmp_path.iterdir()] == [folder.name]


def test_the_child_hears_only_who_may_open_its_folder_and_cant_write(
    web: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    from starlette.requests import Request

    with monkeypatch.context() as patch:
        patch.setenv("ML_PLATFORM_TOKEN", "secret")
        patch.setenv("MLFLOW_ENABLE_REMOTE_ASSISTANT", "true")
        assert not {"ML_PLATFORM_TOKEN", "MLFLOW_ENABLE_REMOTE_ASSISTANT"} & environment_of_mlflow({}).keys()
    store = f"sqlite:///{web.home / 'mlflow' / 'mlflow.db'}"
    assert read_only(store).endswith("/mlflow.db?mode=ro&uri=true")
    for gone in ("sqlite:////nowhere/mlflow.db", "https://mlflow.example"):
        with pytest.raises(Unavailable, match="MLflow: "):
            read_only(gone)
    server = next(
        getattr(one.endpoint, "__self__", None)
        for one in web.app.routes
        if isinstance(one, Route) and one.path == "/mlflow"
    )
    assert isinstance(server, MlflowServer)
    folder: Path = web.home.__class__(server._folder)
    assert oct(folder.stat().st_mode)[-3:] == "700"
    scope = {
        "type": "http", "method": "POST", "path": f"{API}/registered-models/create", "query_string": b"",
        "headers": [(b"content-type", b"application/json"), (b"host", b"testserver")], "server": ("testserver", 80),
    }  # fmt: skip
    answer = server._ask(Request(scope), b'{"name": "forged"}')  # past the guard
    assert b"readonly database" in bytes(answer.body)
    child = server._process
    assert child is not None
    assert child.stdin is not None
    child.stdin.close()  # as it is when the parent was killed
    assert child.wait(30) == 0
    monkeypatch.setattr(mlflow_server, "START_SECONDS", 0)
    with pytest.raises(Unavailable, match="didn't start"):
        server._running()
