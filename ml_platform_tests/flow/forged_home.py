"""A home that is attacked: version 1 is live in production, version 2 waits in staging for a signed word."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import json
import shutil
import sqlite3
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from ml_platform.access.tokens import new_token
from ml_platform.access.users import FileUsers
from ml_platform.adapters.platform import Platform, open_platform
from ml_platform.cli.models import utc_now
from ml_platform.core.ports import AuditEntry
from ml_platform.core.records import ReleaseRecord
from ml_platform.serving.live import Follower, Live
from ml_platform.settings import load_settings
from ml_platform_tests.access.people import PASSWORD, people, user
from ml_platform_tests.access.world import World, guarded_in
from ml_platform_tests.flow.project import MODEL, Project, Said, project_in

PACK = """\
pack: signed_word
description: Somebody else signs before production.
extends: [base]
approvals:
  production: 1
signed_approvals: true
"""
POLICY = "packs: [base]"
# So few rows can't prove that a candidate is no worse than what is live, and heavy parcels come late by construction.
HELD_TO = """packs: [signed_word]
    waivers:
      - {gate: no_worse_than_champion, owner: Robin, reason: Too few rows to tell., expires: 2099-12-31}
      - {gate: no_feature_explains_alone, owner: Robin, reason: Weight is what counts here., expires: 2099-12-31}"""
FIRST = (POLICY, HELD_TO)
SECOND = (("seed: 7", "seed: 8"), ("num_leaves: 7", "num_leaves: 5"))
ROW = {"sent": "2025-10-01T10:00:00Z", "weight": 31.5, "distance": 640.0, "carrier": "land"}
NOT_RESTORED = {"traffic", "port"}  # the running service writes there, or the test reads it


@dataclass(frozen=True)
class Answer:
    """What the service says of a request."""

    status: int
    said: Any


@dataclass
class Forged:
    """The home, everything an attacker may have of it, and whoever is asked whether an attack came through."""

    project: Project
    users: FileUsers
    tokens: Mapping[str, str]
    kept: Path
    port: int = 0
    guarded: World | None = None

    @property
    def web(self) -> World:
        assert self.guarded is not None
        return self.guarded

    @property
    def password(self) -> str:
        return str(self.project.folder / "password")

    def key(self, name: str) -> str:
        return str(self.project.folder / f"{name}.pem")

    def signing(self, name: str) -> tuple[str, ...]:
        """Return the words by which a person signs on the command line."""
        return "--key", self.key(name), "--password-file", self.password

    @property
    def home(self) -> Path:
        return self.project.home

    @property
    def ledger(self) -> Path:
        return self.home / "ledger.sqlite"

    @property
    def checkpoints(self) -> Path:
        return self.project.folder / "elsewhere" / "audit.checkpoints"

    def platform(self) -> Platform:
        return open_platform(load_settings())

    def release(self, version: int) -> ReleaseRecord:
        with self.platform() as platform:
            found = platform.ledger.release(MODEL, version)
        assert found is not None
        return found

    def ask(self, method: str, path: str, token: str, body: object = None) -> Answer:
        """Ask the running service over HTTP."""
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)) as connection:
            content = None if body is None else json.dumps(body)
            headers = {"content-type": "application/json", "authorization": f"Bearer {token}"}
            connection.request(method, path, content, headers)
            reply = connection.getresponse()
            return Answer(reply.status, json.loads(reply.read()))

    def served(self) -> tuple[object, ...]:
        """Return the version that is served, its digests, and its score of one row, to the last bit."""
        version = self.ask("GET", "/version", self.tokens["shop"]).said
        scored = self.ask("POST", "/invocations", self.tokens["shop"], {"dataframe_records": [ROW]}).said
        digests = (version["model_digest"], version["evidence_digest"])
        return version["version"], *digests, scored["version"], scored["model_digest"], scored["predictions"]

    def command(self, name: str, *words: str) -> Said:
        """Call a command as a person with a token."""
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("ML_PLATFORM_TOKEN", self.tokens[name])
            return self.project.ask(*words)

    def require(self, name: str, *words: str) -> None:
        said = self.command(name, *words)
        assert said.code == 0, said.err

    def health(self) -> str:
        """Return what the running service says is wrong."""
        return "".join(self.ask("GET", "/health", self.tokens["vera"]).said["problems"])

    def promote(self, version: int = 2) -> Said:
        return self.command("rita", "promote", f"{MODEL}/{version}", "--env", "production", "--reason", "it looks good")

    def verify(self) -> Said:
        return self.project.ask("audit", "verify")

    def audited(self) -> list[AuditEntry]:
        with self.platform() as platform:
            return list(platform.ledger.audit())

    def anew(self, environment: str = "production") -> str:
        """Start to serve anew, and say which version that is, or why there is none."""
        loaded: list[Live] = []
        follower = Follower(self.home, MODEL, environment, on_swap=loaded.append)
        asyncio.run(follower.look())
        return follower.problem or (f"v{loaded[-1].manifest.version}" if loaded else "nothing is live")

    def restore(self) -> None:
        """Put back what an attack has changed, under the eyes of everybody who has the files open."""
        there = {path.relative_to(self.home) for path in self.home.rglob("*") if not path.is_dir()}
        right = {path.relative_to(self.kept) for path in self.kept.rglob("*") if not path.is_dir()}
        for path in there - right:
            if path.parts[0] not in NOT_RESTORED and not path.name.endswith(("-wal", "-shm")):
                (self.home / path).unlink()
        for folder in [path for path in self.home.rglob("*") if path.is_dir()]:
            made = folder.relative_to(self.home)
            if made.parts[0] not in NOT_RESTORED and not (self.kept / made).is_dir():
                shutil.rmtree(folder, ignore_errors=True)  # it is empty
        for path in sorted(right):
            _restore(self.kept / path, self.home / path)
        for path in self.beside:
            shutil.copy(self.kept.parent / f"kept-{path.name}", path)

    @property
    def beside(self) -> tuple[Path, ...]:
        """Return what lies outside of the home, and an attack may have changed."""
        return self.checkpoints, self.model_file, self.project.folder / "defs" / "packs" / "signed_word.yaml"

    @property
    def model_file(self) -> Path:
        return self.project.folder / "defs" / MODEL / "defs.yaml"

    def keep(self) -> None:
        """Take the copy from which attacks are undone."""
        shutil.copytree(self.home, self.kept, ignore=shutil.ignore_patterns("traffic", "*-wal", "*-shm"))
        for path in self.kept.rglob("*"):
            if path.suffix in {".sqlite", ".db"}:
                _copy_database(self.home / path.relative_to(self.kept), path)
        for path in self.beside:
            shutil.copy(path, self.kept.parent / f"kept-{path.name}")


def _restore(kept: Path, target: Path) -> None:
    if kept.suffix in {".sqlite", ".db"}:
        _copy_database(kept, target)
    elif not target.exists() or target.is_symlink() or target.stat().st_mtime_ns != kept.stat().st_mtime_ns:
        draft = target.with_name(f".{target.name}.restored")
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(kept, draft)
        draft.replace(target)


def _copy_database(source: Path, target: Path) -> None:
    """Copy as SQLite does: who has the target open sees the copy, and isn't cut off from it."""
    with (
        contextlib.closing(sqlite3.connect(source)) as read,
        contextlib.closing(sqlite3.connect(target, timeout=30)) as written,
    ):
        read.backup(written)


