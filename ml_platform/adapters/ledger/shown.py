"""What is shown: whether each deployment manifest says what the ledger says; a projection that waits is no problem."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from pathlib import Path

from ml_platform.adapters.deployments import Manifest, read_manifest
from ml_platform.adapters.ledger import deploying
from ml_platform.adapters.ledger.reading import read
from ml_platform.adapters.rollout_manifests import FOLDER
from ml_platform.core.errors import PlatformError
from ml_platform.core.records import DeploymentRecord

Shown = Mapping[Path, Manifest | str]


def read_shown(home: Path) -> Shown:
    """Return every deployment manifest of a home, or in words why it isn't one."""
    paths = sorted(path for path in (home / FOLDER).glob("*/*.json") if not path.name.startswith("."))
    found = {path: _read(home, path) for path in paths}
    return {path: manifest for path, manifest in found.items() if manifest is not None}


def shown_problems(connection: sqlite3.Connection, home: Path, shown: Shown) -> Iterator[str]:
    """Yield each manifest that isn't what is live; `shown` was read before the ledger, a difference is read twice."""
    for path, seen in shown.items():
        problem = seen if isinstance(seen, str) else _problem(connection, home, path, seen)
        if problem and _read(home, path) == seen:  # else it was written anew meanwhile
            yield problem


def _read(home: Path, path: Path) -> Manifest | str | None:
    try:
        return read_manifest(home, path.parent.name, path.stem)
    except PlatformError as error:
        return str(error)


def _problem(connection: sqlite3.Connection, home: Path, path: Path, seen: Manifest) -> str:
    environment, model = path.parent.name, path.stem
    where = path.relative_to(home)
    if (seen.model, seen.environment) != (model, environment):
        return f"{where} is about {seen.model} in {seen.environment}"
    live = deploying.live(connection, model, environment)
    if seen.shows(live) or _waits(connection, seen):
        return ""
    if live is None:
        return f"{where} shows v{seen.version}, but nothing is live there"
    if seen.version != live.version:
        return f"{where} shows v{seen.version}, but v{live.version} is live there"
    return f"{where} shows v{seen.version} with another model or other evidence than what is live there"


def _waits(connection: sqlite3.Connection, seen: Manifest) -> bool:
    """Say whether a newer deployment has still to be shown and what is shown until then was live once."""
    where = (seen.model, seen.environment)
    pending = connection.execute(
        "SELECT 1 FROM deployments WHERE model = ? AND environment = ? "
        "AND audit NOT IN (SELECT deployment FROM projected) LIMIT 1",
        where,
    ).fetchone()
    if pending is None:
        return False
    query = "SELECT content FROM deployments WHERE model = ? AND environment = ?"
    return any(seen.shows(read(content, DeploymentRecord)) for (content,) in connection.execute(query, where))
