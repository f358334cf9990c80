"""Who acts in a run and on the command line: proven where there are users, as before where there are none."""

from __future__ import annotations

import contextlib
import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from ml_platform.access.acting import Wanted, authorise
from ml_platform.access.actions import Action
from ml_platform.access.assets import NEEDED
from ml_platform.access.decide import Denied
from ml_platform.access.in_run import Step, actor_of
from ml_platform.access.seal import launcher_tags
from ml_platform.access.tokens import new_token
from ml_platform.access.trail import DENIED, USER_ADDED, Trail
from ml_platform.access.users import FileUsers
from ml_platform.adapters.ledger import SqliteLedger
from ml_platform.core.errors import DataInvalid, Unavailable
from ml_platform.settings import Settings
from ml_platform_tests.access.people import NOW, people

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

RUN = "3f0c"


@dataclass(frozen=True)
class World:
    settings: Settings
    ledger: SqliteLedger
    patch: pytest.MonkeyPatch

    def signs_in(self, name: str, days: int = 1) -> str:
        text, kept = new_token("test", now=NOW, days=days)
        FileUsers(self.settings.home).add_token(name, kept)
        self.patch.setenv("ML_PLATFORM_TOKEN", text)
        return text

    def wants(self, action: Action, model: str | None = "parcels", by: str | None = None) -> str:
        return authorise(self.settings, self.ledger, Wanted(action=action, model=model, by=by), now=NOW)

    def runs(self, stage: str, launched_by: str = "", run_id: str = RUN) -> str:
        tags = launcher_tags(self.settings.home, RUN, launched_by) if launched_by else {}
        step = Step(model="parcels", stage=stage, run_id=run_id, tags=tags)
        return actor_of(self.settings, self.ledger, step, now=NOW)

    def denials(self) -> list[tuple[str, object]]:
        return [(one.actor, one.payload["what"]) for one in self.ledger.audit() if one.action == DENIED]


@pytest.fixture
def open_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    monkeypatch.delenv("ML_PLATFORM_TOKEN", raising=False)
    settings = Settings(home=tmp_path, mlflow_uri="", actor="robin", defs=None, only=())
    with contextlib.closing(SqliteLedger(tmp_path / "ledger.sqlite", clock=lambda: NOW)) as ledger:
        yield World(settings, ledger, monkeypatch)


@pytest.fixture
def world(open_home: World) -> World:
    people(open_home.settings.home)
    return open_home


def test_without_users_a_name_is_believed_and_somebody_has_to_be_named(open_home: World) -> None:
    assert open_home.wants(Action.DEPLOY_PRODUCTION) == "robin"
    assert open_home.wants(Action.APPROVE, by=" kim ") == "kim"
    assert open_home.runs("production") == "robin"
    with pytest.raises(DataInvalid, match="nobody is named"):
        open_home.wants(Action.APPROVE, by=" ")


def test_with_users_a_name_alone_is_nothing(world: World) -> None:
    with pytest.raises(DataInvalid, match="ML_PLATFORM_TOKEN: isn't set"):
        world.wants(Action.DEPLOY_PRODUCTION, by="rita")


def test_a_token_acts_for_its_owner_as_far_as_the_owners_roles_go(world: World) -> None:
    world.signs_in("flo")
    assert world.wants(Action.DEPLOY_PRODUCTION) == "flo"
    assert world.wants(Action.DEPLOY_PRODUCTION, by="flo") == "flo"
    with pytest.raises(Denied, match="on flights"):
        world.wants(Action.DEPLOY_PRODUCTION, model="flights")
    assert world.denials() == [("flo", "deploy_production")]


def test_nobody_acts_in_somebody_elses_name(world: World) -> None:
    world.signs_in("rita")
    with pytest.raises(Denied, match="everybody acts for"):
        world.wants(Action.APPROVE, by="kim")
    assert world.denials() == [("rita", "approve")]


def test_a_wrong_or_expired_token_is_denied_and_audited_without_the_secret(world: World) -> None:
    text = world.signs_in("rita")
    late = NOW + dt.timedelta(days=2)
    with pytest.raises(Denied, match="nobody's token"):
        authorise(world.settings, world.ledger, Wanted(action=Action.VIEW), now=late)
    assert world.denials() == [("unknown", "a token that is nobody's")]
    assert text not in str([one.payload for one in world.ledger.audit()])


def test_a_users_file_that_vanished_closes_the_home(world: World) -> None:
    Trail(world.ledger, lambda: NOW).note(USER_ADDED, actor="ada", name="ada")
    (world.settings.home / "access" / "users.json").unlink()
    with pytest.raises(Unavailable, match="audit chain knows of users"):
        world.wants(Action.VIEW)
    with pytest.raises(Unavailable, match="audit chain knows of users"):
        world.runs("production")


def test_a_run_acts_for_who_launched_it(world: World) -> None:
    assert world.runs("production", launched_by="rita") == "rita"
    assert world.runs("staging", launched_by="tom") == "tom"
    with pytest.raises(Denied, match="tom may not bring a version to production"):
        world.runs("production", launched_by="tom")
    with pytest.raises(Denied, match="isn't a user any more"):
        world.runs("staging", launched_by="eve")
    assert world.denials() == [("tom", "deploy_production")]


def test_a_run_that_nobody_vouches_for_never_reaches_production(world: World) -> None:
    assert world.runs("model") == "service:retraining"
    assert world.runs("staging", launched_by="rita", run_id="another") == "service:retraining"
    with pytest.raises(Denied, match="service:retraining may not"):
        world.runs("production", launched_by="rita", run_id="another")


def test_a_run_in_a_persons_own_process_acts_for_the_person(world: World) -> None:
    world.signs_in("rita")
    assert world.runs("production") == "rita"
    with pytest.raises(Denied, match="rita may not train"):
        world.runs("model")


@pytest.mark.parametrize("stage", ["surprise", *sorted(NEEDED)])
def test_a_viewer_can_run_no_stage_and_nobody_an_unknown_one(world: World, stage: str) -> None:
    with pytest.raises(Denied):
        world.runs(stage, launched_by="vera")
    if stage == "surprise":
        with pytest.raises(Denied, match="no role does"):
            world.runs(stage, launched_by="rita")


def test_who_knocks_without_end_doesnt_fill_the_audit(world: World) -> None:
    times = [NOW]
    trail = Trail(world.ledger, lambda: times[-1], most_a_minute=2)
    for after in (0, 0, 0, 0, 60):
        times.append(NOW + dt.timedelta(seconds=after))
        trail.note(DENIED, actor="eve\nada", what="x" * 1000)
    entries = list(world.ledger.audit())
    assert [one.payload.get("left_out_before") for one in entries] == [None, None, "2"]
    assert entries[0].actor == "eve\\nada"
    assert len(str(entries[0].payload["what"])) == 200