@contextlib.contextmanager
def forged_home(folder: Path) -> Iterator[Forged]:
    """Release two versions, promote the first one to production as persons do, and serve it."""
    with project_in(folder, None) as project, pytest.MonkeyPatch.context() as patch:
        patch.setenv("ML_PLATFORM_CHECKPOINTS", str(folder / "elsewhere" / "audit.checkpoints"))
        if not project.home.exists():
            (folder / "defs" / "packs").mkdir()
            (folder / "defs" / "packs" / "signed_word.yaml").write_text(PACK)
            (folder / "password").write_text(PASSWORD)
        users = people(project.home)
        for name, *roles in (("shop", "client"), ("tess", "trainer", "release_manager")):
            users.add(user(name, *roles))
        tokens = {name: _token(users, name) for name in users.all()}
        made = Forged(project, users, tokens, folder / "kept")
        _tell(made)
        made.keep()
        with project.serve("production") as port, guarded_in(folder, users) as web:
            made.port, made.guarded = port, web
            yield made


def _token(users: FileUsers, name: str) -> str:
    text, kept = new_token("", now=utc_now(), days=1)
    users.add_token(name, kept)
    return text


def _tell(made: Forged) -> None:
    """Live the story up to where the attacks begin."""
    for name in ("flo", "tess"):
        made.require("ada", "keys", "new-person", name, "--to", made.key(name), "--password-file", made.password)
    made.project.write(FIRST)
    made.require("tom", "run", MODEL)
    made.require("flo", "approve", f"{MODEL}/1", "--env", "production", *made.signing("flo"))
    said = made.promote(1)
    assert said.code == 0, said.err
    made.project.write(FIRST, *SECOND)
    made.require("tess", "run", MODEL)
