"""The gate of the scoring service: who may ask, and how much; who knows the persons stands behind it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

Wanted = Literal["score", "look", "feedback"]
# Where a home says who its persons are; as long as there is no such file, nobody is asked.
USERS_FILE = Path("access") / "users.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a request brings: `wants` is scores, what is served (`look`), or to say something of an answer (`feedback`).

    `token` is empty where none was sent, `model` where it is about the whole service.
    """

    wants: Wanted
    token: str
    address: str
    model: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnedAway:
    """Why a request isn't answered, and when it is worth asking again."""

    status: int
    error_code: str
    message: str
    retry_after_seconds: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Admitted:
    """A request that may go on; `spend` counts its rows, and says why when they are too many.

    `person` is who asks; empty where nobody has to say.
    """

    spend: Callable[[int], TurnedAway | None]
    person: str = ""


class Gate(Protocol):
    """Decides on each request; it never raises and never waits for long."""

    def admit(self, asked: Asked) -> Admitted | TurnedAway:
        """Let a request through, or say why not."""

    @property
    def guards(self) -> bool:
        """Say whether anybody has to say who they are."""


def without_limit(rows: int) -> TurnedAway | None:  # noqa: ARG001 - what `spend` needs
    """Count nothing.

    >>> without_limit(10_000) is None
    True
    """
    return None
