"""MLflow's and the disk's errors, turned into words."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator

from ml_platform.adapters.mlflow_client import client_errors
from ml_platform.core.errors import Unavailable


@contextlib.contextmanager
def explained(tracking_uri: str, what: str) -> Iterator[None]:
    """Raise Unavailable, with what couldn't be done, for whatever the store raises meanwhile."""
    try:
        yield
    except _errors() as error:
        first_line = str(error).strip().partition("\n")[0]
        message = (
            f"MLflow at {tracking_uri}: {what} ({first_line}); a tracking store that can be written is needed; "
            "check MLFLOW_TRACKING_URI, the server, free space and permissions"
        )
        raise Unavailable(message) from error


def _errors() -> tuple[type[Exception], ...]:
    return OSError, sqlite3.Error, *client_errors()
