"""Breaking changes at the lock: what callers in production can't follow is refused, unless it was declared."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from ml_platform.core.scoring import InputColumn, ScoringContract
from ml_platform.policy.breaking import Breaking
from ml_platform.stages.interface_breaks import interface_breaks, interface_digest
from ml_platform.stages.objection import Refused
from ml_platform.stages.promote import Promoted, promote
from ml_platform_tests.fakes.ledger import FakeLedger
from ml_platform_tests.fakes.store import FakeStore
from ml_platform_tests.stages.lock_world import MODEL, NOW, SCORING, World, policy

HOUR, WIND = SCORING.inputs
CLASSES = replace(SCORING, task="multiclass", classes=("a", "b", "c"), threshold=None)
CHANGES: dict[str, tuple[ScoringContract, ScoringContract]] = {
    "an input is gone": (SCORING, replace(SCORING, inputs=(HOUR,))),
    "a new input is needed": (SCORING, replace(SCORING, inputs=(HOUR, WIND, InputColumn(name="rain", type="number")))),
    "an input has another type": (SCORING, replace(SCORING, inputs=(HOUR, replace(WIND, type="category")))),
    "a range is narrower": (SCORING, replace(SCORING, inputs=(replace(HOUR, low=3), WIND))),
    "the time is gone": (SCORING, replace(SCORING, time=None)),
    "the task is another": (SCORING, replace(SCORING, task="regression", threshold=None)),
    "the order of the classes is another": (CLASSES, replace(CLASSES, classes=("a", "c", "b"))),
    "a class is gone": (CLASSES, replace(CLASSES, classes=("a", "b"))),
}
ALWAYS = ("always", "champion")


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(FakeLedger(), FakeStore(tmp_path), policy())


def attempt(world: World, version: int, environment: str = "production", said: Breaking | None = None) -> object:
    return promote(
        replace(world.policy, breaking=said), store=world.store, ledger=world.ledger, verifier=world.signing,
        model=MODEL, version=version, environment=environment, actor="bob", reason="a test", now=NOW,
        conditions=frozenset({"always"}),
    )  # fmt: skip


def told(live: ScoringContract, candidate: ScoringContract) -> Breaking:
    changes = interface_breaks(live, candidate)
    return Breaking(
        interface=interface_digest(live)[:12], changes=changes, owner="Team", reason="Callers were told in May."
    )


@pytest.mark.parametrize("change", CHANGES)
def test_a_breaking_change_needs_its_own_declaration_and_the_next_one_another(world: World, change: str) -> None:
    live, candidate = CHANGES[change]
    world.release("one", scoring=live)
    world.release("two", scoring=candidate, conditions=ALWAYS)
    world.release("three", scoring=live, conditions=ALWAYS)
    assert isinstance(attempt(world, 1), Promoted)
    assert isinstance(attempt(world, 2, "staging"), Promoted)
    refused = attempt(world, 2)
    assert isinstance(refused, Refused)
    assert refused.outcome == "refused"
    assert refused.reasons[0].startswith("a breaking change for callers of the live version: ")
    said = told(live, candidate)
    assert isinstance(attempt(world, 2, said=said), Promoted)
    entry = world.ledger.last("interface_broken", subject="flights@production")
    assert entry is not None
    assert entry.payload["changes"] == list(said.changes)
    back = attempt(world, 3, said=said)
    assert isinstance(back, Refused) is bool(interface_breaks(candidate, live))


def test_what_breaks_nothing_needs_no_declaration_and_says_nothing(world: World) -> None:
    world.release("one")
    world.release("two", conditions=ALWAYS)
    said = told(SCORING, replace(SCORING, inputs=(HOUR,)))
    assert isinstance(attempt(world, 1, said=said), Promoted)
    assert isinstance(attempt(world, 2, said=said), Promoted)
    assert world.ledger.last("interface_broken", subject="flights@production") is None
