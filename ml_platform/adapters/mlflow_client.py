"""MLflow's client: opened without telemetry, chatter or a race over a new database."""

from __future__ import annotations

import contextlib
import fcntl
import logging
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mlflow import MlflowClient

_SQLITE = "sqlite:///"
_LOG = logging.getLogger(__name__)


def open_client(tracking_uri: str) -> MlflowClient:
    """Return a client for runs and registered models; a SQLite database that isn't there is made.

    Raises OSError when the database's folder can't be written, and MLflow's own errors.
    """
    # Said to MLflow, which reads it once, when it is imported; otherwise it calls out and writes to the user's home.
    os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
    from mlflow import MlflowClient

    logging.getLogger("mlflow").setLevel(logging.WARNING)
    with _alone(database_of(tracking_uri)):
        return MlflowClient(tracking_uri=tracking_uri, registry_uri=tracking_uri)


def client_errors() -> tuple[type[Exception], ...]:
    """Return what MLflow's client raises; nobody can where it wasn't imported."""
    if "mlflow" not in sys.modules:
        return ()
    from mlflow.exceptions import MlflowException
    from sqlalchemy.exc import SQLAlchemyError

    return MlflowException, SQLAlchemyError


@contextlib.contextmanager
def is_missing() -> Iterator[list[str]]:
    """Yield a list that says, afterwards, what wasn't there; everything else that is wrong is raised."""
    from mlflow.exceptions import MlflowException

    missing: list[str] = []
    try:
        yield missing
    except MlflowException as error:
        if error.error_code not in {"RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"}:
            raise
        missing.append(error.error_code)


def database_of(tracking_uri: str) -> Path | None:
    """Return the database file of a SQLite URI; None for any other."""
    return Path(tracking_uri.removeprefix(_SQLITE)) if tracking_uri.startswith(_SQLITE) else None


@contextlib.contextmanager
def _alone(database: Path | None) -> Iterator[None]:
    """Let one process at a time make and migrate the database: two at once leave half of the tables.

    A database that was being made when its process died or the disk was full is made anew: nobody has used it.
    """
    if database is None:
        yield
        return
    database.parent.mkdir(parents=True, exist_ok=True)
    with database.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        making = database.with_suffix(".making")
        if making.exists():
            for half in (database, database.with_name(f"{database.name}-journal")):
                half.unlink(missing_ok=True)
        if not database.exists():
            _LOG.info("MLflow: making its database %s; this happens once and takes a few seconds", database)
            making.touch()
        yield
        making.unlink(missing_ok=True)
