"""Dagster's and MLflow's databases without their great costs: a new engine per event, a wait for the disk per commit.

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
    "event_log.sqlite.sqlite_event_log",
    "runs.sqlite.sqlite_run_storage",
    "schedules.sqlite.sqlite_schedule_storage",
)


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
        patch.setattr(f"dagster._core.storage.{module}.create_engine", remembering)


def remembered(create: Callable[..., Any]) -> Callable[..., Any]:
    """Make the engine of an address once; a new one would compile every statement anew."""
    known: dict[str, Any] = {}

    def engine(address: str, **options: Any) -> Any:
        if address not in known:
            known[address] = create(address, **options)
        return known[address]

    return engine


def _without_waiting(connection: object, _: object) -> None:
    if isinstance(connection, sqlite3.Connection):
        connection.execute("PRAGMA synchronous=OFF")
