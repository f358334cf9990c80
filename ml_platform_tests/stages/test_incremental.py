"""A re-run reads only what is new, and gives what reading everything gives; late rows are counted and not lost."""

from __future__ import annotations

import datetime as dt
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ml_platform.adapters.memory import FileMemory
from ml_platform.core.records import SnapshotRecord
from ml_platform.policy.spec import SqlTable
from ml_platform.sources import files, kept
from ml_platform.sources.chunk import KeptRows
from ml_platform.sources.kept import NOTHING, Before, Past
from ml_platform.sources.read import fingerprint
from ml_platform.sources.read_source import keep_read, measure_read, read_source
from ml_platform.sources.rows import Rows
from ml_platform.sources.sql import look_at_sql, read_sql
from ml_platform.stages.snapshot import take_snapshot
from ml_platform_tests.stages.parcels import CONTRACT, Parcels, parcel_rows

if TYPE_CHECKING:
    import pandas as pd

LATER = dt.datetime.now(tz=dt.UTC) + dt.timedelta(hours=1)


class World:
    """A table in files or a database whose rows are read incrementally, and the platform's stores."""

    def __init__(self, folder: Path, table: dict[str, Any], **changes: Any) -> None:
        (folder / "unused").mkdir(exist_ok=True)
        said = {
            "tables": {"rows": table}, "as_of": "2024-05-30T00:00:00Z", "licence": "CC0-1.0", "description": "-",
        }  # fmt: skip
        self.parcels = Parcels(folder / "unused", source=said, **changes)
        self.memory = FileMemory(folder / "home")

    def take(self) -> tuple[SnapshotRecord, dict[str, float | None]]:
        """Take a snapshot with what was kept before; return what was measured of the table."""
        spec, store, memory = self.parcels.spec, self.parcels.store, self.memory
        source = fingerprint(spec, now=LATER, memory=memory).record
        taken = take_snapshot(
            spec, store=store, source=source, as_of=None, reference=None, now=LATER, memory=memory
        ).snapshot
        return taken.record, {each.metric: each.value for each in taken.measurements if each.subject == "rows"}

    def compare(self) -> tuple[float | None, float | None]:
        """Read what is new and then everything, which must give the same; return the rows read and come late."""
        spec, past = self.parcels.spec, Past(self.parcels.store, self.memory)
        source = fingerprint(spec, now=LATER, memory=self.memory).record
        found = read_source(spec, source, past=past, now=LATER)
        keep_read(spec, found, past=past, without=[])
        whole = read_source(spec, source, past=None, now=LATER).frames["rows"]
        assert found.frames["rows"].astype(str).equals(whole.astype(str))
        late, read = measure_read(found)
        return read.value, late.value

    @property
    def chunks(self) -> list[Path]:
        return list((self.parcels.store.home / "chunks").glob("*/rows.parquet"))


