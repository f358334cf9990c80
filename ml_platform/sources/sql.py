"""SQL: how a table of a database looks, and its rows; each in one read-only transaction."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from ml_platform.core.digest import digest_of
from ml_platform.core.errors import DataInvalid
from ml_platform.sources.kept import NOTHING, Before
from ml_platform.sources.look import Looked
from ml_platform.sources.rows import Rows
from ml_platform.sources.sql_connection import READ_ONLY, reading
from ml_platform.sources.sql_incremental import read_new
from ml_platform.sources.sql_rows import Batch, Tally, as_table, batches
from ml_platform.sources.sql_select import bound, extent, selected

if TYPE_CHECKING:
    import sqlalchemy as sa

    from ml_platform.core.measurement import Fact
    from ml_platform.policy.spec import SqlTable


def look_at_sql(where: str, table: SqlTable) -> Looked:
    """Return how a table of a database looks: what its fingerprint query says, or else the digest of all rows.

    The fingerprint of an incremental table is the highest watermark and the number of rows, unless a query is stated.
    """
    with reading(where, table) as connection:
        facts = _facts(connection)
        values = _fingerprint(where, table, connection)
        if values is not None:
            first = selected(where, table, connection).fetchone()
            return Looked(
                digest=digest_of(_said(values)),
                size_bytes=len(repr(tuple(first))) if first is not None else 0,
                modified_at=_newest(values),
                facts=facts | {"fingerprint": "by a query", "size": "at least (one row)"},
            )
        tally = Tally()
        for rows in batches(selected(where, table, connection)):
            tally.add(rows)
        return Looked(
            digest=tally.digest,
            size_bytes=tally.size_bytes,
            modified_at=None,
            facts=facts | {"fingerprint": "all rows, in any order", "rows": tally.rows},
        )


def read_sql(where: str, table: SqlTable, kept: Before = NOTHING) -> Rows:
    """Return a table's rows and its digest, of one state of the database; DataInvalid when there is none."""
    with reading(where, table) as connection:
        values = _fingerprint(where, table, connection)
        if table.incremental is not None:
            found = read_new(where, table, connection, kept, digest=digest_of(_said(values or ())))
        else:
            found = _read_all(where, table, connection, values)
    if found.table.num_rows == 0:
        message = f"{where}: the query gives no rows; at least one is needed; correct the query or wait for rows"
        raise DataInvalid(message)
    return found


def _read_all(where: str, table: SqlTable, connection: sa.Connection, values: Sequence[Any] | None) -> Rows:
    result = selected(where, table, connection)
    names = list(result.keys())
    if values is not None:
        return Rows(table=as_table(where, names, batches(result)), digest=digest_of(_said(values)))
    tally = Tally()
    found = as_table(where, names, _counted(batches(result), tally))
    return Rows(table=found, digest=tally.digest)


def _counted(found: Iterator[Batch], tally: Tally) -> Iterator[Batch]:
    for rows in found:
        tally.add(rows)
        yield rows


def _fingerprint(where: str, table: SqlTable, connection: sa.Connection) -> Sequence[Any] | None:
    """Return the one row of the stated fingerprint query, or of the watermark; None when there is neither."""
    if table.fingerprint is None:
        return extent(where, table, connection) if table.incremental is not None else None
    rows = connection.execute(bound(where, table.fingerprint, table.parameters)).fetchmany(2)
    if len(rows) != 1:
        seen = "more than one row" if rows else "no row"
        message = (
            f"{where}: the fingerprint query gives {seen}; exactly one is needed; select aggregates such as count(*)"
        )
        raise DataInvalid(message)
    return tuple(rows[0])


def _said(values: Sequence[Any]) -> list[str]:
    return [repr(value) for value in values]


def _newest(values: Sequence[Any]) -> dt.datetime | None:
    """Return the newest time among a fingerprint's values, as the time of the source's newest change."""
    times = [found for value in values if (found := _time(value)) is not None]
    return max(times, default=None)


def _time(value: object) -> dt.datetime | None:
    if isinstance(value, str) and len(value) >= 10:
        try:
            value = dt.datetime.fromisoformat(value)
        except ValueError:
            return None
    if not isinstance(value, dt.date):
        return None
    moment = value if isinstance(value, dt.datetime) else dt.datetime(value.year, value.month, value.day, tzinfo=dt.UTC)
    return moment.replace(tzinfo=dt.UTC) if moment.tzinfo is None else moment


def _facts(connection: sa.Connection) -> dict[str, Fact]:
    kind = connection.dialect.name
    only = "by the database" if kind in READ_ONLY else "by its one SELECT; give the reader no right to write"
    return {"format": f"SQL ({kind})", "read only": only}
