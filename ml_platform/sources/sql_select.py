"""SQL select: the statements that a table of a database stands for; values are bound, names quoted by SQLAlchemy."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ml_platform.core.errors import DataInvalid
from ml_platform.policy.select_only import names_in, objection

if TYPE_CHECKING:
    import sqlalchemy as sa

    from ml_platform.policy.spec import SqlTable
    from ml_platform.sources.watermark import Value


def selected(where: str, table: SqlTable, connection: sa.Connection) -> sa.CursorResult[Any]:
    """Run the table's own query, streamed."""
    if table.query is not None and not table.columns:
        statement: sa.Executable = bound(where, table.query, table.parameters)
    else:
        statement = _all_of(table, _from(where, table))
    return connection.execution_options(stream_results=True).execute(statement)


def above(
    where: str, table: SqlTable, connection: sa.Connection, *, low: Value | None, high: Value
) -> sa.CursorResult[Any]:
    """Run the query for the rows with low < watermark <= high, in the watermark's order; no low, no lower end."""
    from_, mark = _marked(where, table)
    statement = _all_of(table, from_).where(mark <= high).order_by(mark)
    statement = statement if low is None else statement.where(mark > low)
    return connection.execution_options(stream_results=True).execute(statement)


def without_mark(where: str, table: SqlTable, connection: sa.Connection) -> sa.CursorResult[Any]:
    """Run the query for the rows that have no watermark."""
    from_, mark = _marked(where, table)
    return connection.execute(_all_of(table, from_).where(mark.is_(None)))


def extent(
    where: str, table: SqlTable, connection: sa.Connection, *, up_to: Value | None = None
) -> tuple[Value | None, int, int]:
    """Return the highest watermark, the number of rows with one (not above `up_to`), and of all rows."""
    import sqlalchemy as sa

    from_, mark = _marked(where, table)
    statement = sa.select(sa.func.max(mark), sa.func.count(mark), sa.func.count()).select_from(from_)
    row = connection.execute(statement if up_to is None else statement.where(mark <= up_to)).one()
    return row[0], int(row[1]), int(row[2])


def bound(where: str, query: str, parameters: Mapping[str, Any]) -> sa.TextClause:
    """Return a query with its values bound, never written into it; refused again here if it isn't one SELECT."""
    import sqlalchemy as sa

    reason = objection(query)
    if reason is not None:
        raise DataInvalid(f"{where}: the query {reason}; one SELECT that only reads is needed; correct it")
    asked = {name: value for name, value in parameters.items() if name in names_in(query)}
    return sa.text(query.strip().removesuffix(";")).bindparams(**asked)


def _from(where: str, table: SqlTable, *more: str) -> sa.FromClause:
    import sqlalchemy as sa

    columns: list[sa.ColumnClause[Any]] = [sa.column(name) for name in dict.fromkeys((*(table.columns or ()), *more))]
    if table.query is not None:
        return bound(where, table.query, table.parameters).columns(*columns).subquery("q")
    schema, _, name = (table.table or "").rpartition(".")
    return sa.table(name, *columns, schema=schema or None)


def _marked(where: str, table: SqlTable) -> tuple[sa.FromClause, sa.ColumnElement[Any]]:
    name = table.incremental.column if table.incremental else ""
    from_ = _from(where, table, name)
    return from_, from_.c[name]


def _all_of(table: SqlTable, from_: sa.FromClause) -> sa.Select[Any]:
    import sqlalchemy as sa

    wanted: list[Any] = [from_.c[name] for name in table.columns or ()] or [sa.text("*")]
    return sa.select(*wanted).select_from(from_)
