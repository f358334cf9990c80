"""Promote, try, roll back and project in a loop until killed: `python -m ml_platform_tests.drills.promoting HOME`."""

from __future__ import annotations

import datetime as dt
import sys
import uuid
from collections.abc import Callable
from pathlib import Path

from ml_platform.adapters.artefacts import FileArtefacts
from ml_platform.adapters.deployments import project
from ml_platform.adapters.ledger import SqliteLedger
from ml_platform.adapters.ledger.checkpoints import Checkpoints, target_of
from ml_platform.adapters.signing_keys import FileSigningKeys
from ml_platform.core.hold import Hold
from ml_platform.core.records import ReleaseRecord
from ml_platform.core.rollout import RolloutEnd, RolloutRecord
from ml_platform.policy.resolve import Policy, make_policy
from ml_platform.stages.hold import holding
from ml_platform.stages.promote import Promoted, promote
from ml_platform.stages.rollback import rollback
from ml_platform.stages.way import DIRECTLY, Proven, Tried, Way
from ml_platform_tests.fakes.tracker import FakeTracker
from ml_platform_tests.stages.lock_world import MODEL, NOW, World, gates

ENVIRONMENTS = ("staging", "production")
# Most versions are tried first, in either way; one of three goes directly, as a person may insist.
TRIED: tuple[Callable[[str], Way], ...] = (
    lambda name: Tried(rollout_id=name, strategy="canary", weight=0.1, sticky_by="", rules_digest="77" * 32),
    lambda name: Tried(rollout_id=name, strategy="shadow", weight=0.0, sticky_by="", rules_digest="77" * 32),
    lambda _: DIRECTLY,
)


def now() -> dt.datetime:
    return dt.datetime.now(tz=dt.UTC)


def ledger_of(home: Path) -> SqliteLedger:
    return SqliteLedger(home / "ledger.sqlite", clock=now, checkpoints=checkpoints_of(home))


def checkpoints_of(home: Path) -> Checkpoints:
    return Checkpoints(target_of(home, ""), FileSigningKeys(home))


def policy() -> Policy:
    """Return a policy that doesn't ask for a comparison with the live version."""
    return make_policy({name: gate for name, gate in gates().items() if gate.when == "always"}, (), {}, ("drill",))


def promote_and_roll_back(world: World, home: Path) -> None:
    """Release a version, make it live everywhere, in production after a trial, and take every other one back."""
    release = world.release(uuid.uuid4().hex)
    go(world, release, "staging", DIRECTLY)
    rollout = go(world, release, "production", TRIED[release.version % len(TRIED)](uuid.uuid4().hex)).rollout
    project(home, store=world.store, ledger=world.ledger, tracker=FakeTracker())
    if rollout is not None:
        decide(world, release, rollout)
    if release.version % 2 == 0:
        rollback(world.ledger, world.store, MODEL, "production", actor="bob", reason="a drill", now=NOW)
    project(home, store=world.store, ledger=world.ledger, tracker=FakeTracker())


def go(world: World, release: ReleaseRecord, environment: str, way: Way) -> Promoted:
    with holding(world.ledger, (MODEL, environment), "promotion", actor="bob", now=NOW) as hold:
        assert isinstance(hold, Hold), hold
        promoted = promote(
            world.policy, store=world.store, ledger=world.ledger, verifier=world.signing, model=MODEL,
            version=release.version, environment=environment, actor="bob", reason="a drill", now=NOW,
            conditions=frozenset({"always"}), way=way, hold=hold,
        )  # fmt: skip
    assert isinstance(promoted, Promoted), promoted
    return promoted


def decide(world: World, release: ReleaseRecord, rollout: RolloutRecord) -> None:
    """Let what is proven go live, stop every third version, and leave the others to what goes live next."""
    if release.version % 3 == 0:
        stopped = RolloutEnd(
            rollout_id=rollout.rollout_id, outcome="stopped", at=NOW, actor="bob", reason="a drill"
        )  # fmt: skip
        world.ledger.end_rollout(stopped)
    else:
        go(world, release, "production", Proven(rollout_id=rollout.rollout_id))


def cancel_what_is_left(world: World) -> None:
    """End what a process that was killed has left."""
    for each in world.ledger.running_rollouts():
        world.ledger.end_rollout(
            RolloutEnd(rollout_id=each.rollout_id, outcome="cancelled", at=NOW, actor="bob", reason="it was killed")
        )


def main() -> None:
    home = Path(sys.argv[1])
    world = World(ledger_of(home), FileArtefacts(home), policy(), FileSigningKeys(home))
    cancel_what_is_left(world)
    promote_and_roll_back(world, home)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    while True:
        promote_and_roll_back(world, home)


if __name__ == "__main__":
    main()
