"""MLflow rows: a training run written straight into MLflow's own SQLite tables, as its client would write it.

Importing MLflow and mapping its seventy tables costs more CPU than most trainings; the rows of a run cost nearly none.
Only tables of a revision that these statements were compared with are written: `at` returns None for any other, and
MLflow's client does it.
"""

from __future__ import annotations

import contextlib
import math
import sqlite3
import sys
import time
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

REVISIONS = frozenset({"dc11669786a5"})  # MLflow 3.17
PATIENCE_SECONDS = 30.0
_READY = 2  # a logged model's status
_WORKSPACE = "default"
DELETED = "Deleted_Internal"  # the stage of a version that was deleted; its row stays


@dataclass(frozen=True, slots=True)
class MlflowRows:
    """The tables of one database; every method raises sqlite3.Error when they can't be read or written."""

    database: Path

    @classmethod
    def at(cls, database: Path | None) -> MlflowRows | None:
        """Return the tables of a database that is whole and of a known revision; None when it isn't."""
        if database is None or not database.is_file() or database.with_suffix(".making").exists():
            return None
        rows = cls(database)
        return rows if rows._revision() in REVISIONS else None

    def experiment(self, model: str, location: str) -> str | None:
        """Return the id of a model's experiment, made when there is none; None when somebody has deleted it."""
        now = _now()
        with self._open() as tables:
            tables.execute(
                "INSERT OR IGNORE INTO experiments (name, artifact_location, lifecycle_stage, creation_time,"
                " last_update_time, workspace) VALUES (?, ?, 'active', ?, ?, ?)",
                (model, location, now, now, _WORKSPACE),
            )
            ((found, stage),) = tables.execute(
                "SELECT experiment_id, lifecycle_stage FROM experiments WHERE workspace = ? AND name = ?",
                (_WORKSPACE, model),
            )
        return str(found) if stage == "active" else None

    def start(self, experiment: str, name: str, tags: Mapping[str, str]) -> str:
        """Write down a run that has begun and return its id."""
        run_id = uuid.uuid4().hex
        with self._open() as tables:
            ((location,),) = tables.execute(
                "SELECT artifact_location FROM experiments WHERE experiment_id = ?", (experiment,)
            )
            _insert(
                tables, "runs", run_uuid=run_id, name=name, source_type="UNKNOWN", source_name="", entry_point_name="",
                user_id="unknown", status="RUNNING", start_time=_now(), source_version="", lifecycle_stage="active",
                artifact_uri=f"{location}/{run_id}/artifacts", experiment_id=int(experiment),
            )  # fmt: skip
            for key, value in {**tags, "mlflow.runName": name}.items():
                _insert(tables, "tags", key=key, value=value, run_uuid=run_id)
        return run_id

    def log(self, run_id: str, metrics: Mapping[str, float], parameters: Mapping[str, object]) -> None:
        """Add metrics and parameters to a run."""
        now = _now()
        with self._open() as tables:
            for key, parameter in parameters.items():
                if parameter is not None:
                    _insert(tables, "params", key=key, value=str(parameter), run_uuid=run_id)
            for key, metric in metrics.items():
                value, is_nan = _number(metric)
                for table, otherwise in (("metrics", ""), ("latest_metrics", "OR REPLACE")):
                    _insert(
                        tables, table, otherwise,
                        key=key, value=value, timestamp=now, step=0, is_nan=is_nan, run_uuid=run_id,
                    )  # fmt: skip

    def end(self, run_id: str, status: str) -> None:
        """Write down how a run ended."""
        with self._open() as tables:
            tables.execute("UPDATE runs SET status = ?, end_time = ? WHERE run_uuid = ?", (status, _now(), run_id))

    def model_location(self, experiment: str, model_id: str) -> str:
        """Return the address of the folder in which MLflow looks for a model."""
        with self._open() as tables:
            ((root,),) = tables.execute(
                "SELECT artifact_location FROM experiments WHERE experiment_id = ?", (experiment,)
            )
        return f"{root}/models/{model_id}/artifacts"

    def add_model(self, experiment: str, run_id: str, model_id: str, *, name: str, tags: Mapping[str, str]) -> None:
        """Write down the model that a run has made, whose files are in place."""
        location, now = self.model_location(experiment, model_id), _now()
        with self._open() as tables:
            _insert(
                tables, "logged_models", model_id=model_id, experiment_id=int(experiment), name=name,
                artifact_location=location, creation_timestamp_ms=now, last_updated_timestamp_ms=now, status=_READY,
                lifecycle_stage="active", model_type="lightgbm", source_run_id=run_id,
            )  # fmt: skip
            for key, value in tags.items():
                _insert(
                    tables, "logged_model_tags",
                    model_id=model_id, experiment_id=int(experiment), tag_key=key, tag_value=value,
                )  # fmt: skip
            _insert(
                tables, "inputs", input_uuid=uuid.uuid4().hex, source_type="RUN_OUTPUT", source_id=run_id,
                destination_type="MODEL_OUTPUT", destination_id=model_id, step=0,
            )  # fmt: skip

    def is_finished(self, run_id: str) -> bool:
        """Say whether a run has ended well and wasn't deleted."""
        with self._open() as tables:
            found = tables.execute("SELECT status, lifecycle_stage FROM runs WHERE run_uuid = ?", (run_id,)).fetchone()
        return tuple(found or ()) == ("FINISHED", "active")

    def model_of(self, run_id: str) -> tuple[str, str] | None:
        """Return the id and the address of the model that a run has made; None when there is none."""
        with self._open() as tables:
            found: tuple[str, str] | None = tables.execute(
                "SELECT model_id, artifact_location FROM inputs JOIN logged_models ON destination_id = model_id"
                " WHERE source_type = 'RUN_OUTPUT' AND destination_type = 'MODEL_OUTPUT' AND source_id = ?",
                (run_id,),
            ).fetchone()
        return found

    def version_of(self, model: str, evidence_digest: str) -> int | None:
        """Return the first version that shows an evidence."""
        with self._open() as tables:
            first: tuple[int | None] = tables.execute(
                "SELECT min(version) FROM model_version_tags JOIN model_versions USING (workspace, name, version)"
                " WHERE workspace = ? AND name = ? AND key = 'evidence_digest' AND value = ? AND current_stage != ?",
                (_WORKSPACE, model, evidence_digest, DELETED),
            ).fetchone()
        return first[0]

    def add_version(self, model: str, run_id: str, source: str, tags: Mapping[str, str]) -> None:
        """Register the next version of a model, and the model with its first."""
        now = _now()
        with self._open() as tables:
            _insert(
                tables, "registered_models", "OR IGNORE",
                name=model, creation_time=now, last_updated_time=now, workspace=_WORKSPACE,
            )  # fmt: skip
            ((last,),) = tables.execute(
                "SELECT coalesce(max(version), 0) FROM model_versions WHERE workspace = ? AND name = ?",
                (_WORKSPACE, model),
            )
            _insert(
                tables, "model_versions", name=model, version=last + 1, creation_time=now, last_updated_time=now,
                current_stage="None", source=source, storage_location=source, run_id=run_id, status="READY",
                workspace=_WORKSPACE,
            )  # fmt: skip
            for key, value in tags.items():
                _insert(
                    tables, "model_version_tags",
                    key=key, value=value, name=model, version=last + 1, workspace=_WORKSPACE,
                )  # fmt: skip
            tables.execute(
                "UPDATE registered_models SET last_updated_time = ? WHERE workspace = ? AND name = ?",
                (now, _WORKSPACE, model),
            )

    def point(self, model: str, alias: str, version: int) -> None:
        """Point an alias at a version."""
        with self._open() as tables:
            _insert(
                tables, "registered_model_aliases", "OR REPLACE",
                alias=alias, version=version, name=model, workspace=_WORKSPACE,
            )  # fmt: skip

    def _revision(self) -> str | None:
        with self._open() as tables:
            known = tables.execute("SELECT 1 FROM sqlite_master WHERE name = 'alembic_version'").fetchone()
            found = tables.execute("SELECT version_num FROM alembic_version").fetchone() if known else None
        return None if found is None else str(found[0])

    @contextlib.contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        with contextlib.closing(sqlite3.connect(self.database, timeout=PATIENCE_SECONDS)) as tables, tables:
            tables.execute("PRAGMA foreign_keys = ON")
            yield tables


def _insert(tables: sqlite3.Connection, table: str, otherwise: str = "", **columns: float | str) -> None:
    names, places = ", ".join(columns), ", ".join("?" * len(columns))
    tables.execute(
        f"INSERT {otherwise} INTO {table} ({names}) VALUES ({places})",  # noqa: S608  (names are ours)
        tuple(columns.values()),
    )


def _number(metric: float) -> tuple[float, bool]:
    """Return a metric as MLflow keeps it, and whether it is none; infinity becomes the largest number."""
    if math.isnan(metric):
        return 0.0, True
    return min(max(metric, -sys.float_info.max), sys.float_info.max), False


def _now() -> int:
    return time.time_ns() // 1_000_000
