"""SQL: how a table of a database looks, and its rows; both in one read-only transaction."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ml_platform.core.digest import digest_of
from ml_platform.core.errors import DataInvalid
from ml_platform.policy.select_only import names_in, objection
from ml_platform.sources.look import Looked
from ml_platform.sources.read_pieces import Rows
from ml_platform.sources.sql_connection import READ_ONLY, reading
from ml_platform.sources.sql_rows import Batch, Tally, as_table, batches

if TYPE_CHECKING:
    import sqlalchemy as sa

    from ml_platform.core.measurement import Fact
    from ml_platform.policy.spec import SqlTable


def look_at_sql(where: str, table: SqlTable) -> Looked:
    """Return how a table of a database looks: what its fingerprint query says, or else the digest of all rows."""
    with reading(where, table) as connection:
        facts = _facts(connection)
        if table.fingerprint is not None:
            values = _fingerprint(where, table, connection)
            first = _select(where, table, connection).fetchone()
            return Looked(
                digest=digest_of(_said(values)),
                size_bytes=len(repr(tuple(first))) if first is not None else 0,
                modified_at=_newest(values),
                facts=facts | {"fingerprint": "by its query", "size": "at least (one row)"},
            )
        tally = Tally()
        for rows in batches(_select(where, table, connection)):
            tally.add(rows)
        return Looked(
            digest=tally.digest,
            size_bytes=tally.size_bytes,
            modified_at=None,
            facts=facts | {"fingerprint": "all rows, in any order", "rows": tally.rows},
        )


def read_sql(where: str, table: SqlTable) -> Rows:
    """Return a table's rows and its digest, of one state of the database; DataInvalid when there is none."""
    tally = Tally()
    with reading(where, table) as connection:
        digest = digest_of(_said(_fingerprint(where, table, connection))) if table.fingerprint is not None else None
        result = _select(where, table, connection)
        found = as_table(where, list(result.keys()), _counted(batches(result), tally))
    if found.num_rows == 0:
        raise DataInvalid(
            f"{where}: the query gives no rows; at least one is needed; correct the query or wait for rows"
        )
    return Rows(found, digest or tally.digest)


def _counted(found: Iterator[Batch], tally: Tally) -> Iterator[Batch]:
    for rows in found:
        tally.add(rows)
        yield rows


def _select(where: str, table: SqlTable, connection: sa.Connection) -> sa.CursorResult[Any]:
    import sqlalchemy as sa

    streamed = connection.execution_options(stream_results=True)
    columns: list[sa.ColumnClause[Any]] = [sa.column(name) for name in table.columns or ()]
    if table.query is not None:
        query = _text(where, table.query, table.parameters)
        inner = query.columns(*columns).subquery("q") if columns else None
        return streamed.execute(query if inner is None else sa.select(*inner.c))
    schema, _, name = (table.table or "").rpartition(".")
    from_ = sa.table(name, *columns, schema=schema or None)
    return streamed.execute(sa.select(*(from_.c or [sa.text("*")])).select_from(from_))


def _fingerprint(where: str, table: SqlTable, connection: sa.Connection) -> Sequence[Any]:
    rows = connection.execute(_text(where, table.fingerprint or "", table.parameters)).fetchmany(2)
    if len(rows) != 1:
        seen = "more than one row" if rows else "no row"
        message = (
            f"{where}: the fingerprint query gives {seen}; exactly one is needed; select aggregates such as count(*)"
        )
        raise DataInvalid(message)
    return tuple(rows[0])


def _text(where: str, query: str, parameters: Mapping[str, Any]) -> sa.TextClause:
    """Return a query with its values bound, never written into it; refused again here if it isn't one SELECT."""
    import sqlalchemy as sa

    reason = objection(query)
    if reason is not None:
        raise DataInvalid(f"{where}: the query {reason}; one SELECT that only reads is needed; correct it")
    asked = {name: value for name, value in parameters.items() if name in names_in(query)}
    return sa.text(query.strip().removesuffix(";")).bindparams(**asked)


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
