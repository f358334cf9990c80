"""Losses: what a service that goes on with the last verified model has lost meanwhile, so that `/health` says it.

A version in memory needs neither the ledger nor its files; the next start, and the next version, do.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from ml_platform.adapters.artefacts import FileArtefacts
from ml_platform.adapters.deployments import Manifest
from ml_platform.adapters.ledger.looking import live_in
from ml_platform.core.errors import PlatformError
from ml_platform.core.gate import USERS_FILE
from ml_platform.serving.release_files import require_files

Stamps = frozenset[tuple[str, int, int, int]]


@dataclass(slots=True)
class Losses:
    """Looks at what a home's service was started from; `problems` are what isn't there or isn't as it was."""

    home: Path
    problems: tuple[str, ...] = ()
    _seen: dict[str, tuple[Stamps, str]] = field(default_factory=dict)
    _behind: frozenset[tuple[str, int]] = frozenset()
    _had_users: bool = False

    def look(self, live: Iterable[Manifest]) -> None:
        """Look; files are read again only when they were touched."""
        found, behind = list(self._of_users()), set()
        for manifest in live:
            found += self._of_files(manifest)
            try:
                newest = live_in(self.home / "ledger.sqlite", manifest.model, manifest.environment)
            except PlatformError as error:
                found.append(f"version {manifest.version} of {manifest.model} is still served, but: {error}")
                continue
            if newest is not None and not manifest.shows(newest):
                behind.add((manifest.model, newest.version))
                if (manifest.model, newest.version) in self._behind:  # a deployment is shown a moment after it is made
                    found.append(_not_followed(manifest, newest.version))
        self._behind = frozenset(behind)
        self.problems = tuple(dict.fromkeys(found))

    def _of_users(self) -> Iterator[str]:
        there = (self.home / USERS_FILE).exists()
        if self._had_users and not there:
            yield f"{self.home / USERS_FILE}: it is gone, so nobody is let in; restore it from a backup"
        self._had_users = self._had_users or there

    def _of_files(self, manifest: Manifest) -> Iterator[str]:
        digest = manifest.model_digest
        stamps = _stamps(self.home / "models" / digest)
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


def _stamps(folder: Path) -> Stamps:
    try:
        states = [(path.name, path.lstat()) for path in folder.iterdir()]
    except OSError:
        return frozenset()
    return frozenset((name, state.st_mtime_ns, state.st_ino, state.st_size) for name, state in states)


def _not_followed(manifest: Manifest, version: int) -> str:
    return (
        f"the ledger says that version {version} of {manifest.model} is live, but version {manifest.version} "
        "is served; promoting what is live shows it to the service again"
    )
