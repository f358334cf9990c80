"""MLflow's registry as rows: what it shows of a model, read and put back straight in its own SQLite tables."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ml_platform.adapters.mlflow_rows import DELETED, PATIENCE_SECONDS, MlflowRows
from ml_platform.core.shown import ShownModel, ShownVersion

_WORKSPACE = "default"
_OF_MODEL = "workspace = ? AND name = ?"
_OF_VERSION = f"{_OF_MODEL} AND version = ?"


@dataclass(frozen=True, slots=True)
class ShownRows:
    """The registry's tables of one database; `rows` are of a revision that is known."""

    rows: MlflowRows

    def shown(self, model: str) -> ShownModel:
        """Return everything that is shown of a model."""
        with self._open() as tables:
            versions = tables.execute(
                "SELECT version, run_id, source, current_stage FROM model_versions"  # noqa: S608  (a constant)
                f" WHERE {_OF_MODEL} AND current_stage != ? ORDER BY version",
                (_WORKSPACE, model, DELETED),
            ).fetchall()
            tags = self._of(tables, "version, key, value", "model_version_tags", model)
            aliases = self._of(tables, "alias, version", "registered_model_aliases", model)
            of_model = self._of(tables, "key, value", "registered_model_tags", model)
        places = {run_id: self.rows.model_of(run_id) for run_id in {row[1] for row in versions}}
        return ShownModel(
            versions=tuple(
                ShownVersion(
                    number=number,
                    run_id=run_id or "",
                    genuine=(place := places[run_id]) is not None and place[1] == source,
                    stage=stage,
                    tags={key: value for of, key, value in tags if of == number},
                )
                for number, run_id, source, stage in versions
            ),
            aliases=dict(aliases),
            tags=dict(of_model),
        )

    def unpoint(self, model: str, alias: str) -> None:
        """Remove an alias."""
        self._do(f"DELETE FROM registered_model_aliases WHERE {_OF_MODEL} AND alias = ?", model, alias)  # noqa: S608

    def tag(self, model: str, number: int, tags: Mapping[str, str | None]) -> None:
        """Set tags of a version; None removes one."""
        with self._open() as tables:
            for key, value in tags.items():
                if value is None:
                    where = (_WORKSPACE, model, number, key)
                    tables.execute(f"DELETE FROM model_version_tags WHERE {_OF_VERSION} AND key = ?", where)  # noqa: S608
                else:
                    tables.execute(
                        "INSERT OR REPLACE INTO model_version_tags (workspace, name, version, key, value)"
                        " VALUES (?, ?, ?, ?, ?)",
                        (_WORKSPACE, model, number, key, value),
                    )

    def untag_model(self, model: str, names: Sequence[str]) -> None:
        """Remove tags of the model itself."""
        for name in names:
            self._do(f"DELETE FROM registered_model_tags WHERE {_OF_MODEL} AND key = ?", model, name)  # noqa: S608

    def unstage(self, model: str, number: int) -> None:
        """Take a version out of MLflow's own stages."""
        self._do(f"UPDATE model_versions SET current_stage = 'None' WHERE {_OF_VERSION}", model, number)  # noqa: S608

    def _do(self, statement: str, model: str, value: str | int) -> None:
        with self._open() as tables:
            tables.execute(statement, (_WORKSPACE, model, value))

    def _of(self, tables: sqlite3.Connection, columns: str, table: str, model: str) -> list[Any]:
        return tables.execute(
            f"SELECT {columns} FROM {table} WHERE {_OF_MODEL}",  # noqa: S608  (names are ours)
            (_WORKSPACE, model),
        ).fetchall()

    @contextlib.contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        database = self.rows.database
        with contextlib.closing(sqlite3.connect(database, timeout=PATIENCE_SECONDS)) as tables, tables:
            tables.execute("PRAGMA foreign_keys = ON")
            yield tables
