"""Artefacts: immutable folders by kind and digest on a local disk, whole or not there at all, sealed.

A folder is written as `<home>/<kind>/.draft-<random>`, synced, and renamed to its digest. A killed process leaves only
a draft, which a later one removes. Every file is sealed as `<kind>/<name>` of its digest and opens as nothing else;
only kinds in `PLAIN` lie there as they are, each read checked against the SHA-256 in `files.json`.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import re
import secrets
import shutil
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import BinaryIO

from ml_platform.adapters.envelope_header import Place
from ml_platform.adapters.keys import FileKeys
from ml_platform.adapters.sealed_file import SealedReader, SealingWriter
from ml_platform.core.atomic import sync
from ml_platform.core.digest import CHUNK, canonical_json
from ml_platform.core.errors import DataInvalid, Unavailable
from ml_platform.core.keys import Keys

INDEX = "files.json"
DRAFT = ".draft-"
DRAFT_LIFETIME_SECONDS = 3600.0
PLAIN = frozenset(
    {"bundles", "dossiers", "evidence", "reports"}
)  # read by people without keys; the ledger pins their digests
_KIND = re.compile(r"[a-z][a-z0-9_]*")
_DIGEST = re.compile(r"[0-9a-f]{64}")


class FolderDraft:
    """A folder being written; see `Draft`."""

    def __init__(self, path: Path, keys: Keys | None) -> None:
        self.path = path
        self._keys = keys
        self._sealed: dict[str, SealingWriter] = {}

    def create(self, name: str) -> BinaryIO:
        """Start a file of the folder; close it before `keep`."""
        path = self.path / _plain(name)
        if self._keys is None:
            return path.open("xb")
        self._sealed[name] = SealingWriter(path)
        return io.BufferedWriter(self._sealed[name])

    def keep(self, digest: str) -> bool:
        """Make the folder visible under `digest` atomically; False when that digest was there already."""
        target = self.path.parent / _checked(_DIGEST, digest, "digest")
        if target.is_dir():
            return False
        with _writing(target):
            self._write_index(target)
            try:
                self.path.rename(target)
            except OSError:
                if target.is_dir():
                    return False
                raise
            sync(target.parent)
        return True

    def _write_index(self, target: Path) -> None:
        hashes = {}
        for path in sorted(self.path.iterdir()):
            writer = self._sealed.get(path.name)
            if writer is None or self._keys is None:
                hashes[path.name] = _hash(path)
                sync(path)
            else:
                writer.put_header(place_of(target / path.name), self._keys)
                hashes[path.name] = writer.sha256
        index = self.path / INDEX
        index.write_text(canonical_json({"schema_version": 1, "files": hashes}), encoding="utf-8")
        sync(index)
        sync(self.path)


class FileArtefacts:
    """The artefact store on a local disk; see `ArtefactStore`. Several processes may use one home."""

    def __init__(self, home: Path, keys: Keys | None = None) -> None:
        self.home = home
        self._keys = keys or FileKeys(home)
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
                yield FolderDraft(path, None if kind in PLAIN else self._keys)
        finally:
            shutil.rmtree(path, ignore_errors=True)

    def put(self, kind: str, digest: str, files: Mapping[str, bytes]) -> bool:
        """Write small files under a digest; False when it was there already."""
        if self.has(kind, digest):
            return False
        with self.draft(kind) as draft:
            for name, content in files.items():
                with draft.create(name) as file:
                    file.write(content)
            return draft.keep(digest)

    def has(self, kind: str, digest: str) -> bool:
        """Say whether a folder is there."""
        return (self._place(kind, digest) / INDEX).is_file()

    def names(self, kind: str, digest: str) -> tuple[str, ...]:
        """Return the names of a folder's files; raises as `read` does."""
        return tuple(sorted(self._index(self._place(kind, digest))))

    def read(self, kind: str, digest: str, name: str) -> bytes:
        """Return a file's content; raises DataInvalid when it isn't what was stored, Unavailable when it is gone."""
        with self.open(kind, digest, name) as file, _reading(self._place(kind, digest) / name):
            return file.read()

    def open(self, kind: str, digest: str, name: str) -> BinaryIO:
        """Open a file for reading anywhere; it and every later read raise as `read` does."""
        if kind in PLAIN:
            return self.path(kind, digest, name).open("rb")
        path = self._place(kind, digest) / _plain(name)
        with _reading(path):
            path.stat()
            if name not in self._index(path.parent):
                raise DataInvalid(f"{path}: it wasn't stored with the others; only what was stored is read; remove it")
            return io.BufferedReader(SealedReader(path, place_of(path), self._keys))

    def path(self, kind: str, digest: str, name: str) -> Path:
        """Return the local path of a file of a kind in `PLAIN` after checking its hash; raises as `read` does.

        A file that this process has checked is hashed again only when its size or time of change is another.
        """
        if kind not in PLAIN:
            raise DataInvalid(f"artefact store: {kind}/{name[:80]} is sealed and has no readable path; open or read it")
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
            raise Unavailable(
                f"{place}: isn't there; it is needed; restore the artefact, or make it again from its source"
            )
        return place

    def _kind(self, kind: str) -> Path:
        return self.home / _checked(_KIND, kind, "kind")

    def _place(self, kind: str, digest: str) -> Path:
        return self._kind(kind) / _checked(_DIGEST, digest, "digest")

    def _index(self, folder: Path) -> dict[str, str]:
        index = folder / INDEX
        with _reading(index):
            text = index.read_bytes()
        try:
            return {str(name): str(digest) for name, digest in json.loads(text)["files"].items()}
        except (ValueError, KeyError, TypeError, AttributeError):
            message = f"{index}: it isn't the list that was stored; it is needed; remove the folder and make it again"
            raise DataInvalid(message) from None

    def _require(self, path: Path, seen: str) -> None:
        needed = self._index(path.parent).get(path.name)
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


def place_of(path: Path) -> Place:
    """Return what a file of an artefact is sealed as, from where it lies: `<kind>/<digest>/<name>`."""
    folder = path.parent
    return Place(name=f"{folder.parent.name}/{path.name}", digest=folder.name, where=str(path))


@contextlib.contextmanager
def _reading(path: Path) -> Iterator[None]:
    """Turn an error of the file system into words."""
    try:
        yield
    except FileNotFoundError as error:
        message = f"{path}: isn't there; it is needed; restore the artefact, or make it again from its source"
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
