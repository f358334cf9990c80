"""Who acts in a run, and whether they may do what its stage does."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ml_platform.access.acting import Wanted, authenticated, require
from ml_platform.access.actions import Action
from ml_platform.access.assets import needed
from ml_platform.access.decide import Denied
from ml_platform.access.person import RETRAINING, Person
from ml_platform.access.seal import launcher
from ml_platform.access.users import FileUsers
from ml_platform.settings import Settings, token

if TYPE_CHECKING:
    import datetime as dt

    from ml_platform.core.ports import Ledger


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A stage of a model in a run, with the run's tags."""

    model: str
    stage: str
    run_id: str
    tags: Mapping[str, str] = field(default_factory=dict)


def actor_of(settings: Settings, ledger: Ledger, step: Step, *, now: dt.datetime) -> str:
    """Return the name of who acts in a step; raises Denied, which is audited, when they may not.

    Who launched the run through the web server acts; else whose token is set; else the service account, which may
    train and go to staging and never to production. Without a users' file it is whom the settings name.
    """
    person = _person(settings, ledger, step, now=now)
    if person is None:
        return settings.actor
    wanted = Wanted(action=needed(step.stage), model=step.model)
    require(person, wanted, ledger=ledger, now=now, source=f"run {step.run_id}")
    return person.name


def automatic_actor(settings: Settings, ledger: Ledger, model: str, *, run_id: str, now: dt.datetime) -> str:
    """Return the name under which a failed check takes a version back; raises Denied, which is audited.

    Nobody decided, so the service account acts, whoever launched the run. Without a users' file it is whom the
    settings name.
    """
    if not FileUsers(settings.home).exist():
        return settings.actor
    wanted = Wanted(action=Action.ROLL_BACK_AUTOMATICALLY, model=model)
    require(RETRAINING, wanted, ledger=ledger, now=now, source=f"run {run_id}")
    return RETRAINING.name


def _person(settings: Settings, ledger: Ledger, step: Step, *, now: dt.datetime) -> Person | None:
    users = FileUsers(settings.home)
    name = launcher(settings.home, step.run_id, step.tags) if users.exist() else None
    if name is not None:
        person = users.person(name)
        if person is None:
            raise Denied(f"{name}: launched this run and isn't a user any more; nothing was changed; launch it again")
        return person
    return RETRAINING if users.exist() and not token() else authenticated(settings, ledger, now=now)
