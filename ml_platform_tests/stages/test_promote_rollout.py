"""The lock and rollouts: what would go live is examined the same way before it is tried, and before it replaces."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from pathlib import Path

import pytest

from ml_platform.core.rollout import RolloutEnd
from ml_platform.policy.freezes import Freeze
from ml_platform.stages.objection import Refused
from ml_platform.stages.promote import Promoted, promote
from ml_platform.stages.rollback import RolledBack, rollback
from ml_platform.stages.way import DIRECTLY, Proven, Tried, Way
from ml_platform_tests.fakes.ledger import FakeLedger
from ml_platform_tests.fakes.signing import FakeSigning
from ml_platform_tests.fakes.store import FakeStore
from ml_platform_tests.stages.lock_world import MODEL, NOW, World, policy

CANARY = Tried(rollout_id="r1", strategy="canary", weight=0.1, sticky_by="carrier", rules_digest="77" * 32)
CHAMPION = ("always", "champion")


@pytest.fixture
def world(tmp_path: Path) -> World:
    """Return a world where v1 is live in production, v2 could follow it, and a promotion needs an approval."""
    signing = FakeSigning()
    made = World(FakeLedger(signing), FakeStore(tmp_path), policy(approvals={"production": 1}), signing)
    approve(made, made.release("one").version)
    assert isinstance(attempt(made, 1), Promoted)
    made.release("two", conditions=CHAMPION)
    return made


def approve(world: World, version: int) -> None:
    release = world.ledger.release(MODEL, version)
    assert release is not None
    given = len(world.ledger.approvals(MODEL, version, "production"))
    world.approval(release, "carol", approval_id=f"v{version}-{given}")


def attempt(world: World, version: int = 2, way: Way = DIRECTLY, despite: str = "") -> Promoted | Refused:
    return promote(
        world.policy, store=world.store, ledger=world.ledger, verifier=world.signing, model=MODEL, version=version,
        environment="production", actor="bob", reason="faster", now=NOW, conditions=frozenset({"always"}), way=way,
        despite_freeze=despite,
    )  # fmt: skip


def begun(world: World) -> Promoted:
    approve(world, 2)
    done = attempt(world, way=CANARY)
    assert isinstance(done, Promoted)
    return done


def why(outcome: object) -> str:
    assert isinstance(outcome, Refused)
    return "\n".join(outcome.reasons)


def test_a_rollout_begins_through_the_lock_and_the_champion_stays_live(world: World) -> None:
    assert "approval" in why(attempt(world, way=CANARY))
    assert world.ledger.rollout(MODEL, "production") is None
    done = begun(world)
    its = done.rollout
    assert its is not None
    assert (done.deployment.version, its.version, its.champion, its.weight) == (1, 2, 1, 0.1)
    assert (its.actor, its.reason, its.sticky_by, its.strategy) == ("bob", "faster", "carrier", "canary")
    assert world.ledger.live(MODEL, "production") == done.deployment
    assert all(each.used_at for each in world.ledger.approvals(MODEL, 2, "production"))


def test_evidence_is_needed_before_a_single_request(world: World) -> None:
    bad = world.release("three", {"evaluation": 0.1}, conditions=CHAMPION)
    approve(world, bad.version)
    assert "evaluation_is_good" in why(attempt(world, 3, CANARY))
    uncompared = world.release("four")
    approve(world, uncompared.version)
    assert "champion" in why(attempt(world, 4, CANARY))
    assert world.ledger.rollout(MODEL, "production") is None


def test_the_same_wish_again_changes_nothing(world: World) -> None:
    its = begun(world).rollout
    entries = len(list(world.ledger.audit()))
    again = attempt(world, way=replace(CANARY, rollout_id="r2"))
    assert isinstance(again, Promoted)
    assert (again.rollout, again.unchanged) == (its, True)
    assert len(list(world.ledger.audit())) == entries


def test_one_version_is_tried_at_a_time_by_one_set_of_rules(world: World) -> None:
    begun(world)
    other = world.release("three", conditions=CHAMPION)
    approve(world, other.version)
    assert "v2 is tried already" in why(attempt(world, 3, CANARY))
    assert "by other rules" in why(attempt(world, 2, replace(CANARY, rules_digest="88" * 32)))


def test_a_proven_challenger_goes_live_by_the_approvals_of_its_rollout(world: World) -> None:
    begun(world)
    done = attempt(world, way=Proven(rollout_id="r1"))
    assert isinstance(done, Promoted)
    assert (done.deployment.version, done.rollout) == (2, None)
    (its,) = world.ledger.rollouts(MODEL, "production")
    assert its.end is not None
    assert its.end.outcome == "promoted"


def test_what_was_not_tried_is_not_proven(world: World) -> None:
    assert "doesn't run" in why(attempt(world, way=Proven(rollout_id="r1")))
    begun(world)
    other = world.release("three", conditions=CHAMPION)
    approve(world, other.version)
    for version, rollout_id in ((2, "r2"), (3, "r1")):
        assert "doesn't run" in why(attempt(world, version, Proven(rollout_id=rollout_id)))
    assert isinstance(world.ledger, FakeLedger)
    forged = replace(world.ledger.tried[0].begun, weight=0.5)
    world.ledger.tried[0] = replace(world.ledger.tried[0], begun=forged)
    assert "isn't the platform's" in why(attempt(world, way=Proven(rollout_id="r1")))
    live = world.ledger.live(MODEL, "production")
    assert live is not None
    assert live.version == 1


def test_evidence_is_read_again_before_the_challenger_replaces_the_champion(world: World) -> None:
    begun(world)
    changed = replace(world, policy=policy(approvals={"production": 1}, signed=True))
    assert "policy" in why(attempt(changed, way=Proven(rollout_id="r1")))
    assert world.ledger.rollout(MODEL, "production") is not None


def test_a_freeze_stops_the_beginning_and_the_end_of_a_rollout_and_not_what_is_tried(world: World) -> None:
    week = Freeze(
        name="july", start="Mon 00:00", end="Sun 00:00", zone="UTC", environments=("production",), owner="Operations",
        reason="Nobody is there to look.",
    )  # fmt: skip
    frozen = replace(world, policy=replace(world.policy, freezes=(week,)))
    approve(world, 2)
    assert "frozen" in why(attempt(frozen, way=CANARY))
    assert isinstance(attempt(frozen, way=CANARY, despite="it burns"), Promoted)
    assert isinstance(attempt(frozen, way=CANARY), Promoted)
    assert "frozen" in why(attempt(frozen, way=Proven(rollout_id="r1")))


def test_the_model_that_is_live_needs_no_trial(world: World) -> None:
    same = world.release("one", conditions=CHAMPION)
    approve(world, same.version)
    done = attempt(world, same.version, CANARY)
    assert isinstance(done, Promoted)
    assert (done.deployment.version, done.rollout) == (same.version, None)


def test_where_nothing_is_live_the_first_version_goes_live_directly(tmp_path: Path) -> None:
    world = World(FakeLedger(), FakeStore(tmp_path), policy())
    world.release("one")
    done = attempt(world, 1, CANARY)
    assert isinstance(done, Promoted)
    assert (done.deployment.version, done.rollout) == (1, None)


def test_a_direct_promotion_needs_approvals_of_its_own_and_ends_the_rollout(world: World) -> None:
    begun(world)
    assert "approval" in why(attempt(world))
    approve(world, 2)
    assert isinstance(attempt(world), Promoted)
    (its,) = world.ledger.rollouts(MODEL, "production")
    assert its.end is not None
    assert its.end.outcome == "cancelled"


def test_a_rollback_ends_the_rollout(world: World) -> None:
    for rollout_id, each in (("r1", "two"), ("r2", "three")):
        version = 2 if each == "two" else world.release(each, conditions=CHAMPION).version
        approve(world, version)
        assert isinstance(attempt(world, version, replace(CANARY, rollout_id=rollout_id)), Promoted)
        if version == 2:
            assert isinstance(attempt(world, version, Proven(rollout_id="r1")), Promoted)
    later = NOW + dt.timedelta(hours=1)
    done = rollback(world.ledger, world.store, MODEL, "production", actor="rita", reason="late", now=later)
    assert isinstance(done, RolledBack)
    assert world.ledger.rollout(MODEL, "production") is None
    assert dict(world.ledger.barred(MODEL)) == {2: "late"}


def test_a_challenger_that_was_stopped_is_barred(world: World) -> None:
    begun(world)
    world.ledger.end_rollout(
        RolloutEnd(rollout_id="r1", outcome="stopped", at=NOW, actor="ml_platform", reason="slower than v1")
    )
    assert "slower than v1" in why(attempt(world, way=CANARY))
