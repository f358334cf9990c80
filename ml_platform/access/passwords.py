"""Passwords as argon2id hashes; a wrong name costs the same time as a wrong password."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ml_platform.core.errors import DataInvalid

if TYPE_CHECKING:
    from argon2 import PasswordHasher

SHORTEST = 12
LONGEST = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What one hash costs; the default is the second recommendation of RFC 9106: 64 MiB, three passes."""

    passes: int = 3
    kibibytes: int = 65_536
    lanes: int = 4


def hash_password(password: str, cost: Cost) -> str:
    """Return the hash to keep; raises DataInvalid when the password is too short to be one."""
    if not SHORTEST <= len(password) <= LONGEST:
        message = (
            f"password: it has {len(password)} characters; {SHORTEST} to {LONGEST} are needed; take a sentence, or let "
            "a password manager make one"
        )
        raise DataInvalid(message)
    return _hasher(cost).hash(password)


def is_password(password: str, kept: str, cost: Cost) -> bool:
    """Say whether a password is the one of a hash; with nothing kept it takes as long and is always wrong."""
    from argon2.exceptions import InvalidHashError, VerificationError

    if len(password) > LONGEST:
        return False
    try:
        _hasher(cost).verify(kept or _nobodys(cost), password)
    except (VerificationError, InvalidHashError):
        return False
    return bool(kept)


@functools.cache
def _hasher(cost: Cost) -> PasswordHasher:
    from argon2 import PasswordHasher

    return PasswordHasher(time_cost=cost.passes, memory_cost=cost.kibibytes, parallelism=cost.lanes)


@functools.cache
def _nobodys(cost: Cost) -> str:
    return _hasher(cost).hash("the password of nobody")
