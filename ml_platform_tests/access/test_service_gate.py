"""The scoring service's gate: without users everything is open; with users a token, an action and a quota decide."""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import pytest

from ml_platform.access.quota import Bucket, Quota
from ml_platform.access.service_gate import KNOWN_SECONDS, MOST_WRONG, ServiceGate
from ml_platform.access.tokens import new_token
from ml_platform.access.trail import DENIED, SUBJECT, USER_ADDED
from ml_platform.access.users import FileUsers
from ml_platform.adapters.keys import FileKeys
from ml_platform.adapters.ledger import SqliteLedger
from ml_platform.adapters.traffic_log import TrafficLog
from ml_platform.core.errors import Unavailable
from ml_platform.core.gate import Admitted, Asked, TurnedAway
from ml_platform.serving.app import ScoringApp
from ml_platform_tests.access.people import CHEAP, NOW, user
from ml_platform_tests.fakes.ledger import FakeLedger
from ml_platform_tests.serving.asking import JSON, Asker, Reply
from ml_platform_tests.serving.small_model import GOOD_ROW, MODEL, expected_scores, make_live, put_model


@dataclass
class World:
    """A gate with a clock to turn, and a token of each person."""

    gate: ServiceGate
    ledger: FakeLedger
    users: FileUsers
    now: float = 0.0

    def token(self, name: str, *, days: int = 90) -> str:
        text, kept = new_token("", now=NOW, days=days)
        self.users.add_token(name, kept)
        return text

    def ask(
        self, token: str, wants: Literal["score", "look"] = "score", address: str = "10.0.0.1"
    ) -> Admitted | TurnedAway:
        return self.gate.admit(Asked(wants=wants, token=token, address=address))

    def status(self, token: str, wants: Literal["score", "look"] = "score", address: str = "10.0.0.1") -> int:
        said = self.ask(token, wants, address)
        return said.status if isinstance(said, TurnedAway) else 200

    def denials(self) -> list[dict[str, object]]:
        self.gate.close()
        return [{"actor": one.actor, **one.payload} for one in self.ledger.audit() if one.action == DENIED]


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    users, ledger = FileUsers(tmp_path, cost=CHEAP), FakeLedger()
    made = World(ServiceGate(model=MODEL, users=users, ledger=ledger, clock=lambda: NOW), ledger, users)
    made.gate.seconds = lambda: made.now
    with contextlib.closing(made.gate):
        yield made


def with_people(world: World) -> World:
    quota = Quota(requests_per_minute=3, rows_per_minute=10)
    for each in (
        user("shop", f"client:{MODEL}"), user("other", "client:flights"), user("vera", "viewer"),
        user("rita", "release_manager"), replace(user("busy", "client"), quota=quota),
    ):  # fmt: skip
        world.users.add(each)
    return world


def test_without_users_nobody_is_asked(world: World) -> None:
    assert not world.gate.guards
    assert world.status("") == world.status("nonsense", "look") == 200


def test_a_first_user_takes_effect_within_seconds(world: World) -> None:
    assert world.status("") == 200
    with_people(world)
    world.now += KNOWN_SECONDS
    assert world.status("") == 401


def test_a_users_file_that_vanished_lets_nobody_in(world: World) -> None:
    world.ledger.append(USER_ADDED, actor="ada", subject=SUBJECT, payload={}, at=NOW)
    assert world.status("") == 401


def test_a_ledger_that_cannot_be_asked_for_users_lets_nobody_in(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_given: object, **_named: object) -> None:
        raise Unavailable("the ledger is gone")

    monkeypatch.setattr(world.ledger, "last", fails)
    assert world.status("") == 401


@pytest.mark.parametrize(
    ("name", "scores", "looks"),
    [("shop", 200, 200), ("other", 403, 403), ("vera", 403, 200), ("rita", 200, 200)],
)
def test_a_role_decides_what_a_token_may(world: World, name: str, scores: int, looks: int) -> None:
    token = with_people(world).token(name)
    assert (world.status(token), world.status(token, "look")) == (scores, looks)


@pytest.mark.parametrize("token", ["", "mlp_", "mlp_000000000000_" + "a" * 43, "Bearer", "é"])
def test_what_is_nobodys_token_is_turned_away(world: World, token: str) -> None:
    with_people(world)
    said = world.ask(token)
    assert isinstance(said, TurnedAway)
    assert (said.status, said.error_code) == (401, "UNAUTHENTICATED")
    assert "ml-platform users token" in said.message


