"""History: Dagster's own storage in SQLite, which keeps its compiled statements between two events.

Dagster makes an engine for each event, and with it compiles the same few statements anew: a third of the CPU time of
a small run with a hundred gates. Connections are still opened and closed for each event, as the UI watches the files.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Self, cast

from dagster._core.storage.event_log import SqliteEventLogStorage
from dagster._core.storage.runs import SqliteRunStorage
from dagster._core.storage.schedules import SqliteScheduleStorage
from dagster._core.storage.sqlite import SQLITE_BUSY_TIMEOUT_SECONDS
from sqlalchemy import Connection, Engine, create_engine
from sqlalchemy.pool import NullPool

if TYPE_CHECKING:
    from dagster._serdes import ConfigurableClassData

Config = Mapping[str, Any]
MOST_ENGINES = 64


class Runs(SqliteRunStorage):
    """The runs."""

    @classmethod
    def from_config_value(cls, inst_data: ConfigurableClassData | None, config_value: Config) -> Self:
        """Open what `dagster.yaml` names."""
        return cls.from_local(config_value["base_dir"], inst_data)

    @contextmanager
    def connect(self) -> Iterator[Connection]:
        """Connect for one transaction."""
        with engine_of(self._conn_string).begin() as connection:
            yield connection


class Events(SqliteEventLogStorage):
    """The events: a file for each run, and an index over all."""

    @classmethod
    def from_config_value(cls, inst_data: ConfigurableClassData | None, config_value: Config) -> Self:
        """Open what `dagster.yaml` names."""
        return cls(config_value["base_dir"], inst_data)

    @contextmanager
    def _connect(self, shard: str) -> Iterator[Connection]:
        with self._db_lock:
            engine = engine_of(self.conn_string_for_shard(shard))
            if shard not in self._initialized_dbs:
                self._initdb(engine)
                self._initialized_dbs.add(shard)
            with engine.begin() as connection:
                yield connection


class Schedules(SqliteScheduleStorage):
    """The ticks of sensors and schedules."""

    @classmethod
    def from_config_value(cls, inst_data: ConfigurableClassData | None, config_value: Config) -> Self:
        """Open what `dagster.yaml` names."""
        return cast("Self", cls.from_local(config_value["base_dir"], inst_data))

    @contextmanager
    def connect(self) -> Iterator[Connection]:
        """Connect for one transaction."""
        with engine_of(self._conn_string).begin() as connection:
            yield connection


@lru_cache(maxsize=MOST_ENGINES)
def engine_of(database: str) -> Engine:
    """Return the engine of a database, with its compiled statements; it keeps no connection open."""
    return create_engine(database, poolclass=NullPool, connect_args={"timeout": SQLITE_BUSY_TIMEOUT_SECONDS})
