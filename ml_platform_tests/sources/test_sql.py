from __future__ import annotations

import datetime as dt
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa

from ml_platform.core.errors import DataInvalid, PlatformError, Unavailable
from ml_platform.policy.spec import SqlTable
from ml_platform.sources import sql_rows
from ml_platform.sources.read import fingerprint
from ml_platform.sources.read_source import read_source
from ml_platform.sources.sql import look_at_sql, read_sql
from ml_platform.sources.sql_connection import READ_ONLY, reading
from ml_platform_tests.stages.toy import toy_spec

if TYPE_CHECKING:
    from pathlib import Path

NOW = dt.datetime(2030, 1, 31, tzinfo=dt.UTC)
SECRET = "anna.secret@example.org"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "a shop#%.db"
    run(
        path,
        "CREATE TABLE orders (id INTEGER, amount REAL, site TEXT, at TEXT)",
        "INSERT INTO orders VALUES (1, 2.5, '007', '2030-01-01 10:00:00'), (2, NULL, NULL, '2030-01-11 00:00:00'), "
        "(3, 4, 'x', '2030-01-03 00:00:00')",
    )
    return path


def run(path: Path, *statements: str) -> None:
    with closing(sqlite3.connect(path)) as database, database:
        for statement in statements:
            database.execute(statement)


def of(path: Path, **said: Any) -> SqlTable:
    return SqlTable.model_validate({"kind": "sql", "url": f"sqlite:///{path}", **said})


def rows(table: SqlTable) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = read_sql("m: source.tables.t", table).table.to_pydict()
    return found


def test_a_table_and_a_query_give_the_same_rows(path: Path) -> None:
    expected = {
        "id": [1, 2, 3],
        "amount": [2.5, None, 4.0],
        "site": ["007", None, "x"],
        "at": ["2030-01-01 10:00:00", "2030-01-11 00:00:00", "2030-01-03 00:00:00"],
    }
    assert rows(of(path, table="orders")) == expected
    assert rows(of(path, table="main.orders")) == expected
    assert rows(of(path, query="SELECT * FROM orders;")) == expected


def test_columns_are_chosen_by_the_database(path: Path) -> None:
    for said in ({"table": "orders"}, {"query": "SELECT * FROM orders"}):
        assert rows(of(path, **said, columns=("site", "id"))) == {"site": ["007", None, "x"], "id": [1, 2, 3]}
        with pytest.raises(Unavailable, match="OperationalError"):  # SQLite takes an unknown name in quotes for a text
            rows(of(path, **said, columns=("No such",)))


def test_values_are_bound_and_never_become_a_part_of_the_query(path: Path) -> None:
    said = {"query": "SELECT id FROM orders WHERE site = :site OR id > :low"}
    assert rows(of(path, **said, parameters={"site": "007", "low": 2})) == {"id": [1, 3]}
    with pytest.raises(DataInvalid, match="the query gives no rows"):
        rows(of(path, **said, parameters={"site": "x'; DROP TABLE orders; SELECT '", "low": 9}))
    assert rows(of(path, query="SELECT count(*) AS n FROM orders")) == {"n": [3]}


def test_the_database_itself_refuses_to_be_written(path: Path) -> None:
    with pytest.raises(Unavailable, match="OperationalError"), reading("t", of(path, table="orders")) as connection:
        connection.exec_driver_sql("DELETE FROM orders")
    with pytest.raises(DataInvalid, match="begins with 'DELETE'"):
        rows(of(path, query="DELETE FROM orders RETURNING *"))
    assert rows(of(path, query="SELECT count(*) AS n FROM orders")) == {"n": [3]}
    assert not list(path.parent.glob("*.db-*"))


@pytest.mark.parametrize("kind", ["sqlite", "postgresql", "mysql", "mariadb", "oracle"])
def test_every_known_database_is_told_to_read_only(kind: str) -> None:
    assert any("READ ONLY" in statement or "query_only" in statement for statement in READ_ONLY[kind])


