"""One service answers for several models: each by its name, with a log, a health and permissions of its own."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime as dt
import json
from collections.abc import Iterator, Sequence
from pathlib import Path

from ml_platform.access.quota import Quota
from ml_platform.access.service_gate import ServiceGate
from ml_platform.access.tokens import new_token
from ml_platform.access.trail import DENIED
from ml_platform.access.users import FileUsers
from ml_platform.adapters.keys import FileKeys
from ml_platform.adapters.ledger import SqliteLedger
from ml_platform.adapters.traffic_log import TrafficLog, read
from ml_platform.core.gate import Gate
from ml_platform.serving.app import ScoringApp
from ml_platform_tests.access.people import CHEAP, user
from ml_platform_tests.serving.asking import JSON, Asker, Reply, serving
from ml_platform_tests.serving.small_model import (
    CONTRACT,
    GOOD_ROW,
    MODEL,
    expected_scores,
    make_live,
    make_rows,
    put_model,
)

OTHER = "other"
ROWS = make_rows(4)
BODY = json.dumps({"dataframe_records": ROWS}).encode()


def put_other(home: Path) -> None:
    digest = put_model(home, seed=2, contract=dataclasses.replace(CONTRACT, model=OTHER))
    make_live(home, digest, model=OTHER)


@contextlib.contextmanager
def asking_both(home: Path, gate: Gate | None = None) -> Iterator[Asker]:
    logs = {name: TrafficLog(home / "traffic" / "staging" / name, keys=FileKeys(home)) for name in (MODEL, OTHER)}
    app = ScoringApp(home, MODEL, "staging", traffic=logs[MODEL], gate=gate, others={OTHER: logs[OTHER]})
    asker = Asker(app)
    asker.runner.run(app.models[OTHER].follower.look())
    try:
        yield asker
    finally:
        for log in logs.values():
            log.close()
        asker.runner.close()


def score(asker: Asker, model: str, headers: Sequence[tuple[bytes, bytes]] = JSON) -> Reply:
    return asker.ask("POST", f"/models/{model}/invocations", [BODY], headers)


def test_each_model_answers_by_its_name_and_logs_for_itself(home: Path) -> None:
    put_other(home)
    with asking_both(home) as asker:
        for name, seed in ((MODEL, 1), (OTHER, 2)):
            assert score(asker, name).json["predictions"] == expected_scores(ROWS, seed=seed)
            assert asker.ask("GET", f"/v2/models/{name}").json["name"] == name
            assert asker.ask("GET", f"/models/{name}/version").json["model"] == name
            assert name in asker.ask("GET", f"/models/{name}/docs").body.decode()
        text = asker.ask("GET", "/metrics").body.decode()
    for name in (MODEL, OTHER):
        logged = read(home / "traffic" / "staging" / name, keys=FileKeys(home)).predictions
        assert ({one.model for one in logged}, len(logged)) == ({name}, 4)
        assert f'ml_platform_predictions_total{{model="{name}",version="1"}} 4' in text
        assert f'ml_platform_requests_total{{path="/models/{name}/invocations",status="200"}} 1' in text


def test_a_path_that_names_no_model_is_told_which_there_are(home: Path) -> None:
    put_other(home)
    with asking_both(home) as asker:
        for method, path in (("POST", "/invocations"), ("GET", "/version"), ("GET", "/docs")):
            reply = asker.ask(method, path, [BODY])
            assert reply.status == 404
            assert f"name one: /models/MODEL{path}; served are toy, other" in reply.json["message"]
        assert "served are toy, other" in score(asker, "third").json["message"]
        assert asker.ask("GET", "/models/toy/metrics").status == 404


def test_a_model_that_is_not_served_makes_the_service_degraded_and_not_ready(home: Path) -> None:
    with asking_both(home) as asker:
        health = asker.ask("GET", "/health")
        assert (health.status, health.json["status"]) == (200, "degraded")
        assert [one["status"] for one in health.json["models"].values()] == ["ok", "unavailable"]
        assert (asker.ask("GET", "/ping").status, asker.ask("GET", "/v2/health/ready").status) == (200, 503)
        for name, status in ((MODEL, 200), (OTHER, 503)):
            assert asker.ask("GET", f"/models/{name}/health").status == status
            assert asker.ask("GET", f"/v2/models/{name}/ready").status == status
            assert score(asker, name).status == status


def test_with_nothing_live_the_service_is_unavailable(tmp_path: Path) -> None:
    with asking_both(tmp_path) as asker:
        assert [asker.ask("GET", path).status for path in ("/health", "/ping")] == [503, 503]


def test_a_single_model_answers_by_its_name_too(shared: Asker) -> None:
    assert score(shared, MODEL).json["predictions"] == expected_scores(ROWS)
    assert score(shared, OTHER).status == 404


def test_who_may_score_one_model_may_not_score_the_other_and_has_one_quota(home: Path) -> None:
    put_other(home)
    users = FileUsers(home, cost=CHEAP)
    tokens = {}
    both = user("busy", f"client:{MODEL}", f"client:{OTHER}")
    people = [user("shop", f"client:{MODEL}"), dataclasses.replace(both, quota=Quota(requests_per_minute=2))]
    for each in people:
        users.add(each)
        tokens[each.name], kept = new_token("", now=dt.datetime.now(dt.UTC), days=1)
        users.add_token(each.name, kept)
    with contextlib.closing(SqliteLedger(home / "ledger.sqlite", clock=lambda: dt.datetime.now(dt.UTC))) as ledger:
        gate = ServiceGate(
            model=MODEL, users=users, ledger=ledger, clock=lambda: dt.datetime.now(dt.UTC), others=(OTHER,)
        )
        with contextlib.closing(gate), asking_both(home, gate) as asker:
            shop = (*JSON, (b"authorization", f"Bearer {tokens['shop']}".encode()))
            busy = (*JSON, (b"authorization", f"Bearer {tokens['busy']}".encode()))
            assert [score(asker, name, shop).status for name in (MODEL, OTHER)] == [200, 403]
            assert [score(asker, name, busy).status for name in (MODEL, OTHER, MODEL)] == [200, 200, 429]
            assert [score(asker, "third", one).status for one in (JSON, shop)] == [401, 404]
            assert asker.ask("GET", "/metrics", headers=shop).status == 200
            assert asker.ask("GET", f"/models/{OTHER}/version", headers=shop).status == 403
            for path, said in (("/health", {"status": "ok"}), ("/v2/health/ready", {"ready": True})):
                assert asker.ask("GET", path).json == said
            assert asker.ask("GET", f"/v2/models/{MODEL}/ready").json["error"].startswith("no token was sent")
        subjects = {entry.subject for entry in ledger.audit() if entry.action == DENIED}
    assert OTHER in subjects


def test_a_server_process_serves_several_models(home: Path) -> None:
    put_other(home)
    with serving(home, "--model", OTHER, "--model", MODEL) as server:
        for name, seed in ((MODEL, 1), (OTHER, 2)):
            found = server.ask("POST", f"/models/{name}/invocations", json.dumps({"inputs": [GOOD_ROW]}).encode())
            assert found.json["predictions"] == expected_scores([GOOD_ROW], seed=seed)
        assert server.end()[0] == 0
    assert read(home / "traffic" / "staging" / OTHER, keys=FileKeys(home)).predictions
