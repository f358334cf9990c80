"""Dagster's and MLflow's databases without their great costs: a new engine or file per event, a wait per commit.

Nobody pulls the plug on a test. Commands that a test calls as processes of their own pay both, as a person does.
"""

from __future__ import annotations

import functools
import sqlite3
import sys
from collections.abc import Callable
from typing import Any

import pytest

OPENS_AN_ENGINE_EACH_TIME = (
    "dagster._core.storage.event_log.sqlite.sqlite_event_log",
    "dagster._core.storage.runs.sqlite.sqlite_run_storage",
    "dagster._core.storage.schedules.sqlite.sqlite_schedule_storage",
    "ml_platform.orchestration.history",
)
KEPT = 8


def pytest_collection_finish() -> None:
    """Prepare when one of the tests knows Dagster: the others shouldn't pay its imports."""
    if "dagster" in sys.modules:
        _prepare()


@functools.cache
def _prepare() -> None:
    from sqlalchemy import create_engine, event
    from sqlalchemy.engine import Engine

    event.listen(Engine, "connect", _without_waiting)
    remembering, patch = remembered(create_engine), pytest.MonkeyPatch()  # for the whole run, so never undone
    for module in OPENS_AN_ENGINE_EACH_TIME:
        patch.setattr(f"{module}.create_engine", remembering)


def remembered(create: Callable[..., Any]) -> Callable[..., Any]:
    """Keep the engine of an address, and it its connections, while it is among the last that were used.

    A new one would compile every statement anew, a new connection would open the file and look through its tables.
    """
    known: dict[str, Any] = {}

    def engine(address: str, **options: Any) -> Any:
        found = known.pop(address, None)
        if found is None:
            found = create(address, **{**options, "poolclass": None})
            if len(known) == KEPT:  # each run has a file of its own, and open files are few
                known.pop(next(iter(known))).dispose()
        known[address] = found
        return found

    return engine


def _without_waiting(connection: object, _: object) -> None:
    if isinstance(connection, sqlite3.Connection):
        connection.execute("PRAGMA synchronous=OFF")
