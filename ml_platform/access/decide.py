"""Deciding: whether a person may do something, and why or why not. Default: no."""

from __future__ import annotations

from dataclasses import dataclass

from ml_platform.access.actions import ANYWHERE, MEANING, PLATFORM_WIDE, Action
from ml_platform.access.person import ALL_MODELS, Grant, Person
from ml_platform.access.roles import RIGHTS, Role
from ml_platform.core.errors import PlatformError


class Denied(PlatformError):
    """Somebody wants to do what they may not do; nothing was changed."""

    exit_code = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """Yes or no, with the reason in words for the person and for the audit."""

    allowed: bool
    reason: str


def allowed(person: Person, action: Action, model: str | None) -> Decision:
    """Decide; `model` is None for what concerns the platform or every model, which needs a grant on all.

    >>> kim = Person(name="kim", grants=(Grant(role=Role.TRAINER, model="flights"),))
    >>> allowed(kim, Action.TRAIN, "flights").reason
    'kim is trainer:flights'
    >>> allowed(kim, Action.STOP_RUNS, "health_cost").allowed
    False
    """
    for grant in person.grants:
        if action in RIGHTS[grant.role] and _covers(grant, action, model):
            return Decision(allowed=True, reason=f"{person.name} is {grant}")
    where = f", on {model or 'all models'}" if action not in ANYWHERE else ""
    has = ", ".join(map(str, person.grants)) or "none"
    needed = ", ".join(role for role in Role if action in RIGHTS[role])
    reason = (
        f"{person.name} may not {MEANING[action]}{where}: none of {person.name}'s roles ({has}) allows it; "
        + (f"these do: {needed}" if needed else "no role does")
    )  # fmt: skip
    return Decision(allowed=False, reason=reason)


def _covers(grant: Grant, action: Action, model: str | None) -> bool:
    if grant.model == ALL_MODELS or action in ANYWHERE:
        return True
    return action not in PLATFORM_WIDE and model is not None and grant.model == model
