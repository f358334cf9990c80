"""The loop without a person: what things mean turns round and what is live follows, once, whoever is killed."""

from __future__ import annotations

import json
import sys
import time
import urllib.request
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from ml_platform_tests.drills.daemon import Machine, machine
from ml_platform_tests.drills.loop_points import POINTS, arm, reached
from ml_platform_tests.drills.loop_table import CALM, HARMED, LATER, month
from ml_platform_tests.drills.loop_world import (
    PER_SECOND,
    EndState,
    Traffic,
    asked_for,
    copied,
    end_state,
    prepare,
    runs,
    succeeded,
    wrong,
)
from ml_platform_tests.flow.project import MODEL, Project

RETRAIN, ROLLBACK = f"{MODEL}_retrain", f"{MODEL}_rollback"
QUEUED = "the run is queued"
FORWARD = (
    "the tick knows which windows are due", "labels are joined", "a window is judged", "the tick asks for retraining",
    QUEUED, "the request is written down", "the snapshot is taken", "the model is trained", "it is measured",
    "it is registered", "staging points to it", "production points to it",
)  # fmt: skip
BACK = ("the tick asks to go back", "production points back")


@pytest.mark.drill
def test_the_loop_closes_by_itself_and_whoever_is_killed_changes_nothing(
    tmp_path: Path, drill_count: Callable[[int, int], int],
    record_property: Callable[[str, object], None],
) -> None:  # fmt: skip
    if not drill_count(0, 1):
        pytest.skip("takes many minutes: `make drills`")
    prepare(tmp_path / "prepared")
    with copied(tmp_path / "prepared", tmp_path / "undisturbed") as project:
        undisturbed = live_through(project, (), (), record_property)
    with copied(tmp_path / "prepared", tmp_path / "killed") as project:
        assert live_through(project, FORWARD, BACK, record_property) == undisturbed


def live_through(
    project: Project, forward: Sequence[str], back: Sequence[str], note: Callable[[str, object], None]
) -> EndState:
    """Serve all the time, let a month turn out to be harmed, then let its opposite come true; return what remains."""
    began = time.monotonic()
    with project.serve("production") as port, machine(project) as host:
        traffic = Traffic(project, port, month(LATER), per_second=PER_SECOND)
        with traffic.going_on():
            kills = [kill_at(name, project, traffic, host) for name in forward]
            traffic.until("the new version serves", traffic.answered_by(2))
            traffic.until("retraining has ended", lambda: succeeded(project, RETRAIN))
            assert healthy(port) == (2, "ok")
            assert traffic.recent_auc() > 0.75
            require_right(project, traffic)
            traffic.turn()
            kills += [kill_at(name, project, traffic, host) for name in back]
            traffic.until("the version before serves again", traffic.answered_by(1))
            traffic.until("going back has ended", lambda: succeeded(project, ROLLBACK))
            assert healthy(port) == (1, "ok")
            assert traffic.recent_auc() > 0.75
        require_right(project, traffic)
    for job, least in ((RETRAIN, 1), (ROLLBACK, 1), (f"{MODEL}_monitor", 2)):
        asked = asked_for(project, job)
        assert len(asked) >= least
        assert set(asked.values()) == {1}, job
    assert len(asked_for(project, RETRAIN)) == 1
    found = end_state(project)
    check(found)
    said = "; ".join(f"{name} {seconds:.0f} s" for name, seconds in kills) or "nobody was killed"
    figures = f"{time.monotonic() - began:.0f} s, {len(traffic.load.answers):,} answers, {len(kills)} kills: {said}"
    note("figures", figures)
    sys.stdout.write(f"{figures}\n{found}\n")
    return found


def kill_at(name: str, project: Project, traffic: Traffic, host: Machine) -> tuple[str, float]:
    """Wait until a point is reached, kill, and start again; return how long that took."""
    began = time.monotonic()
    if name == QUEUED:
        traffic.until(name, lambda: bool(runs(project, RETRAIN)))
    else:
        arm(project.folder, name)
        traffic.until(name, lambda: reached(project.folder, name))
    if name != QUEUED and POINTS[name].daemon_alone:
        host.kill_daemon()
    else:
        host.lose_power()
    host.start()
    return name, time.monotonic() - began


def healthy(port: int) -> tuple[int, str]:
    """Return the version that the service says it serves, and how it is."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=20) as answer:
        said = json.load(answer)
    return said["version"], said["status"]


def require_right(project: Project, traffic: Traffic) -> None:
    """Require that everybody was answered, and rightly."""
    assert (traffic.load.refused, traffic.load.lost) == ([], 0)
    assert wrong(project, traffic) == []


def check(found: EndState) -> None:
    """One cause, one retraining, one going back; each window judged for exactly its rows, each outcome once."""
    assert [version for version, _ in found.models] == [1, 2]
    assert [version for version, _ in found.live] == [1, 2, 1]
    assert found.barred == (2,)
    assert found.causes == 1
    assert [window for window, *_ in found.windows] == [CALM, HARMED]
    audit = dict(found.audit)
    assert audit["retraining.requested"] == audit["rollback.automatic"] == 1
