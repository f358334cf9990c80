"""The deployment manifest follows the ledger, whatever is down and in whatever order it comes back."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from ml_platform.adapters.deployments import Manifest, manifest_path, project, read_manifest, write_manifest
from ml_platform.adapters.rollout_manifests import rollout_path
from ml_platform.core.errors import DataInvalid, Unavailable
from ml_platform.core.records import DeploymentRecord, ReleaseRecord
from ml_platform.core.rollout import RolloutEnd
from ml_platform_tests.adapters.test_sqlite_ledger import rollout
from ml_platform_tests.fakes.ledger import FakeLedger
from ml_platform_tests.fakes.store import FakeStore
from ml_platform_tests.fakes.tracker import FakeTracker
from ml_platform_tests.stages.lock_world import MODEL, NOW, World, policy


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(FakeLedger(), FakeStore(tmp_path), policy())


def deploy(world: World, release: ReleaseRecord, environment: str = "staging") -> DeploymentRecord:
    return world.ledger.deploy(release, environment, actor="bob", reason="a test", approvals=(), at=NOW)


def test_what_is_written_is_read(world: World, tmp_path: Path) -> None:
    deployment = deploy(world, world.release())
    path = write_manifest(tmp_path, world.store, deployment)
    assert path == manifest_path(tmp_path, "staging", MODEL) == tmp_path / "deployments" / "staging" / "flights.json"
    assert read_manifest(tmp_path, "staging", MODEL) == Manifest(
        model=MODEL,
        environment="staging",
        version=1,
        model_digest=deployment.model_digest,
        evidence_digest=deployment.evidence_digest,
        since=NOW,
    )
    assert set(json.loads(path.read_text())) == {
        "schema_version",
        "model",
        "environment",
        "version",
        "model_digest",
        "evidence_digest",
        "since",
    }
    assert [file.name for file in path.parent.iterdir()] == ["flights.json"]


def test_nothing_deployed_has_no_manifest(tmp_path: Path) -> None:
    assert read_manifest(tmp_path, "staging", MODEL) is None


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", '{"schema_version": 2}'])
def test_what_is_no_manifest_is_refused(world: World, tmp_path: Path, content: str) -> None:
    path = write_manifest(tmp_path, world.store, deploy(world, world.release()))
    path.write_text(content)
    with pytest.raises(DataInvalid, match=r"flights\.json"):
        read_manifest(tmp_path, "staging", MODEL)


def test_a_newer_manifest_is_refused(world: World, tmp_path: Path) -> None:
    path = write_manifest(tmp_path, world.store, deploy(world, world.release()))
    path.write_text(path.read_text().replace('"schema_version": 1', '"schema_version": 2'))
    with pytest.raises(DataInvalid, match="schema version 2, known: 1"):
        read_manifest(tmp_path, "staging", MODEL)


def test_a_manifest_that_can_not_be_read_or_written_says_so(world: World, tmp_path: Path) -> None:
    deployment = deploy(world, world.release())
    manifest_path(tmp_path, "staging", MODEL).mkdir(parents=True)
    with pytest.raises(
        DataInvalid, match="is a folder; a plain file is needed; the deployment manifest has to be readable"
    ):
        read_manifest(tmp_path, "staging", MODEL)
    with pytest.raises(Unavailable, match="nothing was left half-written"):
        write_manifest(tmp_path, world.store, deployment)
    assert [file.name for file in (tmp_path / "deployments" / "staging").iterdir()] == ["flights.json"]


def test_a_manifest_never_names_a_model_that_is_gone(world: World, tmp_path: Path) -> None:
    deployment = deploy(world, world.release())
    with pytest.raises(Unavailable, match="isn't in the store"):
        write_manifest(tmp_path, FakeStore(tmp_path / "elsewhere"), deployment)


def test_projecting_shows_every_deployment_once(world: World, tmp_path: Path) -> None:
    tracker = FakeTracker()
    first, second = world.release("one"), world.release("two")
    for release, environment in ((first, "staging"), (second, "staging"), (first, "production")):
        deploy(world, release, environment)
    shown = project(tmp_path, store=world.store, ledger=world.ledger, tracker=tracker)
    assert (shown.done, shown.problems) == (3, ())
    assert tracker.aliases == {(MODEL, "staging"): 2, (MODEL, "production"): 1}
    assert [live_version(tmp_path, name) for name in ("staging", "production")] == [2, 1]
    assert project(tmp_path, store=world.store, ledger=world.ledger, tracker=tracker).done == 0


def test_the_service_follows_while_the_tracker_is_down_and_a_late_retry_brings_nothing_back(
    world: World, tmp_path: Path
) -> None:
    tracker = FakeTracker()
    tracker.down = True
    for text in ("one", "two"):
        deploy(world, world.release(text))
        shown = project(tmp_path, store=world.store, ledger=world.ledger, tracker=tracker)
        assert (shown.done, shown.problems) == (0, ("the tracker can't be reached",))
    assert live_version(tmp_path, "staging") == 2
    tracker.down = False
    assert project(tmp_path, store=world.store, ledger=world.ledger, tracker=tracker).done == 2
    assert live_version(tmp_path, "staging") == 2
    assert tracker.aliases == {(MODEL, "staging"): 2}


def test_a_folder_that_can_not_be_locked_says_so(world: World, tmp_path: Path) -> None:
    (tmp_path / "deployments").write_text("")
    with pytest.raises(Unavailable, match="deployments"):
        project(tmp_path, store=world.store, ledger=world.ledger, tracker=FakeTracker())


def test_a_ledger_that_fails_is_not_taken_for_a_tracker_that_is_down(world: World, tmp_path: Path) -> None:
    class Broken(FakeLedger):
        def project(self, outbox: object) -> int:
            raise Unavailable("the ledger is locked")

    with pytest.raises(Unavailable, match="the ledger is locked"):
        project(tmp_path, store=world.store, ledger=Broken(), tracker=FakeTracker())


def live_version(home: Path, environment: str) -> int:
    manifest = read_manifest(home, environment, MODEL)
    assert manifest is not None
    return manifest.version


def test_a_rollout_is_shown_beside_what_is_live_until_it_ends(world: World, tmp_path: Path) -> None:
    champion, challenger = world.release("one"), world.release("two")
    deploy(world, champion)
    begun = world.ledger.begin_rollout(replace(rollout(champion, challenger), environment="staging"), approvals=())
    shown = rollout_path(tmp_path, "staging", MODEL)
    for _ in range(2):
        assert project(tmp_path, store=world.store, ledger=world.ledger, tracker=FakeTracker()).problems == ()
        assert json.loads(shown.read_text())["rollout_id"] == begun.rollout_id
        assert shown.parent == manifest_path(tmp_path, "staging", MODEL).parent
    world.ledger.end_rollout(
        RolloutEnd(rollout_id=begun.rollout_id, outcome="cancelled", at=NOW, actor="bob", reason="a test")
    )
    project(tmp_path, store=world.store, ledger=world.ledger, tracker=FakeTracker())
    assert not shown.exists()
    assert read_manifest(tmp_path, "staging", MODEL) is not None


def test_a_rollout_that_can_not_be_shown_is_a_problem_and_no_failure(world: World, tmp_path: Path) -> None:
    champion, challenger = world.release("one"), world.release("two")
    deploy(world, champion)
    world.ledger.begin_rollout(replace(rollout(champion, challenger), environment="staging"), approvals=())
    rollout_path(tmp_path, "staging", MODEL).mkdir(parents=True)
    (problem,) = project(tmp_path, store=world.store, ledger=world.ledger, tracker=FakeTracker()).problems
    assert "flights.rollout" in problem
