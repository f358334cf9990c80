"""After a failed check in production: who takes the version back, may they, and is that what is live."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from ml_platform.access import in_run
from ml_platform.access.person import RETRAINING, Person
from ml_platform.adapters.platform import open_platform
from ml_platform.core.hold import LEASE, Hold, Owner
from ml_platform.core.records import ReleaseRecord
from ml_platform.orchestration import deploying
from ml_platform.orchestration.deploying import Wish
from ml_platform.orchestration.desk import Desk
from ml_platform.settings import Settings
from ml_platform.stages.objection import Refused
from ml_platform_tests.access.people import people
from ml_platform_tests.fakes.tracker import FakeTracker
from ml_platform_tests.orchestration.small_model import NOW, load_small
from ml_platform_tests.stages.lock_world import MODEL, World, policy


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    settings = Settings(home=tmp_path / "home", mlflow_uri="", actor="robin", defs=None, only=())
    file = load_small(tmp_path)
    named = dataclasses.replace(file, spec=file.spec.model_copy(update={"model": MODEL}))
    tracker: Any = FakeTracker()
    platform = dataclasses.replace(open_platform(settings), tracker=tracker)
    return Desk(file=named, platform=platform, now=NOW, run_id="run-1")


def live(desk: Desk, *texts: str) -> list[ReleaseRecord]:
    world = World(desk.platform.ledger, desk.platform.store, policy())
    made = [world.release(text) for text in texts]
    for each in made:
        desk.platform.ledger.deploy(each, "production", actor="rita", reason="x", approvals=(), at=NOW)
    return made


def answer(desk: Desk, release: ReleaseRecord) -> str:
    return deploying._answer(desk, Wish(release=release, environment="production", reason="x"))


def test_a_version_that_failed_its_check_is_taken_back_by_the_service_whoever_promoted_it(desk: Desk) -> None:
    people(desk.platform.home)
    _, bad = live(desk, "one", "two")
    assert answer(desk, bad) == "rolled back to v1; v2 is barred for good"
    now = desk.platform.ledger.live(MODEL, "production")
    assert now is not None
    assert now.actor == RETRAINING.name


def test_without_users_it_is_whom_the_settings_name(desk: Desk) -> None:
    _, bad = live(desk, "one", "two")
    answer(desk, bad)
    now = desk.platform.ledger.live(MODEL, "production")
    assert now is not None
    assert now.actor == "robin"


def test_who_may_not_take_it_back_says_so_loudly_and_the_denial_is_audited(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    people(desk.platform.home)
    _, bad = live(desk, "one", "two")
    monkeypatch.setattr(in_run, "RETRAINING", Person(name=RETRAINING.name, grants=()))
    said = answer(desk, bad)
    assert said.startswith("v2 FAILED ITS CHECK AND IS STILL LIVE, it may not be taken back by itself")
    assert said.endswith("Roll it back by hand")
    now = desk.platform.ledger.live(MODEL, "production")
    assert now is not None
    assert now.version == 2
    denied = desk.platform.ledger.last("access_denied", subject=MODEL)
    assert denied is not None
    assert denied.payload["what"] == "roll_back_automatically"


def test_what_went_live_meanwhile_is_left_alone_and_nothing_to_go_back_to_is_loud(desk: Desk) -> None:
    (first,) = live(desk, "one")
    assert answer(desk, first).startswith("v1 FAILED ITS CHECK AND IS STILL LIVE, there is nothing to roll back to")
    live(desk, "two")
    assert answer(desk, first).startswith("v2 is live meanwhile and stays")
    assert not desk.platform.ledger.barred(MODEL)


def test_a_second_deployment_is_refused_before_anything_is_read_and_audited(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    (first,) = live(desk, "one")
    owner = Owner(actor="rita", process=1, host="another-machine")
    desk.platform.ledger.take(
        Hold(
            model=MODEL, environment="staging", kind="promotion", owner=owner, since=NOW, expires_at=NOW + LEASE
        ),
        now=NOW,
    )  # fmt: skip
    monkeypatch.setattr(deploying, "_require_same_contract", lambda _desk, _wish: None)
    refused = deploying.deploy(desk, Wish(release=first, environment="staging", reason="hurry"))
    assert isinstance(refused, Refused)
    assert "the promotion of rita (process 1 on another-machine) is under way" in refused.reasons[0]
    told = desk.platform.ledger.last("promotion_refused", subject="flights@staging")
    assert told is not None
    assert told.payload["reason"] == "hurry"


def test_a_promotion_is_refused_without_loading_what_only_a_run_needs() -> None:
    heavy = ("dagster", "pandas", "pyarrow", "mlflow", "sklearn", "lightgbm")
    code = f"import sys, ml_platform.orchestration.deploying; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
