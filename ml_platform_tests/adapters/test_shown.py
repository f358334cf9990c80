"""The audit finds a deployment manifest that doesn't show what the ledger says is live."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import pytest

from ml_platform.adapters.artefacts import FileArtefacts
from ml_platform.adapters.deployments import manifest_path, write_manifest
from ml_platform.adapters.ledger import SqliteLedger, verify_audit
from ml_platform.core.records import DeploymentRecord
from ml_platform_tests.stages.lock_world import MODEL, NOW, World, policy


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    ledger = SqliteLedger(tmp_path / "ledger.sqlite", clock=lambda: NOW)
    yield World(ledger, FileArtefacts(tmp_path), policy())
    ledger.close()


def deploy(world: World, text: str) -> DeploymentRecord:
    return world.ledger.deploy(world.release(text), "staging", actor="bob", reason="a test", approvals=(), at=NOW)


def problems(home: Path) -> list[str]:
    return verify_audit(home / "ledger.sqlite")


def test_a_manifest_that_nobody_promoted_is_found(world: World, tmp_path: Path) -> None:
    stray = dataclasses.replace(deploy(world, "one"), model="health_cost", environment="production")
    write_manifest(tmp_path, world.store, stray)
    assert problems(tmp_path) == ["deployments/production/health_cost.json shows v1, but nothing is live there"]


def test_a_copied_manifest_is_found(world: World, tmp_path: Path) -> None:
    path = write_manifest(tmp_path, world.store, deploy(world, "one"))
    path.with_name("other.json").write_bytes(path.read_bytes())
    world.ledger.project(lambda _: None)
    assert problems(tmp_path) == ["deployments/staging/other.json is about flights in staging"]


def test_an_edited_manifest_is_found(world: World, tmp_path: Path) -> None:
    live = deploy(world, "one")
    other = world.release("two").candidate.model_digest
    for change, said in (({"version": 2}, "but v1 is live there"), ({"model_digest": other}, "another model")):
        write_manifest(tmp_path, world.store, dataclasses.replace(live, **change))
        assert said in "".join(problems(tmp_path))
    manifest_path(tmp_path, "staging", MODEL).write_text("{}")
    assert "not a deployment manifest" in "".join(problems(tmp_path))


def test_a_projection_that_waits_is_no_problem_until_it_is_done(world: World, tmp_path: Path) -> None:
    write_manifest(tmp_path, world.store, deploy(world, "one"))
    world.ledger.project(lambda _: None)
    deploy(world, "two")
    assert problems(tmp_path) == []
    world.ledger.project(lambda _: None)
    assert problems(tmp_path) == ["deployments/staging/flights.json shows v1, but v2 is live there"]


def test_what_was_never_live_is_found_while_a_projection_waits(world: World, tmp_path: Path) -> None:
    live = deploy(world, "one")
    write_manifest(tmp_path, world.store, dataclasses.replace(live, evidence_digest="e" * 64))
    assert "with another model or other evidence" in "".join(problems(tmp_path))


def test_a_manifest_that_is_missing_is_no_problem(world: World, tmp_path: Path) -> None:
    deploy(world, "one")
    world.ledger.project(lambda _: None)
    assert problems(tmp_path) == []
