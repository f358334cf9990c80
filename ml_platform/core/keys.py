"""Keys: what wraps the data keys of everything stored sealed; versioned, so that it can be changed."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

DATA_KEY_BYTES = 32
LONGEST_VERSION = 16
LONGEST_WRAPPED = 106


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyVersion:
    """One wrapping key, without its secret."""

    version: str
    made_at: dt.datetime


class Keys(Protocol):
    """Wraps data keys under versioned keys that never leave it; nothing it says or raises holds a secret.

    A version is an ASCII name of at most `LONGEST_VERSION` characters, a wrapped key at most `LONGEST_WRAPPED` bytes.
    """

    def current(self) -> str:
        """Return the version to wrap with, made now if there never was one; raises Unavailable when keys are lost."""

    def versions(self) -> Sequence[KeyVersion]:
        """Return all versions, oldest first; the last is the current one. Empty before the first use."""

    def wrap(self, data_key: bytes, *, version: str, context: bytes) -> bytes:
        """Wrap a data key of `DATA_KEY_BYTES`; only the same version and context unwrap it."""

    def unwrap(self, wrapped: bytes, *, version: str, context: bytes) -> bytes:
        """Return the data key; raises DataInvalid when it was wrapped otherwise, Unavailable for an unknown version."""

    def add(self) -> str:
        """Make a new version, which is the current one from now on, and return it."""

    def retire(self, version: str) -> None:
        """Destroy a version for good; raises DataInvalid for the current one, Unavailable for an unknown one."""
