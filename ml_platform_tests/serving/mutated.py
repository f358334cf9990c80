"""A home with version 1 served and version 2 promoted, and ways to spoil what version 2 is made of."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import shutil
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ml_platform.adapters.artefacts import place_of
from ml_platform.adapters.deployments import manifest_path
from ml_platform.adapters.keys import FileKeys
from ml_platform.adapters.ledger import SqliteLedger
from ml_platform.adapters.sealed_file import SealingWriter
from ml_platform.core.digest import canonical_json, digest_of_bytes
from ml_platform_tests.serving.small_model import MODEL, SINCE, make_live, put_model

BUNDLE = "bundle.intoto.jsonl"


@dataclass(frozen=True, slots=True)
class Spoiled:
    """The home, and where version 2 lies in it."""

    home: Path
    first: Path
    second: Path
    evidence: Path
    bundle: Path

    @property
    def manifest(self) -> Path:
        return manifest_path(self.home, "staging", MODEL)

    @property
    def ledger(self) -> Path:
        return self.home / "ledger.sqlite"

    def forge(self, table: str, change: Callable[[str], str]) -> None:
        """Change the newest row's content as somebody does who has the file: the triggers go first."""
        with contextlib.closing(sqlite3.connect(self.ledger)) as connection, connection:
            for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
                connection.execute(f"DROP TRIGGER {name}")
            (row, content), *_ = connection.execute(
                f"SELECT audit, content FROM {table} ORDER BY audit DESC LIMIT 1"  # noqa: S608 - a test's own
            ).fetchall()
            changed = change(content)
            connection.execute(f"UPDATE {table} SET content = ? WHERE audit = ?", (changed, row))  # noqa: S608

    def put_bundle(self, content: bytes) -> None:
        """Put another bundle in place of version 2's, with the ledger saying that it is the one."""
        digest = digest_of_bytes(content)
        folder = self.home / "bundles" / digest
        shutil.copytree(self.bundle.parent, folder, dirs_exist_ok=True)
        (folder / BUNDLE).write_bytes(content)
        self.forge("releases", lambda row: row.replace(self.bundle.parent.name, digest))

    def envelopes(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.bundle.read_bytes().splitlines()]

    def put_envelopes(self, envelopes: list[dict[str, Any]]) -> None:
        self.put_bundle(b"".join(canonical_json(one).encode() + b"\n" for one in envelopes))

    def reseal(self, name: str, content: bytes) -> None:
        """Put another content in a file of version 2's model, as somebody does who has the keys that encrypt."""
        path = self.second / name
        path.unlink(missing_ok=True)
        with SealingWriter(path) as writer:
            writer.write(content)
        writer.put_header(place_of(path), FileKeys(self.home))
        index = json.loads((self.second / "files.json").read_bytes())
        index["files"][name] = writer.sha256
        (self.second / "files.json").write_text(canonical_json(index))


def two_versions(home: Path) -> Spoiled:
    """Make version 1 live in a home, then version 2."""
    first = make_live(home, put_model(home, seed=1)).model_digest
    second = make_live(home, put_model(home, seed=2), version=2)
    with contextlib.closing(SqliteLedger(home / "ledger.sqlite", clock=lambda: SINCE)) as ledger:
        release = ledger.release(MODEL, 2)
    assert release is not None
    return Spoiled(
        home=home,
        first=home / "models" / first,
        second=home / "models" / second.model_digest,
        evidence=home / "evidence" / second.evidence_digest / "evidence.json",
        bundle=home / "bundles" / release.bundle_digest / BUNDLE,
    )


def flip(path: Path, at: int) -> None:
    """Flip a bit of a file; `at` counts from the end when it is negative."""
    content = bytearray(path.read_bytes())
    content[at] ^= 1
    path.write_bytes(content)


def flipped_text(text: bytes, after: bytes) -> bytes:
    """Return a text with a bit of the first byte after some words flipped."""
    at = text.index(after) + len(after)
    return text[:at] + bytes([text[at] ^ 1]) + text[at + 1 :]


def flipped_base64(text: str) -> str:
    content = bytearray(base64.b64decode(text))
    content[len(content) // 2] ^= 1
    return base64.b64encode(content).decode()


def replace_by_link(path: Path) -> None:
    aside = path.with_name(f"{path.name}.aside")
    target = path.parent.parent.parent / f"outside-{aside.name}"
    path.rename(target)
    path.symlink_to(target)


def replace_by_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def replace_by_pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def replace_by_vast(path: Path) -> None:
    os.truncate(path, 1 << 40)


def append(path: Path) -> None:
    with path.open("ab") as file:
        file.write(b"\x00" * 100)


def cut(path: Path) -> None:
    os.truncate(path, path.stat().st_size - 9)


def halve(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def empty(path: Path) -> None:
    os.truncate(path, 0)
