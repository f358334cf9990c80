"""`FakeSigning`: the Signing port in memory, with real signatures."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Sequence
from dataclasses import replace

from ml_platform.adapters.ed25519 import PrivateKey, holds
from ml_platform.core.signing import PublicKey, Signature

MADE = dt.datetime(2013, 1, 1, tzinfo=dt.UTC)


def private_key(name: str) -> PrivateKey:
    """Return the key of a name, always the same."""
    return PrivateKey.of(hashlib.sha256(name.encode()).digest())


class FakeSigning:
    """Keys by name, made when they are asked for; nothing survives the object."""

    def __init__(self, name: str = "platform") -> None:
        self.name = name
        self.keys: list[PublicKey] = []
        self._know(private_key(name), "")

    def public_keys(self) -> Sequence[PublicKey]:
        return tuple(self.keys)

    def holds(self, public: bytes, message: bytes, signature: bytes) -> bool:
        return holds(public, message, signature)

    def sign(self, message: bytes) -> Signature:
        return private_key(self.name).sign(message)

    def person(self, owner: str) -> PrivateKey:
        """Return a person's key, and know it."""
        key = private_key(f"person {owner}")
        self._know(key, owner)
        return key

    def retire(self, key_id: str, at: dt.datetime) -> None:
        self.keys = [replace(key, retired_at=at) if key.key_id == key_id else key for key in self.keys]

    def _know(self, key: PrivateKey, owner: str) -> None:
        if key.key_id not in {each.key_id for each in self.keys}:
            self.keys.append(PublicKey(key_id=key.key_id, public=key.public, owner=owner, made_at=MADE))
