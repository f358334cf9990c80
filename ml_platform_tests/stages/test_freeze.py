"""Freezes at the lock: nothing is promoted, everything is rolled back, and who goes through is audited."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from ml_platform.policy.freezes import Freeze
from ml_platform.stages.objection import Refused
from ml_platform.stages.promote import Promoted, promote
from ml_platform.stages.rollback import RolledBack, rollback
from ml_platform_tests.fakes.ledger import FakeLedger
from ml_platform_tests.fakes.store import FakeStore
from ml_platform_tests.stages.lock_world import MODEL, NOW, World, policy

WEEK = Freeze(
    name="july", start="Mon 00:00", end="Sun 00:00", zone="UTC", environments=("staging",), owner="Operations",
    reason="Nobody is there to look.",
)  # fmt: skip


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(FakeLedger(), FakeStore(tmp_path), replace(policy(), freezes=(WEEK,)))


def attempt(world: World, environment: str = "staging", despite: str = "", version: int = 1) -> Promoted | Refused:
    return promote(
        world.policy, store=world.store, ledger=world.ledger, verifier=world.signing, model=MODEL, version=version,
        environment=environment, actor="bob", reason="a test", now=NOW, conditions=frozenset({"always"}),
        despite_freeze=despite,
    )  # fmt: skip


def test_nothing_is_promoted_in_a_freeze_and_the_refusal_says_which_whose_why_and_until_when(world: World) -> None:
    world.release()
    refused = attempt(world)
    assert isinstance(refused, Refused)
    assert refused.outcome == "refused"
    (reason,) = refused.reasons
    assert reason == (
        "staging is frozen (july) until 2013-07-07 00:00 UTC, by Operations: Nobody is there to look. Wait, or give "
        "a reason with --despite-freeze"
    )
    assert world.ledger.live(MODEL, "staging") is None
    assert isinstance(attempt(world, "production"), Promoted)


def test_a_reason_opens_a_freeze_and_nothing_else_and_is_audited_before_the_pointer_moves(world: World) -> None:
    world.release()
    assert isinstance(attempt(world, despite=" "), Refused)
    assert isinstance(attempt(world, despite="the live one is wrong"), Promoted)
    told = [entry for entry in world.ledger.audit() if entry.action in {"freeze_overridden", "deployed"}]
    assert [entry.action for entry in told] == ["freeze_overridden", "deployed"]
    assert told[0].actor == "bob"
    assert told[0].payload["reason"] == "the live one is wrong"
    assert told[0].payload["freezes"] == {"july": "Operations"}
    world.release("other trees", {"evaluation": 0.1})
    assert isinstance(attempt(world, despite="hurry", version=2), Refused)
    assert len([entry for entry in world.ledger.audit() if entry.action == "freeze_overridden"]) == 1


def test_a_reason_without_a_freeze_is_no_override(world: World) -> None:
    world.release()
    assert isinstance(attempt(world, "production", despite="just in case"), Promoted)
    assert world.ledger.last("freeze_overridden", subject="flights@production") is None


def test_in_a_freeze_what_is_live_stays_and_is_rolled_back_as_ever(world: World) -> None:
    for text in ("one", "two"):
        world.ledger.deploy(world.release(text), "staging", actor="bob", reason="x", approvals=(), at=NOW)
    again = attempt(world, version=2)
    assert isinstance(again, Promoted)
    assert again.unchanged
    done = rollback(world.ledger, world.store, MODEL, "staging", actor="bob", reason="slow", now=NOW)
    assert isinstance(done, RolledBack)
