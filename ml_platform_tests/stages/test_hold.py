"""Holding: one deployment at a time, the killed are taken over, and a rollback never waits for a promotion."""

from __future__ import annotations

import datetime as dt
import os
import subprocess
import sys
from pathlib import Path

import pytest

from ml_platform.adapters.ledger import SqliteLedger, verify_audit
from ml_platform.core.hold import LEASE, Hold, Owner
from ml_platform.core.records import ReleaseRecord
from ml_platform.stages.hold import holding
from ml_platform.stages.objection import Objection, Refused
from ml_platform.stages.promote import Promoted, promote
from ml_platform.stages.rollback import RolledBack, rollback
from ml_platform_tests.fakes.store import FakeStore
from ml_platform_tests.stages.lock_world import MODEL, NOW, World, policy

PLACE = (MODEL, "staging")
CHILD = """
import datetime as dt, sys, time
from pathlib import Path
from ml_platform.adapters.ledger import SqliteLedger
from ml_platform.stages.hold import holding
now = dt.datetime.fromisoformat(sys.argv[2])
ledger = SqliteLedger(Path(sys.argv[1]), clock=lambda: now)
with holding(ledger, ("flights", "staging"), "promotion", actor="bob", now=now, run_id="r1") as hold:
    print("ready" if getattr(hold, "token", 0) else "refused", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def ledger(tmp_path: Path) -> SqliteLedger:
    return SqliteLedger(tmp_path / "ledger.sqlite", clock=lambda: NOW)


@pytest.fixture
def world(ledger: SqliteLedger, tmp_path: Path) -> World:
    return World(ledger, FakeStore(tmp_path), policy())


def attempt(world: World, release: ReleaseRecord, hold: Hold | None = None) -> Promoted | Refused:
    return promote(
        world.policy, store=world.store, ledger=world.ledger, verifier=world.signing, model=MODEL,
        version=release.version, environment="staging", actor="bob", reason="a test", now=NOW,
        conditions=frozenset({"always"}), hold=hold,
    )  # fmt: skip


def child(ledger: SqliteLedger) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", CHILD, str(ledger.path), NOW.isoformat()]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def said(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def take(ledger: SqliteLedger, now: dt.datetime = NOW) -> Hold | Objection:
    with holding(ledger, PLACE, "promotion", actor="carol", now=now) as hold:
        return hold


def test_a_second_deployment_is_refused_and_told_who_holds_it_until_when(ledger: SqliteLedger) -> None:
    with child(ledger) as other:
        assert said(other) == "ready"
        refused = take(ledger)
        assert isinstance(refused, Objection)
        assert f"the promotion of bob (process {other.pid} on " in refused.reason
        assert "run r1) is under way since 12:00 UTC and holds it until 2013-07-01 12:15 UTC" in refused.reason
        other.kill()


def test_a_killed_owner_is_taken_over_once_it_is_seen_to_be_gone_and_the_audit_names_it(ledger: SqliteLedger) -> None:
    with child(ledger) as other:
        assert said(other) == "ready"
        other.kill()
        assert other.wait() < 0
    assert isinstance(take(ledger), Hold)
    told = ledger.last("deployment_taken_over", subject="flights@staging")
    assert told is not None
    assert str(told.payload["from"]).startswith(f"promotion of bob (process {other.pid} on ")
    assert verify_audit(ledger.path) == []


def test_an_owner_elsewhere_is_taken_over_when_its_hold_has_run_out(ledger: SqliteLedger) -> None:
    for process, host in ((os.getpid(), "another-machine"), (0, "another-machine")):
        owner = Owner(actor="bob", process=process, host=host)
        hold = Hold(
            model=MODEL, environment="staging", kind="promotion", owner=owner, since=NOW, expires_at=NOW + LEASE
        )
        taken, _ = ledger.take(hold, now=NOW)
        assert isinstance(take(ledger), Objection)
        assert isinstance(take(ledger, NOW + LEASE), Hold)
        assert taken.token > 0


def test_a_rollback_does_not_wait_for_a_promotion_which_then_moves_nothing(world: World, ledger: SqliteLedger) -> None:
    first, second, third = (world.release(text) for text in ("one", "two", "three"))
    for each in (first, second):
        assert isinstance(attempt(world, each), Promoted)
    with holding(ledger, PLACE, "promotion", actor="bob", now=NOW) as hold:
        assert isinstance(hold, Hold)
        done = rollback(ledger, world.store, MODEL, "staging", actor="carol", reason="slow", now=NOW)
        assert isinstance(done, RolledBack)
        lost = attempt(world, third, hold)
        assert isinstance(lost, Refused)
        assert "this deployment was taken over" in lost.reasons[0]
    live = ledger.live(MODEL, "staging")
    assert live is not None
    assert live.version == 1
    assert isinstance(attempt(world, third), Promoted)


def test_a_rollback_of_a_version_that_is_not_live_any_more_changes_nothing(world: World, ledger: SqliteLedger) -> None:
    for text in ("one", "two"):
        assert isinstance(attempt(world, world.release(text)), Promoted)
    refused = rollback(ledger, world.store, MODEL, "staging", actor="x", reason="it failed", now=NOW, only=1)
    assert isinstance(refused, Refused)
    assert "v2 is live, and v1 was to be taken back" in refused.reasons[0]
    assert not ledger.barred(MODEL)


def test_who_may_not_be_signalled_is_there(ledger: SqliteLedger, monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(_process: int, _signal: int) -> None:
        raise PermissionError

    with holding(ledger, PLACE, "promotion", actor="bob", now=NOW):
        monkeypatch.setattr(os, "kill", forbidden)
        assert isinstance(take(ledger), Objection)


def test_a_hold_is_given_back_when_the_deployment_fails(ledger: SqliteLedger) -> None:
    with pytest.raises(RuntimeError), holding(ledger, PLACE, "promotion", actor="bob", now=NOW):
        raise RuntimeError
    assert isinstance(take(ledger), Hold)
