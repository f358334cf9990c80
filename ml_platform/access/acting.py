"""Who acts on the command line and in a run, and whether they may."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ml_platform.access.actions import Action
from ml_platform.access.decide import Denied, allowed
from ml_platform.access.trail import DENIED, SUBJECT, USER_ADDED, Trail
from ml_platform.access.users import FileUsers
from ml_platform.core.errors import DataInvalid, Unavailable
from ml_platform.settings import TOKEN, Settings, token

if TYPE_CHECKING:
    import datetime as dt

    from ml_platform.access.person import Person
    from ml_platform.core.ports import Ledger


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What somebody wants to do: `model` is None for what concerns the platform; `by` is a name given on the side."""

    action: Action
    model: str | None = None
    by: str | None = None


def authorise(settings: Settings, ledger: Ledger, wanted: Wanted, *, now: dt.datetime) -> str:
    """Return the name of who acts, once it is sure that they may; raises Denied, and writes that to the audit.

    Without a users' file nobody is asked: the name that was said, or that of the settings, is returned as it is.
    """
    person = authenticated(settings, ledger, now=now)
    if person is None:
        return _said(settings, wanted.by)
    if wanted.by and wanted.by.strip() != person.name:
        why = f"in the name of {wanted.by.strip()}"
        Trail(ledger, lambda: now).note(
            DENIED, actor=person.name, subject=wanted.model or SUBJECT, what=wanted.action, why=why,
            source="command line",
        )  # fmt: skip
        message = (
            f"--by: says {wanted.by!r} (by itself, or because the key is theirs), and {TOKEN} is {person.name}'s; in a "
            "home with users everybody acts for themselves; leave --by out, or use your own key"
        )
        raise Denied(message)
    require(person, wanted, ledger=ledger, now=now, source="command line")
    return person.name


def authenticated(settings: Settings, ledger: Ledger, *, now: dt.datetime) -> Person | None:
    """Return the person whose token is set; None where there are no users. Raises DataInvalid or Denied."""
    users = FileUsers(settings.home)
    if not users.exist():
        if ledger.last(USER_ADDED, subject=SUBJECT) is not None:
            message = (
                f"{users.path}: is gone, and the audit chain knows of users; without the file nobody is let in; "
                "restore it from a backup, or begin anew with `ml-platform users add`"
            )
            raise Unavailable(message)
        return None
    said = token()
    if not said:
        message = (
            f"{TOKEN}: isn't set; {users.path} says who may do what, so a token is needed to know who acts; an admin "
            "makes one with `ml-platform users token NAME`"
        )
        raise DataInvalid(message)
    person = users.by_token(said, now=now)
    if person is None:
        Trail(ledger, lambda: now).note(DENIED, actor="unknown", what="a token that is nobody's", source="command line")
        message = f"{TOKEN}: is nobody's token, or has expired; nothing was changed; ask an admin for a new one"
        raise Denied(message)
    return person


def require(person: Person, wanted: Wanted, *, ledger: Ledger, now: dt.datetime, source: str) -> None:
    """Raise Denied, having written it to the audit, unless a person may do what they want."""
    decision = allowed(person, wanted.action, wanted.model)
    if not decision.allowed:
        subject = wanted.model or SUBJECT
        Trail(ledger, lambda: now).note(
            DENIED, actor=person.name, subject=subject, what=wanted.action, why=decision.reason, source=source
        )
        raise Denied(f"{decision.reason}. Nothing was changed; ask somebody who may")


def _said(settings: Settings, by: str | None) -> str:
    actor = (by if by is not None else settings.actor).strip()
    if not actor:
        message = "--by: nobody is named; a decision needs a person; give --by NAME or set ML_PLATFORM_ACTOR"
        raise DataInvalid(message)
    return actor
