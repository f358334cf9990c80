"""Rolling back: to the last good version, never to nothing, and the bad one stays away."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from ml_platform.core.errors import DataInvalid, Unavailable
from ml_platform.core.records import DeploymentRecord, ReleaseRecord
from ml_platform.stages.objection import Refused
from ml_platform.stages.rollback import RolledBack, rollback
from ml_platform_tests.fakes.ledger import FakeLedger
from ml_platform_tests.fakes.store import FakeStore
from ml_platform_tests.stages.lock_world import MODEL, NOW, World, policy


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(FakeLedger(), FakeStore(tmp_path), policy())


def deploy(world: World, *texts: str) -> list[ReleaseRecord]:
    releases = [world.release(text) for text in texts]
    for release in releases:
        world.ledger.deploy(release, "production", actor="bob", reason="a test", approvals=(), at=NOW)
    return releases


def roll_back(world: World, reason: str = "it was slow") -> RolledBack | Refused:
    return rollback(world.ledger, world.store, MODEL, "production", actor="bob", reason=reason, now=NOW)


def live(world: World) -> int | None:
    found = world.ledger.live(MODEL, "production")
    return found.version if found else None


def spoil(home: Path, release: ReleaseRecord) -> None:
    (home / "models" / release.candidate.model_digest / "model.txt").write_text("other trees")


def test_the_last_version_comes_back_and_the_bad_one_is_barred(world: World) -> None:
    deploy(world, "one", "two", "three")
    done = roll_back(world)
    assert isinstance(done, RolledBack)
    assert (done.deployment.version, done.barred, live(world)) == (2, 3, 2)
    assert dict(world.ledger.barred(MODEL)) == {3: "it was slow"}


def test_where_else_the_barred_version_is_live_is_said(world: World) -> None:
    _, second = deploy(world, "one", "two")
    world.ledger.deploy(second, "staging", actor="bob", reason="a test", approvals=(), at=NOW)
    done = roll_back(world)
    assert isinstance(done, RolledBack)
    assert done.still_live_in == ("staging",)


def test_rolling_back_again_goes_further_back_and_then_refuses(world: World) -> None:
    deploy(world, "one", "two", "three")
    roll_back(world)
    roll_back(world)
    assert live(world) == 1
    refused = roll_back(world)
    assert isinstance(refused, Refused)
    assert "no earlier version is good" in refused.reasons[0]
    assert live(world) == 1
    entry = world.ledger.last("rollback_refused", subject="flights@production")
    assert entry is not None
    assert entry.payload == {"reason": "it was slow", "reasons": list(refused.reasons)}


def test_a_version_whose_model_was_altered_is_passed_over(world: World, tmp_path: Path) -> None:
    _, second, _ = deploy(world, "one", "two", "three")
    spoil(tmp_path, second)
    done = roll_back(world)
    assert isinstance(done, RolledBack)
    assert (done.deployment.version, done.barred) == (1, 3)


def test_without_an_intact_version_nothing_changes_and_each_is_named(world: World, tmp_path: Path) -> None:
    for release in deploy(world, "one", "two", "three")[:2]:
        spoil(tmp_path, release)
    refused = roll_back(world)
    assert isinstance(refused, Refused)
    assert len(refused.reasons) == 3
    assert live(world) == 3
    assert world.ledger.barred(MODEL) == {}


def test_nothing_live_is_refused(world: World) -> None:
    refused = roll_back(world)
    assert isinstance(refused, Refused)
    assert refused.reasons == ("flights@production: nothing is live",)


@pytest.mark.parametrize("reason", ["", "  "])
def test_a_reason_is_needed(world: World, reason: str) -> None:
    deploy(world, "one", "two")
    with pytest.raises(DataInvalid, match="needs a reason"):
        roll_back(world, reason)


def test_an_unknown_environment_is_wrong_input(world: World) -> None:
    with pytest.raises(DataInvalid, match="known: staging, production"):
        rollback(world.ledger, world.store, MODEL, "prod", actor="bob", reason="slow", now=NOW)


def test_what_went_live_meanwhile_is_left_alone(world: World, tmp_path: Path) -> None:
    class Late(FakeLedger):
        """Answers with what was live a moment ago."""

        def live(self, model: str, environment: str) -> DeploymentRecord | None:
            return self.history(model, environment)[1]

        def deploy(self, *args: object, **kwargs: object) -> DeploymentRecord:
            raise DataInvalid("v2 was to be rolled back, but v3 is live")

    deploy(world, "one", "two", "three")
    late = Late()
    late.__dict__.update(world.ledger.__dict__)
    refused = roll_back(World(late, world.store, world.policy))
    assert isinstance(refused, Refused)
    assert "v3 is live" in refused.reasons[0]


def test_a_broken_audit_chain_is_told_but_does_not_keep_the_bad_version_live(world: World) -> None:
    class Broken(FakeLedger):
        def problems(self) -> Sequence[str]:
            return ("audit entry 4 was edited",)

    class Unreadable(FakeLedger):
        def problems(self) -> Sequence[str]:
            raise Unavailable("audit.head: permission denied")

    for ledger, told in ((Broken(), "audit entry 4 was edited"), (Unreadable(), "audit.head: permission denied")):
        its_world = World(ledger, world.store, world.policy)
        deploy(its_world, "one", "two")
        done = roll_back(its_world)
        assert isinstance(done, RolledBack)
        assert (done.problems, live(its_world)) == ((told,), 1)