def put(folder: Path, month: int, rows: pd.DataFrame) -> None:
    path = folder / f"month={month:02}" / "rows.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    rows.to_csv(path, index=False)


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The partitions whose bytes are read."""
    names: list[str] = []
    real = files._bytes

    def counted(where: str, path: Path) -> bytes:
        names.append(path.parent.name)
        return real(where, path)

    monkeypatch.setattr(files, "_bytes", counted)
    return names


def monthly(folder: Path, **changes: Any) -> World:
    rows = parcel_rows()
    for month in range(3):
        put(folder / "rows", month + 1, rows.iloc[month * 200 : month * 200 + 150])
    table = {"kind": "file", "path": str(folder / "rows"), "incremental": {"by": "partition"}}
    return World(folder, table, **changes)


def test_of_a_folder_only_new_and_changed_partitions_are_read(tmp_path: Path, read: list[str]) -> None:
    world, rows = monthly(tmp_path), parcel_rows()
    assert world.take()[1] == {"source_rows_read": 450, "source_late_rows": 0}
    read.clear()
    assert world.take()[1]["source_rows_read"] == 0
    assert read == []
    put(tmp_path / "rows", 4, rows.iloc[550:600])
    assert world.take()[1] == {"source_rows_read": 50, "source_late_rows": 0}
    assert set(read) == {"month=04"}
    put(tmp_path / "rows", 2, rows.iloc[200:380])
    assert world.compare() == (180, 30)
    put(tmp_path / "rows", 0, rows.iloc[380:385])
    assert world.compare() == (5, 5)


def test_rows_that_are_gone_are_gone_and_counted(tmp_path: Path) -> None:
    world = monthly(tmp_path)
    world.compare()
    (tmp_path / "rows" / "month=02" / "rows.csv").unlink()
    past, spec = Past(world.parcels.store, world.memory), world.parcels.spec
    found = read_source(spec, fingerprint(spec, now=LATER).record, past=past, now=LATER)
    late, _ = measure_read(found)
    assert (late.value, late.facts["rows gone"], len(found.frames["rows"])) == (0, 150, 300)


@pytest.mark.parametrize("how", ["gone", "altered"])
def test_a_chunk_that_is_gone_or_altered_is_read_again(tmp_path: Path, how: str) -> None:
    world = monthly(tmp_path)
    assert world.compare() == (450, 0)
    for path in world.chunks[:2]:
        path.unlink() if how == "gone" else path.write_bytes(path.read_bytes()[:-1] + b"?")
    assert world.compare() == (300, 0)


def test_a_column_that_becomes_text_in_a_new_partition_is_text_in_all(tmp_path: Path) -> None:
    world, rows = monthly(tmp_path), parcel_rows()
    world.compare()
    put(tmp_path / "rows", 4, rows.iloc[550:600].assign(number="x"))
    assert world.compare()[0] == 500
    put(tmp_path / "rows", 5, rows.iloc[500:510])
    assert world.compare()[0] == 10


def test_another_declaration_reads_everything_again(tmp_path: Path) -> None:
    world = monthly(tmp_path)
    world.compare()
    text = CONTRACT | {"delay": CONTRACT["delay"] | {"type": "category"}}
    assert monthly(tmp_path, contract=text).compare() == (450, 0)


def test_rows_that_look_like_undeclared_personal_data_are_not_kept(tmp_path: Path) -> None:
    world = monthly(tmp_path)
    rows = parcel_rows().assign(contact="anna.secret@example.org")
    for month in range(3):
        put(tmp_path / "rows", month + 1, rows.iloc[month * 200 : month * 200 + 150])
    for _ in range(2):
        assert world.take()[1]["source_rows_read"] == 450
    assert world.chunks == []
    stored = [path for home in (tmp_path / "home", world.parcels.store.home) for path in home.rglob("*.*")]
    assert stored
    assert not any(b"anna.secret" in path.read_bytes() for path in stored if path.is_file())


# ------------------------------------------------------------------------------------------------- databases


def insert(path: Path, rows: pd.DataFrame) -> None:
    with closing(sqlite3.connect(path)) as connection:
        rows.to_sql("parcels", connection, if_exists="append", index=False)


def change(path: Path, statement: str) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(statement)


def growing(folder: Path) -> tuple[World, Path]:
    path = folder / "rows.db"
    insert(path, parcel_rows().iloc[:400])
    table = {
        "kind": "sql", "url": f"sqlite:///{path}", "query": "SELECT * FROM parcels",
        "incremental": {"by": "watermark", "column": "sent"},
    }  # fmt: skip
    return World(folder, table), path


def test_of_a_database_only_rows_above_the_watermark_are_read(tmp_path: Path) -> None:
    world, path = growing(tmp_path)
    assert world.compare() == (400, 0)
    assert world.compare() == (0, 0)
    insert(path, parcel_rows().iloc[420:600])
    assert world.compare() == (180, 0)
    assert len(world.chunks) == 2


def test_rows_below_the_watermark_are_counted_and_read(tmp_path: Path) -> None:
    world, path = growing(tmp_path)
    world.compare()
    insert(path, parcel_rows(430, seed=9).iloc[390:401].assign(number=range(900, 911)))
    read, late = world.compare()
    assert (read, late) == (411, 10)
    assert world.compare() == (0, 0)


def test_rows_that_were_deleted_are_gone(tmp_path: Path) -> None:
    world, path = growing(tmp_path)
    world.compare()
    change(path, "DELETE FROM parcels WHERE number < 7")
    assert world.compare() == (393, 0)


def test_rows_without_a_watermark_are_read_each_time_and_not_lost(tmp_path: Path) -> None:
    world, path = growing(tmp_path)
    change(path, "UPDATE parcels SET sent = NULL WHERE number IN (5, 6)")
    assert world.compare() == (400, 0)
    assert world.compare() == (2, 0)


def test_many_chunks_become_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ml_platform.sources.sql_incremental.MOST_CHUNKS", 2)
    world, path = growing(tmp_path)
    rows = parcel_rows()
    world.compare()
    insert(path, rows.iloc[400:410])
    assert world.compare() == (10, 0)
    insert(path, rows.iloc[410:420])
    assert world.compare() == (420, 0)
    assert world.compare() == (0, 0)


@settings(deadline=None, max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.lists(st.tuples(st.one_of(st.none(), st.integers(0, 6)), st.integers(0, 3)), max_size=4),
        min_size=1, max_size=4,
    ),
    st.booleans(),
)  # fmt: skip
def test_however_rows_arrive_all_are_there(
    tmp_path_factory: pytest.TempPathFactory, arrivals: list[list[tuple[int | None, int]]], deleted: bool
) -> None:
    folder = tmp_path_factory.mktemp("arrivals")
    path = folder / "rows.db"
    change(path, "CREATE TABLE t (mark INTEGER, value INTEGER)")
    change(path, "INSERT INTO t VALUES (NULL, 9)")
    table = SqlTable.model_validate({
        "kind": "sql", "url": f"sqlite:///{path}", "table": "t", "incremental": {"by": "watermark", "column": "mark"},
    })  # fmt: skip
    store = Parcels(folder).store
    past, before = Past(store, FileMemory(folder)), NOTHING
    for place, rows in enumerate(arrivals):
        with closing(sqlite3.connect(path)) as connection, connection:
            connection.executemany("INSERT INTO t VALUES (?, ?)", rows)
            if deleted and place == 1:
                connection.execute("DELETE FROM t WHERE value = 1")
            expected = sorted(map(repr, connection.execute("SELECT mark, value FROM t").fetchall()))
        found = read_sql("t", table, before)
        assert sorted(repr((row["mark"], row["value"])) for row in found.table.to_pylist()) == expected
        assert found.digest == look_at_sql("t", table).digest
        before = again(past, found)


def again(past: Past, rows: Rows) -> Before:
    """Return what would be kept of a reading."""
    chunks = tuple(part.chunk or kept._stored(past.store, part) for part in rows.parts)
    return Before(KeptRows(chunks=chunks), lambda chunk: kept._loaded(past.store, chunk))
