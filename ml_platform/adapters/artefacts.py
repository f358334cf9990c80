"""Artefacts: immutable folders by kind and digest on a local disk, whole or not there at all.

A folder is written as `<home>/<kind>/.draft-<random>`, synced, and renamed to its digest; `files.json` holds every
file's SHA-256, and each read is checked against it. A killed process leaves only a draft, which a later one removes.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
import secrets
import shutil
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from ml_platform.core.atomic import sync
from ml_platform.core.digest import CHUNK, canonical_json
from ml_platform.core.errors import DataInvalid, Unavailable

INDEX = "files.json"
DRAFT = ".draft-"
DRAFT_LIFETIME_SECONDS = 3600.0
_KIND = re.compile(r"[a-z][a-z0-9_]*")
_DIGEST = re.compile(r"[0-9a-f]{64}")


class FolderDraft:
    """A folder being written; see `Draft`."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def keep(self, digest: str) -> bool:
        """Make the folder visible under `digest` atomically; False when that digest was there already."""
        target = self.path.parent / _checked(_DIGEST, digest, "digest")
        if target.is_dir():
            return False
        with _writing(target):
            _write_index(self.path)
            try:
                self.path.rename(target)
            except OSError:
                if target.is_dir():
                    return False
                raise
            sync(target.parent)
        return True


class FileArtefacts:
    """The artefact store on a local disk; see `ArtefactStore`. Several processes may use one home."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self._verified: dict[tuple[Path, int, int], str] = {}
        self._remove_old_drafts()

    @contextlib.contextmanager
    def draft(self, kind: str) -> Iterator[FolderDraft]:
        """Start a folder of a kind; what wasn't kept is removed at the end, whatever happened."""
        path = self._kind(kind) / f"{DRAFT}{secrets.token_hex(8)}"
        with _writing(path):
            path.mkdir(parents=True)
        try:
            with _writing(path):
                yield FolderDraft(path)
        finally:
            shutil.rmtree(path, ignore_errors=True)

    def put(self, kind: str, digest: str, files: Mapping[str, bytes]) -> bool:
        """Write small files under a digest; False when it was there already."""
        if self.has(kind, digest):
            return False
        with self.draft(kind) as draft:
            for name, content in files.items():
                (draft.path / _plain(name)).write_bytes(content)
            return draft.keep(digest)

    def has(self, kind: str, digest: str) -> bool:
        """Say whether a folder is there."""
        return (self._place(kind, digest) / INDEX).is_file()

    def read(self, kind: str, digest: str, name: str) -> bytes:
        """Return a file's bytes after checking its hash; raises DataInvalid when altered, Unavailable when gone."""
        path = self._place(kind, digest) / _plain(name)
        with _reading(path):
            content = path.read_bytes()
        self._require(path, hashlib.sha256(content).hexdigest())
        return content

    def path(self, kind: str, digest: str, name: str) -> Path:
        """Return a file's local path after checking its hash; raises as `read` does.

        A file that this process has checked is hashed again only when its size or time of change is another.
        """
        path = self._place(kind, digest) / _plain(name)
        with _reading(path):
            state = path.stat()
            key = (path, state.st_mtime_ns, state.st_size)
            if key not in self._verified:
                self._verified[key] = _hash(path)
        self._require(path, self._verified[key])
        return path

    def folder(self, kind: str, digest: str) -> Path:
        """Return the folder's local path; raises Unavailable when gone."""
        place = self._place(kind, digest)
        if not self.has(kind, digest):
            raise Unavailable(f"{place}: isn't there; the artefact is needed; make it again from its source")
        return place

    def _kind(self, kind: str) -> Path:
        return self.home / _checked(_KIND, kind, "kind")

    def _place(self, kind: str, digest: str) -> Path:
        return self._kind(kind) / _checked(_DIGEST, digest, "digest")

    def _require(self, path: Path, seen: str) -> None:
        index = path.parent / INDEX
        with _reading(index):
            text = index.read_bytes()
        try:
            needed = json.loads(text)["files"].get(path.name)
        except (ValueError, KeyError, TypeError, AttributeError):
            needed = None
        if needed != seen:
            message = (
                f"{path}: its content isn't what was stored; SHA-256 is {seen}, {needed} is needed; "
                "remove the folder and make the artefact again"
            )
            raise DataInvalid(message)

    def _remove_old_drafts(self) -> None:
        limit = time.time() - DRAFT_LIFETIME_SECONDS
        for path in self.home.glob(f"*/{DRAFT}*"):
            with contextlib.suppress(OSError):
                if path.stat().st_mtime < limit:
                    shutil.rmtree(path, ignore_errors=True)


@contextlib.contextmanager
def _reading(path: Path) -> Iterator[None]:
    """Turn an error of the file system into words."""
    try:
        yield
    except FileNotFoundError as error:
        message = f"{path}: isn't there; the artefact is needed; make it again from its source"
        raise Unavailable(message) from error
    except OSError as error:
        message = f"{path}: can't be read ({error.strerror}); check its permissions and the disk, then try again"
        raise Unavailable(message) from error


@contextlib.contextmanager
def _writing(path: Path) -> Iterator[None]:
    """Turn an error of the file system into words."""
    try:
        yield
    except OSError as error:
        message = (
            f"{path}: can't be written ({error.strerror}); nothing half-written is left; free space or correct the "
            "permissions, then run again"
        )
        raise Unavailable(message) from error


def _write_index(folder: Path) -> None:
    hashes = {}
    for path in sorted(item for item in folder.rglob("*") if item.is_file()):
        hashes[path.relative_to(folder).as_posix()] = _hash(path)
        sync(path)
    index = folder / INDEX
    index.write_text(canonical_json({"schema_version": 1, "files": hashes}), encoding="utf-8")
    sync(index)
    sync(folder)


def _hash(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def _checked(pattern: re.Pattern[str], text: str, what: str) -> str:
    if not pattern.fullmatch(text):
        message = f"artefact store: {what} is {text[:80]!r}; {pattern.pattern} is needed; pass it as it was returned"
        raise DataInvalid(message)
    return text


def _plain(name: str) -> str:
    if not name or name != Path(name).name or name.startswith("."):
        message = f"artefact store: file name is {name[:80]!r}; a plain name is needed, without folders"
        raise DataInvalid(message)
    return name
