"""Releases prove themselves on live traffic: a shadow, a canary, then a slow version, which is stopped or taken back.

A real service answers over HTTP all the while, and Dagster's daemon does what its sensors ask for. What no daemon is
needed for is in `orchestration/test_rollout_job` and `flow/test_rollout`.
"""

from __future__ import annotations

import itertools
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from ml_platform.adapters.ledger import verify_audit
from ml_platform.adapters.ledger.checkpoints import Checkpoints, target_of
from ml_platform.adapters.platform import open_platform
from ml_platform.adapters.signing_keys import FileSigningKeys
from ml_platform.core.ports import AuditEntry
from ml_platform.core.records import DeploymentRecord
from ml_platform.core.rollout import Rollout
from ml_platform.orchestration.build import build_all
from ml_platform.orchestration.launch import open_dagster
from ml_platform.orchestration.live_look import AUTOMATIC
from ml_platform.settings import load_settings
from ml_platform.stages.replay import Asking
from ml_platform_tests.drills.test_kill_daemon import WORKSPACE, daemon
from ml_platform_tests.flow.project import MODEL, Project, project_in
from ml_platform_tests.orchestration.small_model import WAIVED, rows

POLICY = ("packs: [base]", WAIVED.removeprefix("policy:\n    "))
MANUAL = "deployment: {production: manual}"
FEATURES = "features: ml_platform_tests.orchestration.small_features"
SLOW = (FEATURES, "features: ml_platform_tests.drills.slow_features")
# Wide margins, so that a small machine decides soon; what is slow is slower than any of them.
MARGINS = (
    "least_requests: 100, error_margin: 0.2, latency_margin: 1.0, score_margin: 0.5, loss_margin: 0.5, "
    "false_decisions: 0.2"
)
SHADOW = (MANUAL, f"deployment: {{production: manual, strategy: {{kind: shadow, {MARGINS}}}}}")
CANARY = (
    MANUAL,
    f"deployment: {{production: manual, strategy: {{kind: canary, weight: 0.1, key: distance, {MARGINS}}}}}",
)
PATIENCE_SECONDS = 600.0


@dataclass
class Story:
    """The project with its service, and those who ask it."""

    project: Project
    port: int
    callers: Iterator[dict[str, object]]
    asked: int = 0

    def release(self, *changes: tuple[str, str]) -> None:
        """Release a version, and let the job bring it to production as its file says."""
        self.project.write(POLICY, *changes)
        done = self.project.ask("run", MODEL)
        assert done.code == 0, done.out + done.err
        with open_dagster(self.project.folder, build_all(load_settings())) as dagster:
            launched = dagster.launch(f"{MODEL}_promote")
            assert launched.success, launched.failure

    def ask(self, row: dict[str, object]) -> int:
        """Return the version that answers a row."""
        asking = Asking(f"http://127.0.0.1:{self.port}")
        try:
            return asking.ask([row])[1]
        finally:
            asking.close()

    def send(self, count: int) -> list[int]:
        """Ask with new callers, one after the other, and return who answered."""
        asking = Asking(f"http://127.0.0.1:{self.port}")
        answered = [asking.ask([row])[1] for row in itertools.islice(self.callers, count)]
        asking.close()
        self.asked += count
        return answered

    def until(self, over: Callable[[], bool]) -> tuple[int, float]:
        """Send traffic until it is decided; return the requests and the seconds that it took."""
        began, before = time.monotonic(), self.asked
        while not over():
            assert time.monotonic() - began < PATIENCE_SECONDS, self.project.ask("rollout", MODEL).out
            self.send(400)
            time.sleep(1)
        return self.asked - before, time.monotonic() - began

    def serves(self, version: int) -> None:
        """Wait until the service answers with a version alone."""
        deadline = time.monotonic() + 60
        while set(self.send(5)) != {version}:
            assert time.monotonic() < deadline, f"v{version} doesn't answer"


def callers() -> Iterator[dict[str, object]]:
    """Yield requests, each by another caller: `distance` comes once."""
    for seed in itertools.count(100):
        table = rows(2000, seed)[["sent", "weight", "distance", "carrier"]]
        table["sent"] = table["sent"].map(lambda time: time.isoformat())
        yield from ({str(name): value for name, value in row.items()} for row in table.to_dict("records"))


@contextmanager
def played(folder: Path) -> Iterator[Story]:
    """Let the first version be live, served and watched by the daemon."""
    with project_in(folder, None) as project:
        project.write(POLICY, SHADOW)
        assert project.ask("run", MODEL).code == 0
        assert project.ask("promote", MODEL, "--env", "production", "--reason", "first").code == 0
        (folder / "workspace.yaml").write_text(WORKSPACE)
        with project.serve("production") as port, daemon(project):
            story = Story(project, port, callers())
            story.send(150)  # what is usual before anything is tried
            yield story


