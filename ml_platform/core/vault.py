"""Vault: turns what names a person into tokens, and keeps the originals under a key for each person."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Original:
    """What a token stands for, and the person it belongs to (the token of the entity, or else itself)."""

    column: str
    token: str
    subject: str
    text: str = field(repr=False)


class Vault(Protocol):
    """Tokens are the same for the same model, column and text, and tell nothing without the vault's key.

    Nothing it says or raises holds an original.
    """

    def tokens(self, model: str, column: str, texts: Sequence[str]) -> list[str]:
        """Return the token of each text."""

    def keep(self, model: str, originals: Iterable[Original]) -> int:
        """Keep originals under their person's key and return how many are new; those of the forgotten aren't kept."""

    def reveal(self, model: str, column: str, token: str) -> str | None:
        """Return the original of a token; None when it isn't kept, or its persons are forgotten."""

    def forget(self, model: str, subject: str, *, at: dt.datetime) -> int:
        """Destroy a person's key and originals for good, and return how many originals there were."""

    def forgotten(self, model: str) -> frozenset[str]:
        """Return the subjects that were forgotten: their rows aren't taken again."""
