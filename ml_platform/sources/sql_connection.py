"""SQL connection: a database opened for reading only, in one transaction that is rolled back."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from ml_platform.core.errors import DataInvalid, Unavailable
from ml_platform.settings import source_url, variable_of
from ml_platform.sources.allow import require_allowed

if TYPE_CHECKING:
    import sqlalchemy as sa

    from ml_platform.policy.spec import SqlTable

TIMEOUT_SECONDS = 30
# What makes the database itself refuse to write and keeps one state for all reads of the transaction.
READ_ONLY: Mapping[str, tuple[str, ...]] = {
    "sqlite": ("PRAGMA query_only = ON", "BEGIN"),
    "postgresql": (
        "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY",
        "SET LOCAL idle_in_transaction_session_timeout = '10min'",
    ),
    "mysql": ("START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY",),
    "mariadb": ("START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY",),
    "oracle": ("SET TRANSACTION READ ONLY",),
}


@contextlib.contextmanager
def reading(where: str, table: SqlTable) -> Iterator[sa.Connection]:
    """Open the table's database for reading; every error becomes words that hold no value and no password."""
    import sqlalchemy as sa

    try:
        url = _url(where, table)
        engine = sa.create_engine(url, poolclass=sa.NullPool, connect_args=_arguments(url))
        with engine.connect() as connection:
            for statement in READ_ONLY.get(connection.dialect.name, ()):
                connection.exec_driver_sql(statement)
            yield connection
            connection.rollback()
    except ImportError as error:
        message = f"{where}: the driver {error.name} of this database isn't installed; it is needed; install it"
        raise Unavailable(message) from None
    except sa.exc.NoSuchModuleError:
        message = f"{where}: SQLAlchemy knows no such database; its URL must begin like postgresql://; correct the URL"
        raise DataInvalid(message) from None
    except sa.exc.SQLAlchemyError as error:
        raise _refused(where, error) from None


def _refused(where: str, error: sa.exc.SQLAlchemyError) -> Unavailable:
    """Say that the database refused, by the error's kind alone: its own text may repeat values."""
    kind = type(getattr(error, "orig", None) or error).__name__
    return Unavailable(
        f"{where}: the database can't be read ({kind}); a server that answers and a query that it runs for a "
        "reader are needed; run the query by hand, and look at the URL, the table's name and the reader's rights"
    )


def _url(where: str, table: SqlTable) -> sa.URL:
    import sqlalchemy as sa

    text = table.url if table.setting is None else source_url(table.setting)
    if text is None:
        name = variable_of(table.setting or "")
        raise Unavailable(f"{where}: the setting {name} isn't there; it holds the database's URL; set it and try again")
    try:
        url = sa.make_url(text)
    except (sa.exc.ArgumentError, ValueError):
        message = (
            f"{where}: the database's URL can't be read; one like postgresql://reader@host/name is needed; correct it"
        )
        raise DataInvalid(message) from None
    if url.get_backend_name() == "sqlite":
        return _sqlite(where, url)
    if table.setting is None:
        require_allowed(where, f"{url.get_backend_name()}://{_host(url)}/{url.database or ''}")
    return url


def _host(url: sa.URL) -> str:
    return (url.host or "") + (f":{url.port}" if url.port else "")


def _sqlite(where: str, url: sa.URL) -> sa.URL:
    """Return the URL of a SQLite file that can't be written, made or left for another file."""
    import sqlalchemy as sa

    if not url.database or url.database.startswith((":", "file:")) or url.query:
        message = f"{where}: the SQLite URL must be sqlite:/// and a file's path, without options; correct it"
        raise DataInvalid(message)
    path = Path(url.database).absolute()
    if not path.is_file():
        raise Unavailable(f"{where}: nothing is at {path}; a SQLite file is needed; put it there or correct the URL")
    return sa.URL.create("sqlite", database=f"file:{quote(str(path))}", query={"mode": "ro", "uri": "true"})


def _arguments(url: sa.URL) -> dict[str, object]:
    match url.get_backend_name():
        case "sqlite":
            return {"timeout": TIMEOUT_SECONDS}
        case "postgresql" | "mysql" | "mariadb":
            return {"connect_timeout": TIMEOUT_SECONDS}
        case _:
            return {}
