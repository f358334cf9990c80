"""Looking into a ledger that somebody else writes: read-only, nothing is created, a lock is not waited for long."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

from ml_platform.adapters.ledger import deploying, rolling
from ml_platform.adapters.ledger.connection import explained
from ml_platform.adapters.ledger.reading import read
from ml_platform.adapters.ledger.schema import check_version, version_of
from ml_platform.core.errors import Unavailable
from ml_platform.core.records import DeploymentRecord, ReleaseRecord
from ml_platform.core.rollout import Rollout

BUSY_SECONDS = 5.0


@contextmanager
def looking(path: Path, *, busy_seconds: float = BUSY_SECONDS) -> Iterator[sqlite3.Connection]:
    """Yield a read-only connection with one consistent view; raises Unavailable when missing, locked or no ledger."""
    if not path.is_file():  # SQLite would wait for the other end of a pipe
        raise Unavailable(f"{path}: there is no ledger; it has to be there. Restore it from a backup.")
    with (
        explained(path),
        closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=busy_seconds)) as connection,
    ):
        connection.execute("BEGIN")  # one consistent view, whatever others write meanwhile
        check_version(version_of(connection), path)
        yield connection


def live_in(path: Path, model: str, environment: str, *, busy_seconds: float = BUSY_SECONDS) -> DeploymentRecord | None:
    """Return what the ledger says is live; raises Unavailable when it can't be asked."""
    with looking(path, busy_seconds=busy_seconds) as connection:
        return deploying.live(connection, model, environment)


def place_in(path: Path, model: str, environment: str) -> tuple[DeploymentRecord | None, list[DeploymentRecord]]:
    """Return what is live and all that ever was, oldest first, as of one moment; raises Unavailable."""
    with looking(path) as connection:
        return deploying.live(connection, model, environment), deploying.history(connection, model, environment)


def rollouts_in(path: Path, model: str, environment: str) -> tuple[DeploymentRecord | None, Sequence[Rollout]]:
    """Return what is live and all rollouts there, oldest first, as of one moment; raises Unavailable."""
    with looking(path) as connection:
        return deploying.live(connection, model, environment), rolling.rollouts(connection, model, environment)


def release_in(path: Path, model: str, version: int, *, busy_seconds: float = BUSY_SECONDS) -> ReleaseRecord | None:
    """Return a registered version; raises Unavailable when the ledger can't be asked."""
    with looking(path, busy_seconds=busy_seconds) as connection:
        row = connection.execute(
            "SELECT content FROM releases WHERE model = ? AND version = ?", (model, version)
        ).fetchone()
        return None if row is None else read(row[0], ReleaseRecord)
