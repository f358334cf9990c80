"""Forging at the doors: Dagster's storage and web server, MLflow's store, the scoring service, the command line."""

from __future__ import annotations

import json
import warnings
from typing import TYPE_CHECKING

import dagster as dg
import pytest
from starlette.websockets import WebSocketDisconnect

from ml_platform.access.tokens import new_token
from ml_platform.adapters.mlflow_client import open_client
from ml_platform.cli.models import utc_now
from ml_platform.orchestration.build import build_all
from ml_platform.settings import load_settings
from ml_platform_tests.access.test_mutations import DISGUISES, INLINE, PROMOTE
from ml_platform_tests.access.world import HERE, LAUNCH, ask, launch
from ml_platform_tests.flow.forged_home import ROW, Forged
from ml_platform_tests.flow.project import MODEL
from ml_platform_tests.serving.asking import wait_until

if TYPE_CHECKING:
    from mlflow import MlflowClient

TRIED = ("alias", "fragments", "second operation", "variables", "batch", "get", "form", "multipart")


def checks_in_dagsters_storage(at: Forged) -> None:
    instance = at.web.instance
    for key in build_all(load_settings()).resolve_asset_graph().asset_check_keys:
        passed = dg.AssetCheckEvaluation(asset_key=key.asset_key, check_name=key.name, passed=True, metadata={})
        instance.report_runless_asset_event(passed)


def reported_check(at: Forged) -> None:
    answer = at.web.browser("rita").post(
        f"/report_asset_check/{MODEL}/evaluation",
        json={"check_name": "auc_is_sufficient", "passed": True},
        headers=HERE,
    )
    assert answer.status_code == 403


def mutation_in_disguise(at: Forged) -> None:
    viewer, before = at.web.browser("vera"), at.web.instance.get_runs_count()
    for name in TRIED:
        answer = viewer.request(url="/graphql", **DISGUISES[name])
        assert answer.status_code != 200 or "UnauthorizedError" in answer.text, name
    with viewer.websocket_connect("/graphql", subprotocols=["graphql-ws"], headers=HERE) as socket:
        socket.send_json({"type": "connection_init"})
        assert socket.receive_json()["type"] == "connection_ack"
        socket.send_json({"type": "start", "id": "1", "payload": {"query": f"mutation {{ {INLINE} }}"}})
        assert "LaunchRunSuccess" not in json.dumps(socket.receive_json())
        socket.send_json({"type": "connection_terminate"})
        with pytest.raises(WebSocketDisconnect):
            socket.receive_json()
    assert at.web.instance.get_runs_count() == before


def job_of_another_role(at: Forged) -> None:
    before = at.web.instance.get_runs_count()
    asset = launch("__ASSET_JOB", selection=["production"])
    for params in (PROMOTE, asset, launch(f"{MODEL}_promote", tags={"ml_platform/launched_by": "rita"})):
        said = ask(at.web.browser("tom"), LAUNCH, params=params)
        assert "tom may not" in said.text
    assert at.web.instance.get_runs_count() == before


def command_of_another_role(at: Forged) -> None:
    for name in ("vera", "tom"):
        said = at.command(name, "promote", f"{MODEL}/2", "--env", "production", "--reason", "mine")
        assert "may not" in said.err
        assert said.code == 1


def own_approval(at: Forged) -> None:
    said = at.command("tess", "approve", f"{MODEL}/2", "--env", "production", *at.signing("tess"))
    assert "tess released parcels v2: somebody else has to approve it" in said.err


def key_of_somebody_else(at: Forged) -> None:
    said = at.command("tess", "approve", f"{MODEL}/2", "--env", "production", *at.signing("flo"))
    assert said.code == 1
    assert "flo" in said.err


def guessed_token(at: Forged) -> None:
    for token in ("", "mlp_000000000000_" + "a" * 43, at.tokens["shop"][:-1] + "!"):
        assert at.ask("POST", "/invocations", token, {"dataframe_records": [ROW]}).status == 401


def revoked_token(at: Forged) -> None:
    text, kept = new_token("lost", now=utc_now(), days=1)
    at.users.add_token("shop", kept)
    row = {"dataframe_records": [ROW]}
    wait_until(lambda: at.ask("POST", "/invocations", text, row).status == 200)
    at.users.revoke("shop", text.split("_")[1])
    wait_until(lambda: at.ask("POST", "/invocations", text, row).status == 401)


def viewers_token(at: Forged) -> None:
    assert at.ask("POST", "/invocations", at.tokens["vera"], {"dataframe_records": [ROW]}).status == 403


def mlflow(at: Forged) -> MlflowClient:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return open_client(f"sqlite:///{at.home / 'mlflow' / 'mlflow.db'}")


def shown(at: Forged) -> dict[str, str]:
    """Return MLflow's number of each of our versions."""
    found = mlflow(at).search_model_versions(f"name='{MODEL}'")
    return {str(one.tags["version"]): str(one.version) for one in found}


def moved_alias(at: Forged) -> None:
    mlflow(at).set_registered_model_alias(MODEL, "production", shown(at)["2"])


def written_tag(at: Forged) -> None:
    mlflow(at).set_model_version_tag(MODEL, shown(at)["2"], "evidence_digest", at.release(1).evidence_digest)


def deleted_version(at: Forged) -> None:
    mlflow(at).delete_model_version(MODEL, shown(at)["1"])


def written_metric(at: Forged) -> None:
    client = mlflow(at)
    run = client.get_model_version(MODEL, shown(at)["2"]).run_id
    assert run is not None
    client.log_metric(run, "auc", 0.999)
