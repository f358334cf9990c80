"""Ed25519 through `cryptography`: signing, checking, and a person's key in a file under a password."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from ml_platform.adapters.key_file import changing, require_private, unreadable, write_private
from ml_platform.core.errors import DataInvalid, Unavailable
from ml_platform.core.signing import Signature, key_id_of

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

SECRET_BYTES = 32
SHORTEST_PASSWORD = 12


class PrivateKey:
    """A private key; no text shows its secret."""

    __slots__ = ("_key", "key_id", "public")

    def __init__(self, key: Ed25519PrivateKey) -> None:
        self._key = key
        self.public = key.public_key().public_bytes_raw()
        self.key_id = key_id_of(self.public)

    @classmethod
    def of(cls, secret: bytes) -> PrivateKey:
        """Return the key of a secret; raises ValueError when it hasn't `SECRET_BYTES`."""
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

        return cls(Ed25519PrivateKey.from_private_bytes(secret))

    def sign(self, message: bytes) -> Signature:
        """Sign a message."""
        return Signature(key_id=self.key_id, value=self._key.sign(message))


def holds(public: bytes, message: bytes, signature: bytes) -> bool:
    """Say whether a key signed exactly this message."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


def make_person_key(path: Path, password: str) -> PrivateKey:
    """Make a key for a person in a new PEM file under a password (PKCS #8), for its owner alone.

    Raises DataInvalid when the file is there already or the password is too short.
    """
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, PrivateFormat

    if len(password) < SHORTEST_PASSWORD:
        message = (
            f"{path}: the password has {len(password)} characters; {SHORTEST_PASSWORD} are needed; take a longer one"
        )
        raise DataInvalid(message)
    if os.path.lexists(path):
        raise DataInvalid(f"{path}: is there already; a new file is needed, no key is ever overwritten; name another")
    key = Ed25519PrivateKey.generate()
    sealed = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(password.encode()))
    with changing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        write_private(path, sealed)
    return PrivateKey(key)


def open_person_key(path: Path, password: str) -> PrivateKey:
    """Return a person's key; raises DataInvalid for another password or no such key, Unavailable when unreadable."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        require_private(path, path.stat().st_mode)
        content = path.read_bytes()
    except OSError as error:
        raise Unavailable(unreadable(path, error)) from error
    try:
        key = load_pem_private_key(content, password.encode())
    except (ValueError, TypeError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, Ed25519PrivateKey):
        message = (
            f"{path}: it doesn't open as a person's key under this password; the password it was made with is needed; "
            "try again, or retire the key and make another (`ml-platform keys new-person`)"
        )
        raise DataInvalid(message)
    return PrivateKey(key)
