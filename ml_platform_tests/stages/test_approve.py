"""Approvals: somebody else's word, on exactly this, for a while, once."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from ml_platform.core.errors import DataInvalid
from ml_platform.core.ports import Approval
from ml_platform.core.records import ReleaseRecord
from ml_platform.policy.resolve import Policy
from ml_platform.stages.approve import REFUSED, approve
from ml_platform.stages.objection import Refused
from ml_platform.stages.promote import Promoted, promote
from ml_platform_tests.fakes.ledger import FakeLedger
from ml_platform_tests.fakes.store import FakeStore
from ml_platform_tests.stages.lock_world import MODEL, NOW, World, policy

LATER = NOW + dt.timedelta(days=1)


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(FakeLedger(), FakeStore(tmp_path), policy(approvals={"production": 2}))


def give(
    world: World,
    approver: str,
    *,
    version: int = 1,
    its_policy: Policy | None = None,
    valid_for: dt.timedelta = dt.timedelta(days=7),
) -> Approval | Refused:
    return approve(
        its_policy or world.policy,
        ledger=world.ledger,
        model=MODEL,
        version=version,
        environment="production",
        approver=approver,
        now=NOW,
        valid_for=valid_for,
    )


def attempt(world: World, release: ReleaseRecord, now: dt.datetime = LATER) -> Promoted | Refused:
    return promote(
        world.policy,
        store=world.store,
        ledger=world.ledger,
        verifier=world.signing,
        model=MODEL,
        version=release.version,
        environment="production",
        actor="bob",
        reason="a test",
        now=now,
        conditions=frozenset({"always"}),
    )


def test_two_others_open_the_lock_and_their_words_are_used_up(world: World) -> None:
    release = world.release()
    first = give(world, "carol")
    assert isinstance(first, Approval)
    assert first.expires_at == NOW + dt.timedelta(days=7)
    refused = attempt(world, release)
    assert isinstance(refused, Refused)
    assert refused.outcome == "refused"
    assert "needs 2 approvals for production" in refused.reasons[0]
    assert "it has 1 (carol)" in refused.reasons[0]
    give(world, "dora")
    give(world, "emil")
    assert isinstance(attempt(world, release), Promoted)
    used = [each.approver for each in world.ledger.approvals(MODEL, 1, "production") if each.used_at]
    assert used == ["carol", "dora"]


def test_approvals_do_not_outlive_their_time(world: World) -> None:
    release = world.release()
    give(world, "carol")
    give(world, "dora", valid_for=dt.timedelta(hours=1))
    refused = attempt(world, release)
    assert isinstance(refused, Refused)
    assert "dora's was valid until 2013-07-01" in refused.reasons[0]


def test_whoever_released_or_trained_it_can_not_approve_it(world: World) -> None:
    release = world.release()
    refused = give(world, " ALICE")
    assert isinstance(refused, Refused)
    assert "somebody else has to approve" in refused.reasons[0]
    told = world.ledger.last(REFUSED, subject=f"{MODEL}@production")
    assert told is not None
    assert (told.actor, told.payload["version"]) == ("ALICE", release.version)
    world.approval(release, "alice")
    again = attempt(world, release)
    assert isinstance(again, Refused)
    assert "alice's doesn't count, being the author's own" in again.reasons[0]


def test_what_was_released_under_another_policy_is_not_approved(world: World) -> None:
    world.release()
    refused = give(world, "carol", its_policy=policy(approvals={"production": 1}))
    assert isinstance(refused, Refused)
    assert "run the release job" in refused.reasons[0]


def test_what_was_barred_is_not_approved(world: World) -> None:
    first, second = world.release("one"), world.release("two")
    world.ledger.deploy(first, "staging", actor="bob", reason="a test", approvals=(), at=NOW)
    world.ledger.deploy(second, "staging", actor="bob", reason="a test", approvals=(), at=NOW)
    world.ledger.deploy(first, "staging", actor="bob", reason="slow", approvals=(), bar=2, at=NOW)
    refused = give(world, "carol", version=2)
    assert isinstance(refused, Refused)
    assert "barred: slow" in refused.reasons[0]


def test_a_word_from_nobody_or_for_no_time_or_on_nothing_is_wrong_input(world: World) -> None:
    world.release()
    with pytest.raises(DataInvalid, match="needs a name"):
        give(world, " ")
    with pytest.raises(DataInvalid, match="a time to be valid"):
        give(world, "carol", valid_for=dt.timedelta(0))
    with pytest.raises(DataInvalid, match="isn't registered; known: v1"):
        give(world, "carol", version=2)
