"""Kill a process that promotes, tries and rolls back, at any point: one version is live, at most one is on trial."""

from __future__ import annotations

import random
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from ml_platform.adapters.artefacts import FileArtefacts
from ml_platform.adapters.deployments import project, read_manifest
from ml_platform.adapters.ledger import verify_audit
from ml_platform.adapters.rollout_manifests import rollout_path
from ml_platform.stages.versions import artefact_objections, registered
from ml_platform_tests.drills.promoting import ENVIRONMENTS, checkpoints_of, ledger_of
from ml_platform_tests.fakes.tracker import FakeTracker
from ml_platform_tests.stages.lock_world import MODEL

LONGEST_SECONDS = 0.25


@pytest.mark.drill
def test_a_promotion_killed_at_any_point_leaves_one_version_live(
    tmp_path: Path, drill_count: Callable[[int, int], int]
) -> None:
    rng = random.Random(20130701)
    versions = 0
    for _ in range(drill_count(6, 300)):
        kill_after(tmp_path, rng.uniform(0, LONGEST_SECONDS))
        check(tmp_path)
        with closing(ledger_of(tmp_path)) as ledger:
            before, versions = versions, len(ledger.releases(MODEL))
        assert versions > before


def kill_after(home: Path, seconds: float) -> None:
    command = [sys.executable, "-m", "ml_platform_tests.drills.promoting", str(home)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == b"ready\n"
        time.sleep(seconds)
        child.kill()
        assert child.wait() < 0


def check(home: Path) -> None:
    assert verify_audit(home / "ledger.sqlite", checkpoints_of(home)) == []
    with closing(sqlite3.connect(home / "ledger.sqlite")) as connection:
        rows = connection.execute("SELECT environment, count(*) FROM live GROUP BY model, environment").fetchall()
        rollouts = "SELECT count(*) FROM running_rollouts"
        tried_at_once = connection.execute(rollouts).fetchone()[0]
    assert tried_at_once in {0, 1}
    assert sorted(rows) == [("production", 1), ("staging", 1)]
    store, tracker = FileArtefacts(home), FakeTracker()
    with closing(ledger_of(home)) as ledger:
        pending = project(home, store=store, ledger=ledger, tracker=tracker)
        assert pending.problems == ()
        for environment in ENVIRONMENTS:
            live = ledger.live(MODEL, environment)
            manifest = read_manifest(home, environment, MODEL)
            assert live is not None
            assert live == ledger.history(MODEL, environment)[-1]
            assert manifest is not None
            assert (manifest.version, manifest.model_digest) == (live.version, live.model_digest)
            assert live.version not in ledger.barred(MODEL) or environment == "staging"
            assert artefact_objections(store, registered(ledger, MODEL, live.version)) == []
            tried = ledger.rollout(MODEL, environment)
            assert tried is None or tried.is_beside(live)
            assert rollout_path(home, environment, MODEL).exists() == (tried is not None)
            shown = tracker.aliases.get((MODEL, environment))
            assert shown in {None, live.version}