def test_batches_make_one_table(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = rows(of(path, table="orders"))
    monkeypatch.setattr(sql_rows, "BATCH_ROWS", 1)
    assert rows(of(path, table="orders")) == expected
    run(path, "INSERT INTO orders VALUES ('four', 1, 'y', NULL)")
    assert rows(of(path, table="orders", columns=("id",))) == {"id": ["1", "2", "3", "four"]}


def test_the_source_is_read_like_any_other(path: Path) -> None:
    table = {"kind": "sql", "url": f"sqlite:///{path}", "table": "orders"}
    spec = toy_spec(source={"tables": {"rows": table}, "licence": "CC0-1.0", "description": "Invented."})
    found = fingerprint(spec, now=NOW)
    assert found.record.facts["rows"]["format"] == "SQL (sqlite)"
    assert read_source(spec, found.record, past=None, now=NOW).frames["rows"]["site"].dtype == "category"
    assert next(each.reason for each in found.measurements) == "the source tells no time of its newest change"
    assert found.record.size_bytes > 50
    run(path, "UPDATE orders SET amount = 3 WHERE id = 3")
    with pytest.raises(DataInvalid, match=r"no longer the one that was looked at: rows changed meanwhile"):
        read_source(spec, found.record, past=None, now=NOW)


def test_the_digest_of_all_rows_does_not_depend_on_their_order(path: Path) -> None:
    digests = {
        look_at_sql("t", of(path, query=query)).digest
        for query in (
            "SELECT * FROM orders",
            "SELECT * FROM orders ORDER BY id DESC",
            "SELECT * FROM orders ORDER BY at",
        )
    }
    assert digests == {read_sql("t", of(path, table="orders")).digest}
    run(path, "INSERT INTO orders SELECT * FROM orders")
    assert look_at_sql("t", of(path, table="orders")).digest not in digests


def test_a_fingerprint_query_is_quick_and_tells_the_age(path: Path) -> None:
    table = of(path, table="orders", fingerprint="SELECT max(at), count(*) FROM orders")
    before = look_at_sql("t", table)
    assert before.modified_at == dt.datetime(2030, 1, 11, tzinfo=dt.UTC)
    assert before.digest == read_sql("t", table).digest
    assert before.size_bytes > 0
    run(path, "INSERT INTO orders VALUES (4, 1, 'y', '2030-01-02 00:00:00')")
    assert look_at_sql("t", table).digest != before.digest
    run(path, "DELETE FROM orders")
    assert look_at_sql("t", table).size_bytes == 0


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"table": "orders", "fingerprint": "SELECT id FROM orders"}, "the fingerprint query gives more than one row"),
        ({"table": "orders", "fingerprint": "SELECT id FROM orders WHERE 0"}, "the fingerprint query gives no row"),
        ({"query": "SELECT id, amount AS id FROM orders"}, r"columns \['id'\] come more than once"),
        ({"query": "SELECT x'00ff' AS raw FROM orders"}, "column raw holds bytes or nested values"),
        ({"query": "SELECT id FROM orders WHERE 0"}, "the query gives no rows"),
        ({"table": "none"}, r"the database can't be read \(OperationalError\)"),
        ({"query": "SELECT :who FROM none", "parameters": {"who": SECRET}}, r"can't be read \(OperationalError\)"),
        ({"query": "SELECT CAST(x'ff' AS TEXT) AS broken"}, r"can't be read \(OperationalError\)"),
        ({"url": "sqlite:////no/such.db", "table": "t"}, "nothing is at /no/such.db"),
        ({"url": "sqlite://", "table": "t"}, "must be sqlite:/// and a file's path"),
        ({"url": "sqlite:///a.db?mode=rwc", "table": "t"}, "must be sqlite:/// and a file's path"),
        ({"url": f"nonsense {SECRET}", "table": "t"}, "the database's URL can't be read"),
        ({"url": "foo://db/x", "table": "t"}, "isn't among the places that sources may be fetched from"),
        ({"url": "postgresql://db/x", "table": "t"}, "postgresql://db/x isn't among the places"),
        ({"url": None, "setting": "shop", "table": "t"}, "the setting ML_PLATFORM_SOURCE_SHOP isn't there"),
    ],
)
def test_what_can_not_be_read_is_explained_without_its_values(path: Path, said: dict[str, Any], words: str) -> None:
    for work in (read_sql, look_at_sql) if "fingerprint" in said else (read_sql,):
        with pytest.raises(PlatformError, match=words) as caught:
            work("m: source.tables.t", of(path, **said))
        assert str(caught.value).startswith("m: source.tables.t: ")
        assert "secret" not in str(caught.value)
        assert caught.value.__cause__ is None


def test_a_setting_holds_the_url_and_its_password_is_never_said(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table = SqlTable(kind="sql", setting="shop", table="orders")
    monkeypatch.setenv("ML_PLATFORM_SOURCE_SHOP", f"sqlite:///{path}")
    assert rows(table)["id"] == [1, 2, 3]
    for url in (
        "foo://reader:hunter2@db/x",
        "postgresql+none://reader:hunter2@db/x",
        "://hunter2",
        "oracle+cx_oracle://r:hunter2@db/x",
    ):
        monkeypatch.setenv("ML_PLATFORM_SOURCE_SHOP", url)
        with pytest.raises(PlatformError) as caught:
            rows(table)
        assert "hunter2" not in str(caught.value)


def test_an_allowed_database_may_be_named_in_the_model_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ML_PLATFORM_ALLOWED_URLS", "oracle+cx_oracle://db/, oracle://db:1521/shop")
    table = SqlTable(kind="sql", url="oracle+cx_oracle://reader@db:1521/shop", table="t")
    with pytest.raises(Unavailable, match="the driver cx_Oracle of this database isn't installed"):
        read_sql("t", table)


def test_rows_are_those_of_one_moment_though_another_writes_meanwhile(path: Path) -> None:
    run(path, "PRAGMA journal_mode = WAL")
    table = of(path, query="SELECT count(*) AS n FROM orders")
    with reading("t", table) as connection:
        before = connection.execute(sa.text("SELECT count(*) FROM orders")).scalar()
        run(path, "INSERT INTO orders VALUES (4, 1, 'y', NULL)")
        assert connection.execute(sa.text("SELECT count(*) FROM orders")).scalar() == before
    assert rows(table) == {"n": [4]}
