"""A person, or a service, with the roles that were granted, each on all models or on some."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from ml_platform.access.quota import Quota
from ml_platform.access.roles import Role
from ml_platform.core.errors import DataInvalid

ALL_MODELS = "*"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@+-]{0,99}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """A role on one model, or on all (`*`)."""

    role: Role
    model: str = ALL_MODELS

    def __str__(self) -> str:
        return str(self.role) if self.model == ALL_MODELS else f"{self.role}:{self.model}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Who acts, authenticated."""

    name: str
    grants: tuple[Grant, ...]
    quota: Quota = field(default_factory=Quota)


# What Dagster's daemon starts by itself, and every run whose launcher nobody vouches for.
RETRAINING = Person(name="service:retraining", grants=(Grant(role=Role.RETRAINING),))


def parse_grant(text: str) -> Grant:
    """Return the grant that `ROLE` or `ROLE:MODEL` names; raises DataInvalid.

    >>> str(parse_grant("trainer:flights"))
    'trainer:flights'
    """
    role, colon, model = text.partition(":")
    if role not in set(Role) or (colon and not model):
        known = ", ".join(Role)
        message = f"role: {text!r} is unknown; known: {known}; write ROLE for all models or ROLE:MODEL for one"
        raise DataInvalid(message)
    return Grant(role=Role(role), model=model or ALL_MODELS)


def valid_name(name: str) -> str:
    """Return a name that can stand in logs and audit entries as it is; raises DataInvalid."""
    if not _NAME.fullmatch(name):
        message = (
            f"name: {name[:120]!r} can't be a person's name here; up to 100 letters, digits and . _ @ + - are needed, "
            "the first a letter or a digit; choose another, such as an e-mail address"
        )
        raise DataInvalid(message)
    return name
