"""An incident that was opened after a version was judged binds it too: the lock asks for evidence, or its end."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ml_platform.adapters.ledger import SqliteLedger
from ml_platform.core.measurement import Measurement
from ml_platform.core.records import ReleaseRecord
from ml_platform.policy.gates import AtMost
from ml_platform.policy.judge import judge
from ml_platform.policy.resolve import Policy, make_policy
from ml_platform.stages.evidence import part_of
from ml_platform.stages.incidents import METRIC, OPENED, close_incident
from ml_platform.stages.objection import Refused
from ml_platform.stages.promote import Promoted
from ml_platform_tests.fakes.store import FakeStore
from ml_platform_tests.stages import lock_world
from ml_platform_tests.stages.lock_world import MODEL, NOW, World
from ml_platform_tests.stages.test_promote import attempt

NAME = "incident-1-abcdef"
BOTH = frozenset({"always", "incidents"})


def with_gate(severity: str) -> Policy:
    gate = AtMost.model_validate(
        {"kind": "at_most", "limit": 0.0, "control": "IMPROVE", "stage": "release", "metric": METRIC,
         "when": "incidents", "severity": severity, "why": "a test", "next_step": "close it"}
    )  # fmt: skip
    return make_policy({**lock_world.gates(), "incidents_are_answered": gate}, (), {}, ("small",))


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    ledger = SqliteLedger(tmp_path / "ledger.sqlite", clock=lambda: NOW)
    yield World(ledger=ledger, store=FakeStore(tmp_path), policy=with_gate("block"))
    ledger.close()


def happens(world: World) -> None:
    said = {"incident": NAME, "case": "c" * 64, "slice": "", "reason": "it was on time.", "review": "2026-01-01"}
    world.ledger.append(OPENED, actor="vera", subject=MODEL, payload=said, at=NOW)


def release_that_was_asked(world: World, missed: float) -> ReleaseRecord:
    candidate = lock_world.candidate(lock_world.put_model(world.store, "asked"))
    parts = lock_world.parts(world.policy, candidate)
    found = [lock_world.measured("release"), Measurement(metric=METRIC, value=missed, n=1, subject=NAME)]
    verdicts = judge(world.policy, "release", found, conditions=BOTH, now=NOW)
    parts["release"] = part_of(
        "release", candidate.digest, world.policy, verdicts, conditions=BOTH, now=NOW, run_id="run"
    )  # fmt: skip
    for each in parts.values():
        world.ledger.record_part(MODEL, each)
    return world.register(lock_world.evidence_of(world.policy, candidate, parts))


@pytest.mark.parametrize("environment", ["staging", "production"])
def test_an_incident_newer_than_the_evidence_refuses_until_it_is_closed(world: World, environment: str) -> None:
    release = world.release()
    happens(world)
    refused = attempt(world, release, environment)
    assert isinstance(refused, Refused)
    assert refused.outcome == "undecided"
    (reason,) = refused.reasons
    assert f"{NAME} (it was on time) was opened on" in reason
    assert f"incident close {MODEL} {NAME}" in reason
    close_incident(world.ledger, MODEL, NAME, actor="vera", reason="the parcel was late", now=NOW)
    assert isinstance(attempt(world, release, environment), Promoted)


def test_a_version_that_was_asked_goes_live_if_it_answers_right(world: World) -> None:
    happens(world)
    assert isinstance(attempt(world, release_that_was_asked(world, 0.0)), Promoted)


def test_what_is_live_stays_what_it_is(world: World) -> None:
    release = world.release()
    first = attempt(world, release)
    happens(world)
    again = attempt(world, release)
    assert isinstance(first, Promoted)
    assert again == Promoted(deployment=first.deployment, unchanged=True)


def test_where_the_gate_only_warns_no_incident_refuses(world: World) -> None:
    lenient = World(ledger=world.ledger, store=world.store, policy=with_gate("warn"))
    release = lenient.release()
    happens(lenient)
    assert isinstance(attempt(lenient, release), Promoted)
