"""Vault: `<home>/vault.sqlite`, tokens by a key of the home, and originals under a key for each person.

A token is HMAC-SHA-256, cut to 128 bits, under a key drawn once for the home and derived for each model and column.
Each person's key is wrapped by the home's wrapping keys; forgetting a person overwrites it, and the originals with it
(SQLite's `secure_delete`). What copies the disk itself has made of them (backups, an SSD's spare blocks) can still be
opened by whoever also has the wrapping keys of that time.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import hashlib
import hmac
import secrets
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from ml_platform.core.errors import DataInvalid, Unavailable
from ml_platform.core.keys import DATA_KEY_BYTES, Keys
from ml_platform.core.vault import Original

FILE = "vault.sqlite"
TOKEN_BYTES = 16
PREFIX = "p_"
_NONCE_BYTES = 12
_BUSY_SECONDS = 30.0
_HOME = "home"
_SCHEMA = """
CREATE TABLE IF NOT EXISTS persons (
    model TEXT NOT NULL, subject TEXT NOT NULL, version TEXT NOT NULL, wrapped BLOB NOT NULL, forgotten_at TEXT,
    PRIMARY KEY (model, subject)
) STRICT;
CREATE TABLE IF NOT EXISTS originals (
    model TEXT NOT NULL, name TEXT NOT NULL, token TEXT NOT NULL, subject TEXT NOT NULL, sealed BLOB NOT NULL,
    PRIMARY KEY (model, name, token, subject)
) STRICT;
CREATE INDEX IF NOT EXISTS of_person ON originals (model, subject);
"""


class FileVault:
    """The vault of a home; see `Vault`. Nothing is written before it is used; several processes may use it."""

    def __init__(self, home: Path, keys: Keys) -> None:
        self.path = home / FILE
        self._keys = keys
        self._token_key: bytes | None = None

    def tokens(self, model: str, column: str, texts: Sequence[str]) -> list[str]:
        """Return the token of each text; see `Vault`."""
        if self._token_key is None:
            with self._open() as database:
                self._token_key = self._person_key(database, "", _HOME)
        about = f"ml-platform token\0{model}\0{column}".encode()
        key = hmac.digest(self._token_key, about, "sha256")
        return [PREFIX + hmac.digest(key, text.encode(), "sha256")[:TOKEN_BYTES].hex() for text in texts]

    def keep(self, model: str, originals: Iterable[Original]) -> int:
        """Keep originals; see `Vault`."""
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        with self._open() as database:
            kept = set(database.execute("SELECT name, token, subject FROM originals WHERE model = ?", [model]))
            forgotten = self._forgotten(database, model)
            new = {(one.column, one.token, one.subject): one.text for one in originals if one.subject not in forgotten}
            rows = []
            for (column, token, subject), text in new.items():
                if (column, token, subject) in kept:
                    continue
                nonce, key = secrets.token_bytes(_NONCE_BYTES), self._person_key(database, model, subject)
                sealed = nonce + AESGCM(key).encrypt(nonce, text.encode(), _about(model, column, token))
                rows.append((model, column, token, subject, sealed))
            database.executemany("INSERT INTO originals VALUES (?, ?, ?, ?, ?)", rows)
        return len(rows)

    def reveal(self, model: str, column: str, token: str) -> str | None:
        """Return the original of a token; see `Vault`. Raises DataInvalid when the vault was altered."""
        with self._open() as database:
            wanted = "SELECT subject, sealed FROM originals WHERE model = ? AND name = ? AND token = ? LIMIT 1"
            found = database.execute(wanted, [model, column, token]).fetchone()
            return None if found is None else self._opened(database, (model, column, token), *found)

    def forget(self, model: str, subject: str, *, at: dt.datetime) -> int:
        """Destroy a person's key and originals; see `Vault`."""
        with self._open() as database:
            gone = database.execute("DELETE FROM originals WHERE model = ? AND subject = ?", [model, subject]).rowcount
            database.execute(
                "INSERT INTO persons VALUES (?, ?, '', zeroblob(0), ?) ON CONFLICT DO UPDATE SET version = '', "
                "wrapped = zeroblob(0), forgotten_at = coalesce(forgotten_at, excluded.forgotten_at)",
                [model, subject, at.isoformat()],
            )
        return gone

    def forgotten(self, model: str) -> frozenset[str]:
        """Return the subjects that were forgotten."""
        if not self.path.exists():
            return frozenset()
        with self._open() as database:
            return self._forgotten(database, model)

    @property
    def what(self) -> str:
        """Name what a wrapping key is needed for."""
        return "vault"

    def versions(self) -> tuple[str, ...]:
        """Return the versions of the wrapping keys that some person's key needs."""
        if not self.path.exists():
            return ()
        with self._open() as database:
            asked = "SELECT DISTINCT version FROM persons WHERE version != '' ORDER BY version"
            return tuple(version for (version,) in database.execute(asked))

    def rewrap(self, keys: Keys) -> int:
        """Wrap every person's key under the current version, and return how many were wrapped otherwise."""
        if not self.path.exists():
            return 0
        current = keys.current()
        with self._open() as database:
            asked = "SELECT model, subject FROM persons WHERE forgotten_at IS NULL AND version != ?"
            old = database.execute(asked, [current]).fetchall()
            for model, subject in old:
                key = self._person_key(database, model, subject)
                wrapped = keys.wrap(key, version=current, context=_about(model, subject))
                change = "UPDATE persons SET version = ?, wrapped = ? WHERE model = ? AND subject = ?"
                database.execute(change, [current, wrapped, model, subject])
        return len(old)

    def _forgotten(self, database: sqlite3.Connection, model: str) -> frozenset[str]:
        asked = "SELECT subject FROM persons WHERE model = ? AND forgotten_at IS NOT NULL"
        return frozenset(subject for (subject,) in database.execute(asked, [model]))

    def _person_key(self, database: sqlite3.Connection, model: str, subject: str) -> bytes:
        asked = "SELECT version, wrapped FROM persons WHERE model = ? AND subject = ?"
        found = database.execute(asked, [model, subject]).fetchone()
        if found is not None:
            return self._keys.unwrap(found[1], version=found[0], context=_about(model, subject))
        key, version = secrets.token_bytes(DATA_KEY_BYTES), self._keys.current()
        wrapped = self._keys.wrap(key, version=version, context=_about(model, subject))
        database.execute("INSERT INTO persons VALUES (?, ?, ?, ?, NULL)", [model, subject, version, wrapped])
        return key

    def _opened(self, database: sqlite3.Connection, place: tuple[str, str, str], subject: str, sealed: bytes) -> str:
        from cryptography.exceptions import InvalidTag
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        try:
            key = self._person_key(database, place[0], subject)
            return AESGCM(key).decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], _about(*place)).decode()
        except (InvalidTag, ValueError):
            message = (
                f"{self.path}: what is kept for {place[2]} isn't what was stored; only that is read; "
                "restore the vault from its backup"
            )
            raise DataInvalid(message) from None

    @contextlib.contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        """Yield the database inside one transaction."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with contextlib.closing(
                sqlite3.connect(self.path, timeout=_BUSY_SECONDS, isolation_level=None)
            ) as database:
                self.path.chmod(0o600)
                database.executescript("PRAGMA secure_delete = ON; PRAGMA synchronous = FULL;" + _SCHEMA)
                database.execute("BEGIN IMMEDIATE")
                yield database
                database.execute("COMMIT")
        except (sqlite3.Error, OSError) as error:
            message = (
                f"{self.path}: the vault can't be used ({type(error).__name__}); it holds what tokens stand for; "
                "check the disk and its permissions, or restore it from its backup"
            )
            raise Unavailable(message) from error


def _about(*words: str) -> bytes:
    """Pin what something is: it opens as nothing else."""
    return hashlib.sha256("\0".join(("ml-platform vault", *words)).encode()).digest()
