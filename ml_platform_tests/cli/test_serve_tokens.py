"""`ml-platform serve` in a home with users, as its clients know it; what verifies a promotion is let in too."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime as dt
import http.client
import json
import subprocess
import sys
from pathlib import Path

from ml_platform.access.tokens import new_token
from ml_platform.access.users import FileUsers
from ml_platform.adapters.artefacts import FileArtefacts
from ml_platform.adapters.ledger import SqliteLedger
from ml_platform.cli.serve import guarding
from ml_platform.settings import environment_of_child, load_settings
from ml_platform.stages.verify_service import ephemeral_service, verify_service
from ml_platform_tests.access.people import CHEAP, NOW, user
from ml_platform_tests.serving.asking import Reply, wait_until
from ml_platform_tests.serving.small_model import GOOD_ROW, MODEL, expected_scores, make_live, put_model, record_of

BODY = json.dumps({"dataframe_records": [GOOD_ROW]}).encode()


def ask(port: int, method: str, path: str, token: str = "") -> Reply:
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", port, timeout=30)) as connection:
        headers = {"content-type": "application/json", **({"authorization": f"Bearer {token}"} if token else {})}
        connection.request(method, path, BODY if method == "POST" else None, headers)
        reply = connection.getresponse()
        return Reply(reply.status, reply.read(), dict(reply.getheaders()))


def test_a_token_is_asked_for_from_the_first_user_on_until_it_is_revoked(tmp_path: Path) -> None:
    make_live(tmp_path, put_model(tmp_path))
    command = [sys.executable, "-m", "ml_platform.cli", "serve", MODEL, "--env", "staging", "--port", "0"]
    file, users = tmp_path / "port", FileUsers(tmp_path, cost=CHEAP)
    process = subprocess.Popen(
        [*command, "--port-file", str(file)], env=environment_of_child(tmp_path, {}), stdout=subprocess.DEVNULL
    )
    try:
        wait_until(file.exists, 60.0)
        port = int(file.read_text())
        assert ask(port, "POST", "/invocations").json["predictions"] == expected_scores([GOOD_ROW])
        users.add(user("shop", "client"))
        token, kept = new_token("", now=dt.datetime.now(dt.UTC), days=1)
        users.add_token("shop", kept)
        wait_until(lambda: ask(port, "POST", "/invocations").status == 401)
        assert ask(port, "POST", "/invocations", token).json["predictions"] == expected_scores([GOOD_ROW])
        assert ask(port, "GET", "/health").json == {"status": "ok"}
        users.revoke("shop", kept.id)
        wait_until(lambda: ask(port, "POST", "/invocations", token).status == 401)
    finally:
        process.terminate()
        process.wait(20)
    assert process.returncode == 0
    with contextlib.closing(SqliteLedger(tmp_path / "ledger.sqlite", clock=lambda: NOW)) as ledger:
        assert "scoring service, 127.0.0.1" in {each.payload.get("source") for each in ledger.audit()}


def test_a_promotion_is_verified_in_a_home_with_users_and_nobody_else_is_answered(tmp_path: Path) -> None:
    digest = put_model(tmp_path)
    make_live(tmp_path, digest)
    FileUsers(tmp_path, cost=CHEAP).add(user("ada", "admin"))
    with ephemeral_service(tmp_path, MODEL, "staging") as url:
        found = verify_service(url, store=FileArtefacts(tmp_path), model=record_of(digest), rows=[GOOD_ROW])
        assert ask(int(url.rpartition(":")[2]), "POST", "/invocations").status == 401
    measured = {one.metric: one.value for one in found}
    assert (measured["service_healthy"], measured["service_scores_equal"]) == (1.0, 0.0)
    assert "@" not in json.dumps([str(one) for one in found])


def test_a_home_that_was_never_used_stays_as_it_is(tmp_path: Path) -> None:
    settings = dataclasses.replace(load_settings(), home=tmp_path)
    with guarding(settings, MODEL) as gate:
        assert not gate.guards
    assert list(tmp_path.iterdir()) == []