def test_a_revoked_token_is_nobodys_within_five_seconds(world: World) -> None:
    token = with_people(world).token("shop")
    assert world.status(token) == 200
    world.users.revoke("shop", token.split("_")[1])
    world.now += 5.0
    assert world.status(token) == 401


def test_an_expired_token_is_nobodys(world: World) -> None:
    token = with_people(world).token("shop", days=1)
    world.gate.clock = lambda: NOW + dt.timedelta(days=1)
    assert world.status(token) == 401


def test_a_token_is_looked_up_once_in_a_while_only(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    token = with_people(world).token("shop")
    assert world.status(token) == 200
    monkeypatch.setattr(FileUsers, "by_token", None)
    assert world.status(token) == 200


def test_wrong_tokens_are_slowed_down_by_address_and_a_right_one_never(world: World) -> None:
    token = with_people(world).token("shop")
    assert {world.status("wrong") for _ in range(MOST_WRONG)} == {401}
    said = world.ask("wrong")
    assert isinstance(said, TurnedAway)
    assert (said.status, said.retry_after_seconds) == (429, 60)
    assert (world.status("wrong", address="10.0.0.2"), world.status(token)) == (401, 200)
    assert len(world.denials()) == MOST_WRONG + 1


def test_denials_are_in_the_audit_without_the_token(world: World) -> None:
    token = with_people(world).token("vera")
    world.status(token)
    world.status("a wrong one")
    first, second = world.denials()
    assert (first["actor"], first["what"], first["source"]) == ("vera", "score", "scoring service, 10.0.0.1")
    assert (second["actor"], second["why"]) == ("unknown", "a token that is nobody's")
    assert token not in json.dumps([first, second])


def test_who_is_denied_is_denied_when_the_audit_cannot_be_written(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fails(*_given: object, **_named: object) -> None:
        raise Unavailable("the disk is full")

    with_people(world)
    monkeypatch.setattr(world.ledger, "append", fails)
    assert world.status("wrong") == 401
    world.gate.close()
    assert "the disk is full" in caplog.text


def test_a_damaged_users_file_lets_nobody_in(world: World) -> None:
    token = with_people(world).token("shop")
    world.users.path.write_text("{")
    assert world.status(token) == 503


def test_a_quota_counts_requests_and_rows_of_a_minute(world: World) -> None:
    token = with_people(world).token("busy")
    admitted = [world.ask(token) for _ in range(3)]
    assert all(isinstance(one, Admitted) for one in admitted)
    said = world.ask(world.token("busy"))  # another token is the same person's
    assert isinstance(said, TurnedAway)
    assert (said.status, said.error_code, said.retry_after_seconds) == (429, "REQUEST_LIMIT_EXCEEDED", 20)
    assert "busy may send 3 requests a minute; wait 20 s" in said.message
    first = admitted[0]
    assert isinstance(first, Admitted)
    assert (first.spend(7), first.spend(3)) == (None, None)
    rows = first.spend(5)
    assert rows is not None
    assert (rows.status, rows.retry_after_seconds) == (429, 30)
    many = first.spend(11)
    assert many is not None
    assert "send fewer at once" in many.message
    world.now += 60.0
    assert (world.status(token), first.spend(10)) == (200, None)


def test_a_bucket_fills_evenly_and_never_over_its_size() -> None:
    now = [0.0]
    bucket = Bucket(60, lambda: now[0])
    assert [bucket.take(60), bucket.take(1)] == [0, 1]
    now[0] = 2.0
    assert [bucket.take(2), bucket.take(1)] == [0, 1]
    now[0] = 1000.0
    assert [bucket.take(61), bucket.take(60), bucket.take(30)] == [1, 0, 30]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Asker, dict[str, str]]]:
    """Return a service in a home with users, and tokens."""
    home = tmp_path_factory.mktemp("home")
    make_live(home, put_model(home))
    users = FileUsers(home, cost=CHEAP)
    quota = Quota(requests_per_minute=2, rows_per_minute=1)
    tokens = {}
    for each in (user("shop", "client"), user("vera", "viewer"), replace(user("busy", "client"), quota=quota)):
        users.add(each)
        tokens[each.name], kept = new_token("", now=dt.datetime.now(dt.UTC), days=1)
        users.add_token(each.name, kept)
    with contextlib.closing(SqliteLedger(home / "ledger.sqlite", clock=lambda: NOW)) as ledger:
        gate = ServiceGate(model=MODEL, users=users, ledger=ledger, clock=lambda: dt.datetime.now(dt.UTC))
        with contextlib.closing(TrafficLog(home / "traffic", keys=FileKeys(home))) as log, contextlib.closing(gate):
            asker = Asker(ScoringApp(home, MODEL, "staging", traffic=log, gate=gate))
            with contextlib.closing(asker.runner):
                yield asker, tokens


