"""Read: the tables of a model's source as frames, and the fingerprint that says whether they changed."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import TYPE_CHECKING, assert_never

from ml_platform.core.digest import digest_of
from ml_platform.core.errors import DataInvalid
from ml_platform.core.measured import Measured
from ml_platform.core.measurement import Measurement
from ml_platform.core.records import SourceFingerprint
from ml_platform.policy.spec import FileTable, PackageTable, SqlTable, Table, UrlTable
from ml_platform.sources.files import file_pieces
from ml_platform.sources.kept import NOTHING, Before
from ml_platform.sources.known import recall_known, remember_known
from ml_platform.sources.look import Known, Looked, look_at
from ml_platform.sources.read_pieces import Reading, read_pieces
from ml_platform.sources.rows import Rows
from ml_platform.sources.sql import look_at_sql, read_sql
from ml_platform.sources.url import url_pieces

if TYPE_CHECKING:
    import pandas as pd

    from ml_platform.core.ports import Memory
    from ml_platform.policy.spec import ModelSpec
    from ml_platform.sources.piece import Piece

SECONDS_PER_DAY = 86_400
LONG_AGO = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)  # nothing is kept of a reading that is never told the time


def fingerprint(
    spec: ModelSpec, *, now: dt.datetime, memory: Memory | None = None, watching: bool = False
) -> Measured[SourceFingerprint]:
    """Return the digest of every table, with size, age and how it will be read; of its rows nothing is parsed.

    A file's digest is the SHA-256 of its bytes, a folder's that of its files' names and digests. The age counts from
    the newest change of a file, as the file system tells it. With a memory, files of incremental tables whose
    size, times and ETag are as remembered keep their digest without being read; while only watching, all files do.
    Raises Unavailable or DataInvalid.
    """
    known = recall_known(memory, spec) if memory else {}
    tables = {
        name: _look(spec, name, known.get(name, {}) if watching or is_incremental(table) else {}, now=now)
        for name, table in spec.source.tables.items()
    }
    found = {name: looked.known for name, looked in tables.items() if looked.known}
    if memory and found != known:
        remember_known(memory, spec, found)
    digests = {name: looked.digest for name, looked in tables.items()}
    changed = [looked.modified_at for looked in tables.values() if looked.modified_at is not None]
    record = SourceFingerprint(
        model=spec.model,
        digest=digest_of(digests),
        tables=digests,
        size_bytes=sum(looked.size_bytes for looked in tables.values()),
        modified_at=max(changed, default=None),
        facts={name: looked.facts for name, looked in tables.items()},
    )
    return Measured(record=record, measurements=_measurements(record, now))


def read_tables(spec: ModelSpec) -> dict[str, pd.DataFrame]:
    """Read every table of the source, whole; text columns are categorical, as is what the contract needs as text."""
    return {name: read_rows(spec, name, NOTHING, now=LONG_AGO).table.to_pandas() for name in spec.source.tables}


def require_same(spec: ModelSpec, source: SourceFingerprint, *, now: dt.datetime, memory: Memory | None = None) -> None:
    """Raise DataInvalid, naming the tables, when the source is no longer the one with this fingerprint."""
    found = fingerprint(spec, now=now, memory=memory).record
    if found.digest != source.digest:
        raise DataInvalid(changed_while_read(spec, _changed(found.tables, source.tables)))


def changed_while_read(spec: ModelSpec, tables: list[str]) -> str:
    """Say which tables are others than when the source was looked at."""
    return (
        f"{spec.model}: the source is no longer the one that was looked at: {', '.join(tables)} changed meanwhile; a "
        "snapshot needs a source that stays the same while it is read; materialise `source` again, then `snapshot`"
    )


def _changed(seen: Mapping[str, str], before: Mapping[str, str]) -> list[str]:
    return [name for name in {**before, **seen} if seen.get(name) != before.get(name)]


def _look(spec: ModelSpec, name: str, known: Mapping[str, Known], *, now: dt.datetime) -> Looked:
    table, where = spec.source.tables[name], _where(spec, name)
    match table:
        case SqlTable():
            return look_at_sql(where, table)
        case PackageTable() | FileTable() | UrlTable():
            return look_at(_pieces(where, table), table.csv, known, now=now)
        case _:
            assert_never(table)


def is_incremental(table: Table) -> bool:
    """Say whether rows of a table are kept between runs."""
    return not isinstance(table, PackageTable) and table.incremental is not None


def read_rows(spec: ModelSpec, name: str, kept: Before, *, now: dt.datetime) -> Rows:
    """Return the rows of one table, together with what was kept of it; raises Unavailable or DataInvalid."""
    table, where = spec.source.tables[name], _where(spec, name)
    text = [column for column, said in spec.contract.items() if said.is_text]
    match table:
        case SqlTable():
            return read_sql(where, table, kept)
        case PackageTable() | FileTable() | UrlTable():
            return read_pieces(_pieces(where, table), Reading(table.csv, table.columns, text), kept, now=now)
        case _:
            assert_never(table)


def _pieces(where: str, table: PackageTable | FileTable | UrlTable) -> tuple[Piece, ...]:
    return url_pieces(where, table) if isinstance(table, UrlTable) else file_pieces(where, table)


def _measurements(record: SourceFingerprint, now: dt.datetime) -> tuple[Measurement, ...]:
    count = len(record.tables)
    age = (now - record.modified_at).total_seconds() / SECONDS_PER_DAY if record.modified_at else None
    untold = "" if record.modified_at else "the source tells no time of its newest change"
    return (
        Measurement(metric="source_age_days", value=age, n=count, unit="days", reason=untold),
        Measurement(metric="source_size_bytes", value=record.size_bytes, n=count, unit="bytes"),
        Measurement(metric="source_tables", value=count, n=count),
    )


def _where(spec: ModelSpec, table: str) -> str:
    return f"{spec.model}: source.tables.{table}"
