"""Signing: who says that a text is theirs, and whether it is; keys are known by their public half."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

PUBLIC_BYTES = 32
KEY_ID_DIGITS = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicKey:
    """The public half of an Ed25519 key; `owner` is the person whose key it is, empty for the platform's own.

    What says of itself that it was signed at or after `retired_at` was not signed by its owner. `voucher` is the id of
    the platform's key that signed (`vouched`) that this key is one: an earlier one, or itself for the very first.
    """

    key_id: str
    public: bytes
    owner: str = ""
    made_at: dt.datetime
    retired_at: dt.datetime | None = None
    voucher: str = ""
    vouched: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """A signature and the id of the key that made it."""

    key_id: str
    value: bytes


class Signer(Protocol):
    """Signs with a private key that never leaves it; nothing it says or raises holds a secret."""

    def sign(self, message: bytes) -> Signature:
        """Sign with the current key, made now if there never was one; raises Unavailable when it is lost."""


class Verifier(Protocol):
    """Knows public keys and checks signatures; needs no secret."""

    def public_keys(self) -> Sequence[PublicKey]:
        """Return all keys, oldest first, retired ones included."""

    def holds(self, public: bytes, message: bytes, signature: bytes) -> bool:
        """Say whether this key signed exactly this message."""


class Signing(Signer, Verifier, Protocol):
    """Both halves: what a home needs."""


def key_id_of(public: bytes) -> str:
    """Return the id of a public key: the beginning of its SHA-256.

    >>> key_id_of(bytes(32))
    '66687aadf862bd77'
    """
    return hashlib.sha256(public).hexdigest()[:KEY_ID_DIGITS]


def why_not_signed(
    verifier: Verifier, message: bytes, signature: Signature, *, owner: str = "", at: dt.datetime
) -> str:
    """Say why a message, which names `at` as its time, isn't signed by this owner; empty when it is.

    A clock can be set back by whoever holds a key: destroy the private half when a key is retired.
    """
    whose = f"{owner}'s" if owner else "the platform's"
    key = next((each for each in verifier.public_keys() if each.key_id == signature.key_id), None)
    if key is None or key.owner != owner:
        return f"it is signed by the key {signature.key_id[:KEY_ID_DIGITS]!r}, which isn't one of {whose} keys"
    if key.retired_at is not None and at >= key.retired_at:
        return f"it is signed by the key {key.key_id}, which was retired on {key.retired_at:%Y-%m-%d %H:%M} UTC, before"
    if not verifier.holds(key.public, message, signature.value):
        return f"the signature by the key {key.key_id} is of another content"
    return ""
