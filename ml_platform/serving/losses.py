"""Losses: what a service that goes on with the last verified model has lost meanwhile, so that `/health` says it.

A version in memory needs neither the ledger nor its files; the next start, and the next version, do.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from ml_platform.adapters.artefacts import FileArtefacts
from ml_platform.adapters.deployments import Manifest
from ml_platform.adapters.ledger.looking import live_in
from ml_platform.core.errors import PlatformError
from ml_platform.core.gate import USERS_FILE
from ml_platform.core.records import DeploymentRecord
from ml_platform.serving.release_files import require_files

Stamps = frozenset[tuple[str, int, int, int]]


@dataclass(slots=True)
class Losses:
    """Looks at what a home's service was started from; `problems` are what isn't there or isn't as it was."""

    home: Path
    problems: tuple[str, ...] = ()
    _seen: dict[str, tuple[Stamps, str]] = field(default_factory=dict)
    _asked: dict[tuple[str, str], tuple[Stamps, DeploymentRecord | None]] = field(default_factory=dict)
    _behind: frozenset[tuple[str, int]] = frozenset()
    _had_users: bool = False

    def look(self, live: Iterable[Manifest]) -> None:
        """Look; files are read again only when they were touched."""
        found, behind = list(self._of_users()), set()
        for manifest in live:
            found += self._of_files(manifest)
            try:
                newest = self._newest(manifest)
            except PlatformError as error:
                found.append(f"version {manifest.version} of {manifest.model} is still served, but: {error}")
                continue
            if newest is not None and not manifest.shows(newest):
                behind.add((manifest.model, newest.version))
                if (manifest.model, newest.version) in self._behind:  # a deployment is shown a moment after it is made
                    found.append(_not_followed(manifest, newest.version))
        self._behind = frozenset(behind)
        self.problems = tuple(dict.fromkeys(found))

    def _newest(self, manifest: Manifest) -> DeploymentRecord | None:
        """Return what the ledger says is live; it is asked again only when it was written to."""
        ledger, place = self.home / "ledger.sqlite", (manifest.model, manifest.environment)
        stamps = _stamps([ledger, ledger.with_name(f"{ledger.name}-wal")])
        if place not in self._asked or self._asked[place][0] != stamps:
            self._asked.pop(place, None)
            self._asked[place] = (stamps, live_in(ledger, *place))
        return self._asked[place][1]

    def _of_users(self) -> Iterator[str]:
        there = (self.home / USERS_FILE).exists()
        if self._had_users and not there:
            yield f"{self.home / USERS_FILE}: it is gone, so nobody is let in; restore it from a backup"
        self._had_users = self._had_users or there

    def _of_files(self, manifest: Manifest) -> Iterator[str]:
        digest = manifest.model_digest
        stamps = _stamps_in(self.home / "models" / digest)
        if self._seen.get(digest, (None, ""))[0] != stamps:
            self._seen = {kept: seen for kept, seen in self._seen.items() if kept != digest}
            self._seen[digest] = (stamps, _altered(self.home, digest))
        problem = self._seen[digest][1]
        if problem:
            yield f"version {manifest.version} of {manifest.model} is served from memory, but: {problem}"


def _altered(home: Path, digest: str) -> str:
    try:
        require_files(FileArtefacts(home), digest)
    except (PlatformError, OSError) as error:
        return str(error)
    return ""


def _stamps_in(folder: Path) -> Stamps:
    try:
        return _stamps(folder.iterdir())
    except OSError:
        return frozenset()


def _stamps(paths: Iterable[Path]) -> Stamps:
    """Return by which it is seen that files were touched; those that aren't there have none."""
    found = []
    for path in paths:
        with contextlib.suppress(FileNotFoundError):
            state = path.lstat()
            found.append((path.name, state.st_mtime_ns, state.st_ino, state.st_size))
    return frozenset(found)


def _not_followed(manifest: Manifest, version: int) -> str:
    return (
        f"the ledger says that version {version} of {manifest.model} is live, but version {manifest.version} "
        "is served; promoting what is live shows it to the service again"
    )
