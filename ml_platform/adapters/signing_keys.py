"""Signing keys in files: private ones in `<home>/keys/`, for their owner alone; all public ones in a list beside.

`<home>/signing_keys.json` holds the public halves, those of persons and retired ones too; each is signed by an earlier
key of the platform, so that who can't read the private ones adds none. A private key that is retired is destroyed, so
that nothing more can be signed with it, whatever time it would claim.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import fcntl
import json
import os
import secrets
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from ml_platform.adapters.ed25519 import SECRET_BYTES, PrivateKey, holds
from ml_platform.adapters.key_file import RESTORE, changing, require_private, unreadable, write_private
from ml_platform.core.atomic import sync, write_atomically
from ml_platform.core.digest import canonical_json
from ml_platform.core.errors import DataInvalid, Unavailable
from ml_platform.core.public_keys import parse_keys, require_vouched, vouching_for, written_keys
from ml_platform.core.signing import PublicKey, Signature

FOLDER = "keys"
PUBLIC = "signing_keys.json"
SCHEMA_VERSION = 1


def _utc_now() -> dt.datetime:
    return dt.datetime.now(tz=dt.UTC)


class FileSigningKeys:
    """The signing keys of a home; see `Signing`. Several processes may use one home."""

    def __init__(self, home: Path, *, clock: Callable[[], dt.datetime] = _utc_now) -> None:
        self.path = home / PUBLIC
        self.folder = home / FOLDER
        self._clock = clock
        self._private: PrivateKey | None = None
        self._read: tuple[bytes, tuple[PublicKey, ...]] = (b"", ())

    def public_keys(self) -> Sequence[PublicKey]:
        """Return all keys, oldest first, persons' and retired ones included."""
        try:
            content = self.path.read_bytes()
        except FileNotFoundError:
            return ()
        except OSError as error:
            raise Unavailable(unreadable(self.path, error)) from error
        if content != self._read[0]:
            keys = parse_keys(content, str(self.path))
            require_vouched(keys, holds, str(self.path))
            self._read = (content, keys)
        return self._read[1]

    def holds(self, public: bytes, message: bytes, signature: bytes) -> bool:
        """Say whether this key signed exactly this message."""
        return holds(public, message, signature)

    def sign(self, message: bytes) -> Signature:
        """Sign with the current key, made now if there never was one; raises Unavailable when it is lost."""
        current = self.current() or self._first()
        return self._current_private(current).sign(message)

    def _current_private(self, current: PublicKey) -> PrivateKey:
        if self._private is None or self._private.key_id != current.key_id:
            self._private = self._load(current.key_id)
        return self._private

    def current(self) -> PublicKey | None:
        """Return the platform's newest key; None before the first use."""
        own = [key for key in self.public_keys() if not key.owner and key.retired_at is None]
        return own[-1] if own else None

    def add(self) -> PublicKey:
        """Make a new key, which signs from now on; the older ones stay until they are retired."""
        with self._alone():
            return self._make()

    def require_without_key(self, owner: str) -> None:
        """Raise DataInvalid while a person has a key in use."""
        has = [key.key_id for key in self.public_keys() if _same(key.owner, owner) and key.retired_at is None]
        if has:
            raise DataInvalid(f"keys: {owner} has the key {has[0]}; one at a time is needed; retire it first")

    def add_person(self, owner: str, public: bytes, key_id: str) -> PublicKey:
        """Write a person's public key down; raises DataInvalid while that person has another or the key is known."""
        with self._alone():
            keys = self.public_keys()
            self.require_without_key(owner)
            if any(key.key_id == key_id for key in keys):
                raise DataInvalid(f"keys: the key {key_id} is known already; everybody needs an own one; make another")
            current = self.current() or self._make()
            key = PublicKey(key_id=key_id, public=public, owner=owner.strip(), made_at=self._clock())
            return self._add(key, self._current_private(current))

    def retire(self, key_id: str) -> PublicKey:
        """Let a key sign nothing any more and destroy its private half, if it lies here.

        Raises DataInvalid for an unknown or retired key and for the platform's current one.
        """
        with self._alone():
            keys, current = self.public_keys(), self.current()
            if key_id not in {key.key_id for key in keys if key.retired_at is None}:
                message = (
                    f"keys: there is no signing key {key_id[:40]!r} in use; see `ml-platform keys show` and name one"
                )
                raise DataInvalid(message)
            if current is not None and current.key_id == key_id:
                message = (
                    f"keys: {key_id} is the key that signs now; another is needed first; run "
                    "`ml-platform keys rotate --signing`"
                )
                raise DataInvalid(message)
            at = self._clock()
            changed = [replace(key, retired_at=at) if key.key_id == key_id else key for key in keys]
            self._write(changed)
            path = self._path(key_id)
            with changing(path):
                path.unlink(missing_ok=True)
                sync(self.folder)
            return next(key for key in changed if key.key_id == key_id)

    def _first(self) -> PublicKey:
        with self._alone():
            return self.current() or self._make()

    def _make(self) -> PublicKey:
        """Make a key: the private half first, so that no public one ever stands without it."""
        secret = secrets.token_bytes(SECRET_BYTES)
        private, at = PrivateKey.of(secret), self._clock()
        path = self._path(private.key_id)
        content = {"schema_version": SCHEMA_VERSION, "key_id": private.key_id, "signing_key": secret.hex()}
        with changing(path):
            write_private(path, canonical_json(content).encode())
            sync(self.folder)
        current = self.current()
        voucher = self._current_private(current) if current else private
        return self._add(PublicKey(key_id=private.key_id, public=private.public, made_at=at), voucher)

    def _add(self, key: PublicKey, voucher: PrivateKey) -> PublicKey:
        signature = voucher.sign(vouching_for(key))
        vouched = replace(key, voucher=signature.key_id, vouched=signature.value)
        self._write([*self.public_keys(), vouched])
        return vouched

    def _load(self, key_id: str) -> PrivateKey:
        path = self._path(key_id)
        try:
            require_private(path, path.stat().st_mode)
            content = path.read_bytes()
        except FileNotFoundError as error:
            message = (
                f"{path}: the private key {key_id} is lost; without it nothing can be signed, and no new key is "
                f"vouched for; {RESTORE}"
            )
            raise Unavailable(message) from error
        except OSError as error:
            raise Unavailable(unreadable(path, error)) from error
        try:
            private = PrivateKey.of(bytes.fromhex(json.loads(content)["signing_key"]))
        except (ValueError, KeyError, TypeError):
            private = None
        if private is None or private.key_id != key_id:
            message = (
                f"{path}: the key is damaged, or isn't the one of this name; it is needed as it was made; {RESTORE}"
            )
            raise Unavailable(message) from None
        return private

    def _path(self, key_id: str) -> Path:
        return self.folder / f"signing-{key_id}.key"

    def _write(self, keys: Sequence[PublicKey]) -> None:
        write_atomically(self.path, written_keys(keys).encode())

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        """Keep other processes from changing keys meanwhile."""
        with changing(self.folder):
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor = os.open(self.folder, os.O_RDONLY | os.O_CLOEXEC)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX)
                yield
            finally:
                os.close(descriptor)


def _same(one: str, other: str) -> bool:
    return one.strip().casefold() == other.strip().casefold()
