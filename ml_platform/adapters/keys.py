"""Keys in files: `<home>/keys/<number>.key`, for their owner alone, each made whole or not at all.

A version is named `<number>-<check>`: the check is taken from the key, so that a damaged or exchanged key is found.
`<home>/keys.json`, beside the data, names the versions that this home needs: without it, lost keys would look like a
home that never had any, and a new key would hide the loss.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import fcntl
import hashlib
import json
import os
import re
import secrets
import stat
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ml_platform.core.atomic import sync, write_atomically
from ml_platform.core.digest import canonical_json
from ml_platform.core.errors import DataInvalid, Unavailable
from ml_platform.core.keys import DATA_KEY_BYTES, KeyVersion

FOLDER = "keys"
NEEDED = "keys.json"
SUFFIX = ".key"
SCHEMA_VERSION = 1
_NONCE_BYTES = 12
_RESTORE = "restore the folder from its backup, which belongs in another place than the data's"
_FILE = re.compile(r"[0-9]{4,9}\.key")
_Stamp = tuple[int, int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Key:
    version: str
    made_at: dt.datetime
    secret: bytes = field(repr=False)


def _utc_now() -> dt.datetime:
    return dt.datetime.now(tz=dt.UTC)


class FileKeys:
    """The keys of a home; see `Keys`. Several processes may use one home. The files are looked at in every call."""

    def __init__(self, home: Path, *, clock: Callable[[], dt.datetime] = _utc_now) -> None:
        self.home = home
        self.folder = home / FOLDER
        self._clock = clock
        self._read: dict[Path, tuple[_Stamp, _Key]] = {}

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
            with _changing(path):
                path.unlink(missing_ok=True)
                sync(self.folder)

    def _secret(self, version: str) -> bytes:
        for key in self._keys():
            if key.version == version:
                return key.secret
        known = ", ".join(key.version for key in self._keys()) or "none"
        message = f"{self.folder}: key {version[:40]!r} isn't there (there: {known}); what it sealed can't be read; "
        raise Unavailable(message + _RESTORE)

    def _keys(self) -> list[_Key]:
        """Return the keys; a second look, which nobody disturbs, tells what is lost from what changes just now."""
        keys, lost = self._look()
        if lost and self.folder.is_dir():
            with self._alone():
                keys, lost = self._look()
        if lost:
            message = (
                f"{self.folder}: this home's keys are lost: {', '.join(lost)}; without them nothing that they sealed "
                f"can be read, and no new key is made over them; {_RESTORE}"
            )
            raise Unavailable(message)
        return keys

    def _look(self) -> tuple[list[_Key], list[str]]:
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
            raise Unavailable(_unreadable(self.folder, error)) from error
        return sorted(found, key=_number)

    def _load(self, path: Path) -> _Key | None:
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
            raise Unavailable(_unreadable(path, error)) from error
        _require_private(path, state.st_mode)
        key = _parse(path, content)
        self._read[path] = (stamp, key)
        return key

    def _make(self, number: int) -> str | None:
        """Make a key under a number; None when another process was faster."""
        secret = secrets.token_bytes(DATA_KEY_BYTES)
        version = f"{number:04d}-{_check(secret)}"
        content = {
            "schema_version": SCHEMA_VERSION,
            "version": version,
            "made_at": self._clock().isoformat(),
            "key": secret.hex(),
        }
        path = self.folder / f"{number:04d}{SUFFIX}"
        draft = self.folder / f".draft-{secrets.token_hex(8)}"
        with _changing(path):
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            try:
                _write_private(draft, canonical_json(content).encode())
                path.hardlink_to(draft)
            except FileExistsError:
                return None
            finally:
                draft.unlink(missing_ok=True)
            sync(self.folder)
        return version

    def _needed(self) -> list[str]:
        path = self.home / NEEDED
        try:
            text = path.read_bytes()
        except FileNotFoundError:
            return []
        except OSError as error:
            raise Unavailable(_unreadable(path, error)) from error
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
        with _changing(self.folder):
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


def _check(secret: bytes) -> str:
    return hashlib.sha256(b"ml-platform key check\n" + secret).hexdigest()[:8]


def _about(version: str, context: bytes) -> bytes:
    return b"ml-platform data key\n" + version.encode() + b"\n" + context


def _parse(path: Path, content: bytes) -> _Key:
    try:
        said = json.loads(content)
        secret = bytes.fromhex(said["key"])
        key = _Key(version=str(said["version"]), made_at=dt.datetime.fromisoformat(said["made_at"]), secret=secret)
    except (ValueError, KeyError, TypeError):
        raise Unavailable(_damaged(path)) from None
    if len(secret) != DATA_KEY_BYTES or key.version != f"{path.stem}-{_check(secret)}":
        raise Unavailable(_damaged(path))
    return key


def _damaged(path: Path) -> str:
    return (
        f"{path}: the key is damaged, or isn't the one of this name; its content as it was made is needed; {_RESTORE}"
    )


def _unreadable(path: Path, error: OSError) -> str:
    return f"{path}: can't be read ({error.strerror}); its owner has to be able to; run as the owner, or {_RESTORE}"


def _require_private(path: Path, mode: int) -> None:
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        message = (
            f"{path}: others than its owner may open the key (mode {stat.S_IMODE(mode):04o}); a key is for its owner "
            f"alone; run `chmod 600 {path}`, and if others may have read it, `ml-platform keys rotate`"
        )
        raise Unavailable(message)


def _write_private(path: Path, content: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


@contextlib.contextmanager
def _changing(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        message = (
            f"{path}: can't be written ({error.strerror}); a folder with hard links that its owner can write is "
            "needed; free space or correct the permissions, then run again"
        )
        raise Unavailable(message) from error
