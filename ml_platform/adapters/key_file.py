"""Key file: one key as a file for its owner alone, with the check that finds a damaged or exchanged one."""

from __future__ import annotations

import contextlib
import datetime as dt
import hashlib
import json
import os
import secrets
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from ml_platform.core.digest import canonical_json
from ml_platform.core.errors import Unavailable
from ml_platform.core.keys import DATA_KEY_BYTES

SCHEMA_VERSION = 1
RESTORE = "restore the folder from its backup, which belongs in another place than the data's"


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """A version of a key with its secret, which no text shows."""

    version: str
    made_at: dt.datetime
    secret: bytes = field(repr=False)


def new_key(number: int, made_at: dt.datetime) -> tuple[Key, bytes]:
    """Make a key under a number and return it with the content of its file."""
    secret = secrets.token_bytes(DATA_KEY_BYTES)
    key = Key(version=f"{number:04d}-{_check(secret)}", made_at=made_at, secret=secret)
    content = {
        "schema_version": SCHEMA_VERSION,
        "version": key.version,
        "made_at": made_at.isoformat(),
        "key": secret.hex(),
    }
    return key, canonical_json(content).encode()


def _check(secret: bytes) -> str:
    return hashlib.sha256(b"ml-platform key check\n" + secret).hexdigest()[:8]


def parse_key(path: Path, content: bytes) -> Key:
    """Return the key of a file; raises Unavailable when it is damaged or isn't the one of the file's name."""
    try:
        said = json.loads(content)
        secret = bytes.fromhex(said["key"])
        key = Key(version=str(said["version"]), made_at=dt.datetime.fromisoformat(said["made_at"]), secret=secret)
    except (ValueError, KeyError, TypeError):
        raise Unavailable(_damaged(path)) from None
    if len(secret) != DATA_KEY_BYTES or key.version != f"{path.stem}-{_check(secret)}":
        raise Unavailable(_damaged(path))
    return key


def _damaged(path: Path) -> str:
    return f"{path}: the key is damaged, or isn't the one of this name; its content as it was made is needed; {RESTORE}"


def unreadable(path: Path, error: OSError) -> str:
    """Say that a file or folder of keys can't be read."""
    return f"{path}: can't be read ({error.strerror}); its owner has to be able to; run as the owner, or {RESTORE}"


def require_private(path: Path, mode: int) -> None:
    """Raise Unavailable when others than its owner may open a key file."""
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        message = (
            f"{path}: others than its owner may open the key (mode {stat.S_IMODE(mode):04o}); a key is for its owner "
            f"alone; run `chmod 600 {path}`, and if others may have read it, `ml-platform keys rotate`"
        )
        raise Unavailable(message)


def write_private(path: Path, content: bytes) -> None:
    """Write a new file that only its owner may open, and bring it to the disk."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


@contextlib.contextmanager
def changing(path: Path) -> Iterator[None]:
    """Say in words what keeps keys from being written."""
    try:
        yield
    except OSError as error:
        message = (
            f"{path}: can't be written ({error.strerror}); a folder with hard links that its owner can write is "
            "needed; free space or correct the permissions, then run again"
        )
        raise Unavailable(message) from error