def live(project: Project) -> DeploymentRecord:
    found = project.live("production")
    assert found is not None
    return found


def rollouts() -> list[Rollout]:
    with open_platform(load_settings()) as platform:
        return list(platform.ledger.rollouts(MODEL, "production"))


def over() -> bool:
    return rollouts()[-1].end is not None


def entries(action: str) -> list[AuditEntry]:
    with open_platform(load_settings()) as platform:
        return [*platform.ledger.all_of(action, subject=f"{MODEL}@production")]


def ending(story: Story) -> tuple[str, str, float]:
    """Return how the last trial ended, why, and after how many seconds, as the ledger has it."""
    last = rollouts()[-1]
    assert last.end is not None
    (looked,) = [each for each in entries("rollout_looked")[-1:] if each.payload["rollout_id"] == last.begun.rollout_id]
    assert looked.payload["measurements"]
    return last.end.outcome, last.end.reason, (last.end.at - last.begun.since).total_seconds()


def figures(what: str, requests: int, seconds: float) -> None:
    sys.stdout.write(f"{what}: {requests:,} requests, {seconds:.0f} seconds\n")


def whole(project: Project) -> None:
    checkpoints = Checkpoints(target_of(project.home, ""), FileSigningKeys(project.home))
    assert verify_audit(project.home / "ledger.sqlite", checkpoints) == []
    with open_platform(load_settings()) as platform:
        history = platform.ledger.history(MODEL, "production")
        assert platform.ledger.live(MODEL, "production") == history[-1]
        assert platform.ledger.running_rollouts() == ()


@pytest.mark.drill
def test_a_good_version_is_promoted_by_itself_and_a_slow_one_stopped_or_taken_back(
    tmp_path: Path, drill_count: Callable[[int, int], int]
) -> None:
    if not drill_count(0, 1):
        pytest.skip("takes many minutes, and a machine that does little else: `make drills`")
    with played(tmp_path) as story:
        a_shadow_is_promoted(story)
        a_canary_is_promoted(story)
        a_slow_canary_is_stopped(story)
        a_slow_version_is_taken_back(story)
        whole(story.project)


def a_shadow_is_promoted(story: Story) -> None:
    story.release(SHADOW, ("num_leaves: 7", "num_leaves: 5"))
    before = live(story.project).version
    figures("a shadow is promoted", *story.until(over))
    assert ending(story)[0] == "promoted"
    story.serves(before + 1)


def a_canary_is_promoted(story: Story) -> None:
    champion = live(story.project).version
    story.release(CANARY, ("num_leaves: 7", "num_leaves: 6"))
    assert (live(story.project).version, rollouts()[-1].begun.version) == (champion, champion + 1)
    row = next(row for row in story.callers if story.ask(row) == champion + 1)
    assert {story.ask(row) for _ in range(5)} == {champion + 1}, "a caller doesn't always meet the same version"
    figures("a canary of 10% is promoted", *story.until(over))
    outcome, why, seconds = ending(story)
    assert (outcome, live(story.project).version) == ("promoted", champion + 1)
    assert why.startswith(f"proven on live traffic beside v{champion}: no worse by a margin in errors, latency p95")
    assert seconds > 0
    story.serves(champion + 1)


def a_slow_canary_is_stopped(story: Story) -> None:
    champion = live(story.project).version
    story.release(CANARY, ("num_leaves: 7", "num_leaves: 6"), SLOW)
    figures("a slow canary of 10% is stopped", *story.until(over))
    outcome, why, _ = ending(story)
    assert (outcome, live(story.project).version) == ("stopped", champion)
    assert "proven worse: latency p95: " in why
    again = story.project.ask("promote", MODEL, "--env", "production", "--reason", "again")
    assert f"v{champion + 1} was barred" in again.err
    story.serves(champion)


def a_slow_version_is_taken_back(story: Story) -> None:
    before = live(story.project).version
    story.release(("num_leaves: 7", "num_leaves: 4"), SLOW)
    bad = live(story.project).version
    assert bad > before
    figures("a slow version is taken back", *story.until(lambda: live(story.project).version != bad))
    assert live(story.project).version == before
    (entry,) = entries(AUTOMATIC)
    assert (entry.payload["barred"], entry.payload["version"]) == (bad, before)
    assert "live_slow_excess" in str(entry.payload["reason"])
    assert float(str(entry.payload["seconds"])) > 0
    story.serves(before)
