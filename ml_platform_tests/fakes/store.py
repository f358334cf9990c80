"""`FakeStore`: the ArtefactStore port on plain folders, checking nothing but the hashes it noted."""

from __future__ import annotations

import hashlib
import io
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO
from uuid import uuid4

from ml_platform.core.digest import canonical_json
from ml_platform.core.errors import DataInvalid, Unavailable


class FakeDraft:
    """A folder that becomes visible by `keep`."""

    def __init__(self, home: Path, kind: str) -> None:
        self._kept = home / kind
        self.path = home / "drafts" / uuid4().hex
        self.path.mkdir(parents=True)

    def create(self, name: str) -> BinaryIO:
        return (self.path / name).open("xb")

    def keep(self, digest: str) -> bool:
        target = self._kept / digest
        if target.exists():
            return False
        hashes = {each.name: hashlib.sha256(each.read_bytes()).hexdigest() for each in self.path.iterdir()}
        (self.path / "files.json").write_text(canonical_json({"schema_version": 1, "files": hashes}))
        target.parent.mkdir(parents=True, exist_ok=True)
        self.path.rename(target)
        return True


class FakeStore:
    """Folders `<home>/<kind>/<digest>`; the hashes of the files put here are kept in memory."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.hashes: dict[Path, str] = {}

    @contextmanager
    def draft(self, kind: str) -> Iterator[FakeDraft]:
        draft = FakeDraft(self.home, kind)
        try:
            yield draft
        finally:
            shutil.rmtree(draft.path, ignore_errors=True)

    def put(self, kind: str, digest: str, files: Mapping[str, bytes]) -> bool:
        if self.has(kind, digest):
            return False
        with self.draft(kind) as draft:
            for name, content in files.items():
                with draft.create(name) as file:
                    file.write(content)
                self.hashes[self.home / kind / digest / name] = hashlib.sha256(content).hexdigest()
            return draft.keep(digest)

    def has(self, kind: str, digest: str) -> bool:
        return (self.home / kind / digest).is_dir()

    def names(self, kind: str, digest: str) -> tuple[str, ...]:
        return tuple(sorted(path.name for path in self.folder(kind, digest).iterdir() if path.name != "files.json"))

    def read(self, kind: str, digest: str, name: str) -> bytes:
        path = self.folder(kind, digest) / name
        if not path.exists():
            raise Unavailable(f"{path} is gone")
        content = path.read_bytes()
        seen = hashlib.sha256(content).hexdigest()
        if self.hashes.get(path, seen) != seen:
            raise DataInvalid(f"{path} was altered")
        return content

    def open(self, kind: str, digest: str, name: str) -> BinaryIO:
        return io.BytesIO(self.read(kind, digest, name))

    def folder(self, kind: str, digest: str) -> Path:
        folder = self.home / kind / digest
        if not folder.is_dir():
            raise Unavailable(f"{folder} is gone")
        return folder
