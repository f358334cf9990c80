"""Keys in files: `<home>/keys/<number>.key`, for their owner alone, each made whole or not at all.

A version is named `<number>-<check>`: the check is taken from the key, so that a damaged or exchanged key is found.
`<home>/keys.json`, beside the data, names the versions that this home needs: without it, lost keys would look like a
home that never had any, and a new key would hide the loss.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import fcntl
import json
import os
import re
import secrets
from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path

from ml_platform.adapters.key_file import (
    RESTORE,
    Key,
    changing,
    new_key,
    parse_key,
    require_private,
    unreadable,
    write_private,
)
from ml_platform.core.atomic import sync, write_atomically
from ml_platform.core.digest import canonical_json
from ml_platform.core.errors import DataInvalid, Unavailable
from ml_platform.core.keys import DATA_KEY_BYTES, KeyVersion

FOLDER = "keys"
NEEDED = "keys.json"
SUFFIX = ".key"
SCHEMA_VERSION = 1
_NONCE_BYTES = 12
_FILE = re.compile(r"[0-9]{4,9}\.key")
_Stamp = tuple[int, int, int]


def _utc_now() -> dt.datetime:
    return dt.datetime.now(tz=dt.UTC)


class FileKeys:
    """The keys of a home; see `Keys`. Several processes may use one home. The files are looked at in every call."""

    def __init__(self, home: Path, *, clock: Callable[[], dt.datetime] = _utc_now) -> None:
        self.home = home
        self.folder = home / FOLDER
        self._clock = clock
        self._read: dict[Path, tuple[_Stamp, Key]] = {}

    def current(self) -> str:
        """Return the version to wrap with; the first is made now. Raises Unavailable when keys are lost."""
        while True:
            keys = self._keys()
            if not keys:
                self._make(1)
            elif keys[-1].version in self._needed() or self._note(keys[-1].version):
                return keys[-1].version

    def versions(self) -> Sequence[KeyVersion]:
        """Return all versions, oldest first; the last is the current one."""
        return [KeyVersion(version=key.version, made_at=key.made_at) for key in self._keys()]

    def wrap(self, data_key: bytes, *, version: str, context: bytes) -> bytes:
        """Wrap a data key; see `Keys`."""
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        if len(data_key) != DATA_KEY_BYTES:
            raise DataInvalid(f"keys: a data key has {len(data_key)} bytes; {DATA_KEY_BYTES} are needed; make another")
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return nonce + AESGCM(self._secret(version)).encrypt(nonce, data_key, _about(version, context))

    def unwrap(self, wrapped: bytes, *, version: str, context: bytes) -> bytes:
        """Return the data key; see `Keys`."""
        from cryptography.exceptions import InvalidTag
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        cipher = AESGCM(self._secret(version))
        nonce, sealed = wrapped[:_NONCE_BYTES], wrapped[_NONCE_BYTES:]
        try:
            return cipher.decrypt(nonce, sealed, _about(version, context))
        except (InvalidTag, ValueError):
            message = (
                f"key {version}: a data key isn't what was wrapped under it for this place; it was altered or belongs "
                "to another file; restore the file, or make it again"
            )
            raise DataInvalid(message) from None

    def add(self) -> str:
        """Make a new version and return it; of processes that do it at once, each makes its own."""
        self.current()
        while True:
            made = self._make(_number(self._files()[-1]) + 1)
            if made is not None:
                self.current()  # notes it as needed
                return made

    def retire(self, version: str) -> None:
        """Destroy a version for good; see `Keys`."""
        self._secret(version)
        with self._alone():
            keys, _ = self._look()
            if version == keys[-1].version:
                message = f"key {version}: it is the current one and can't be retired; rotate to a new one first"
                raise DataInvalid(message)
            self._write_needed(set(self._needed()) - {version})
            path = self.folder / f"{_number_of(version):04d}{SUFFIX}"
            with changing(path):
                path.unlink(missing_ok=True)
                sync(self.folder)

    def _secret(self, version: str) -> bytes:
        for key in self._keys():
            if key.version == version:
                return key.secret
        known = ", ".join(key.version for key in self._keys()) or "none"
        message = f"{self.folder}: key {version[:40]!r} isn't there (there: {known}); what it sealed can't be read; "
        raise Unavailable(message + RESTORE)

    def _keys(self) -> list[Key]:
        """Return the keys; a second look, which nobody disturbs, tells what is lost from what changes just now."""
        keys, lost = self._look()
        if lost and self.folder.is_dir():
            with self._alone():
                keys, lost = self._look()
        if lost:
            message = (
                f"{self.folder}: this home's keys are lost: {', '.join(lost)}; without them nothing that they sealed "
                f"can be read, and no new key is made over them; {RESTORE}"
            )
            raise Unavailable(message)
        return keys

    def _look(self) -> tuple[list[Key], list[str]]:
        """Return the keys that are there, and the versions that are needed and aren't."""
        needed = set(self._needed())
        keys = [key for path in self._files() if (key := self._load(path)) is not None]
        return keys, sorted(needed - {key.version for key in keys})

    def _files(self) -> list[Path]:
        try:
            found = [path for path in self.folder.iterdir() if _FILE.fullmatch(path.name)]
        except FileNotFoundError:
            return []
        except OSError as error:
            raise Unavailable(unreadable(self.folder, error)) from error
        return sorted(found, key=_number)

    def _load(self, path: Path) -> Key | None:
        try:
            state = path.stat()
            stamp = (state.st_ctime_ns, state.st_ino, state.st_size)
            known = self._read.get(path)
            if known is not None and known[0] == stamp:
                return known[1]
            content = path.read_bytes()
        except FileNotFoundError:
            return None  # retired just now, or lost: `_keys` tells them apart
        except OSError as error:
            raise Unavailable(unreadable(path, error)) from error
        require_private(path, state.st_mode)
        key = parse_key(path, content)
        self._read[path] = (stamp, key)
        return key

    def _make(self, number: int) -> str | None:
        """Make a key under a number; None when another process was faster."""
        key, content = new_key(number, self._clock())
        path = self.folder / f"{number:04d}{SUFFIX}"
        draft = self.folder / f".draft-{secrets.token_hex(8)}"
        with changing(path):
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            try:
                write_private(draft, content)
                path.hardlink_to(draft)
            except FileExistsError:
                return None
            finally:
                draft.unlink(missing_ok=True)
            sync(self.folder)
        return key.version

    def _needed(self) -> list[str]:
        path = self.home / NEEDED
        try:
            text = path.read_bytes()
        except FileNotFoundError:
            return []
        except OSError as error:
            raise Unavailable(unreadable(path, error)) from error
        try:
            found = json.loads(text)["versions"]
            return [str(version) for version in found]
        except (ValueError, KeyError, TypeError):
            message = (
                f"{path}: it isn't the list of the keys that this home needs; restore it, or remove it if every key "
                f"is in {self.folder}"
            )
            raise Unavailable(message) from None

    def _note(self, version: str) -> bool:
        """Write down that a version is needed; False when it was retired just now."""
        with self._alone():
            keys, _ = self._look()
            if version not in {key.version for key in keys}:
                return False
            self._write_needed({*self._needed(), version})
        return True

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        """Keep other processes from changing the list of needed keys meanwhile."""
        with changing(self.folder):
            descriptor = os.open(self.folder, os.O_RDONLY | os.O_CLOEXEC)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX)
                yield
            finally:
                os.close(descriptor)

    def _write_needed(self, versions: Collection[str]) -> None:
        content = {"schema_version": SCHEMA_VERSION, "versions": sorted(versions)}
        write_atomically(self.home / NEEDED, canonical_json(content).encode())


def _number(path: Path) -> int:
    return int(path.stem)


def _number_of(version: str) -> int:
    return int(version.partition("-")[0])


def _about(version: str, context: bytes) -> bytes:
    return b"ml-platform data key\n" + version.encode() + b"\n" + context