def ask(asker: Asker, method: str, path: str, token: str | None, rows: int = 1) -> Reply:
    headers = JSON if token is None else (*JSON, (b"authorization", f"Bearer {token}".encode()))
    body = json.dumps({"dataframe_records": [GOOD_ROW] * rows}).encode() if method == "POST" else b""
    return asker.ask(method, path, [body], headers)


def test_scores_are_for_who_may_have_them(served: tuple[Asker, dict[str, str]]) -> None:
    asker, tokens = served
    assert ask(asker, "POST", "/invocations", tokens["shop"]).json["predictions"] == expected_scores([GOOD_ROW])
    unknown = ask(asker, "POST", "/invocations", None)
    assert (unknown.status, unknown.headers["www-authenticate"]) == (401, "Bearer")
    assert unknown.json["error_code"] == "UNAUTHENTICATED"
    assert ask(asker, "POST", "/invocations", tokens["vera"]).status == 403
    twice = (*JSON, *((b"authorization", f"Bearer {tokens[name]}".encode()) for name in ("shop", "vera")))
    assert asker.ask("POST", "/invocations", [b"{}"], twice).status == 401


@pytest.mark.parametrize("path", ["/version", "/metrics", "/docs", "/openapi.json"])
def test_what_is_served_is_for_who_may_look(served: tuple[Asker, dict[str, str]], path: str) -> None:
    asker, tokens = served
    assert [ask(asker, "GET", path, token).status for token in (None, tokens["vera"], tokens["shop"])] == [
        401, 200, 200,
    ]  # fmt: skip


def test_a_probe_hears_only_whether_the_service_is_ready(served: tuple[Asker, dict[str, str]]) -> None:
    asker, tokens = served
    probed = ask(asker, "GET", "/health", None)
    assert (probed.status, probed.json) == (200, {"status": "ok"})
    assert ask(asker, "GET", "/health", tokens["vera"]).json["model"] == MODEL


def test_too_much_is_answered_429_and_when_to_come_again(served: tuple[Asker, dict[str, str]]) -> None:
    asker, tokens = served
    rows = ask(asker, "POST", "/invocations", tokens["busy"], rows=2)
    assert (rows.status, rows.json["error_code"], rows.headers["retry-after"]) == (
        429, "REQUEST_LIMIT_EXCEEDED", "1",
    )  # fmt: skip
    assert ask(asker, "POST", "/invocations", tokens["busy"]).status == 200
    assert ask(asker, "POST", "/invocations", tokens["busy"]).headers["retry-after"] in {"29", "30"}


def test_a_service_that_cannot_ask_for_users_answers_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ml_platform.serving.gates.LOOK_SECONDS", 0.0)  # else it knows a second later
    with contextlib.closing(TrafficLog(tmp_path / "traffic", keys=FileKeys(tmp_path))) as log:
        asker = Asker(ScoringApp(tmp_path, MODEL, "staging", traffic=log))
        with contextlib.closing(asker.runner):
            assert ask(asker, "GET", "/version", None).status == 503
            FileUsers(tmp_path, cost=CHEAP).add(user("ada", "admin"))
            assert "start it with `ml-platform serve`" in ask(asker, "POST", "/invocations", None).json["message"]
            assert ask(asker, "GET", "/health", None).json == {"status": "unavailable"}


def test_what_asks_for_tokens_never_loads_dagster() -> None:
    program = (
        "import sys; import ml_platform.cli.serve, ml_platform.access.service_gate, ml_platform.serving.run; "
        "sys.exit(any(name.split('.')[0] in {'dagster', 'mlflow'} for name in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False, timeout=60).returncode == 0
