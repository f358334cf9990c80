"""Promote, roll back and project in a loop until killed: `python -m ml_platform_tests.drills.promoting HOME`."""

from __future__ import annotations

import datetime as dt
import sys
import uuid
from pathlib import Path

from ml_platform.adapters.artefacts import FileArtefacts
from ml_platform.adapters.deployments import project
from ml_platform.adapters.ledger import SqliteLedger
from ml_platform.adapters.ledger.checkpoints import Checkpoints, target_of
from ml_platform.adapters.signing_keys import FileSigningKeys
from ml_platform.core.hold import Hold
from ml_platform.policy.resolve import Policy, make_policy
from ml_platform.stages.hold import holding
from ml_platform.stages.promote import Promoted, promote
from ml_platform.stages.rollback import rollback
from ml_platform_tests.fakes.tracker import FakeTracker
from ml_platform_tests.stages.lock_world import MODEL, NOW, World, gates

ENVIRONMENTS = ("staging", "production")


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
    """Release a version, make it live everywhere, and take every other one back."""
    release = world.release(uuid.uuid4().hex)
    for environment in ENVIRONMENTS:
        with holding(world.ledger, (MODEL, environment), "promotion", actor="bob", now=NOW) as hold:
            assert isinstance(hold, Hold), hold
            promoted = promote(
                world.policy, store=world.store, ledger=world.ledger, verifier=world.signing, model=MODEL,
                version=release.version, environment=environment, actor="bob", reason="a drill", now=NOW,
                conditions=frozenset({"always"}), hold=hold,
            )  # fmt: skip
        assert isinstance(promoted, Promoted), promoted
    if release.version % 2 == 0:
        rollback(world.ledger, world.store, MODEL, "production", actor="bob", reason="a drill", now=NOW)
    project(home, store=world.store, ledger=world.ledger, tracker=FakeTracker())


def main() -> None:
    home = Path(sys.argv[1])
    world = World(ledger_of(home), FileArtefacts(home), policy(), FileSigningKeys(home))
    promote_and_roll_back(world, home)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    while True:
        promote_and_roll_back(world, home)


if __name__ == "__main__":
    main()
