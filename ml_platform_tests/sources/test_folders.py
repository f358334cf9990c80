"""A table in many files: folders, partitions, files that don't go together."""

from __future__ import annotations

import datetime as dt
import io
import os
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ml_platform.core.errors import DataInvalid, Unavailable
from ml_platform.policy.spec import FileTable
from ml_platform.sources.content import parse_table
from ml_platform.sources.files import file_pieces
from ml_platform.sources.read import fingerprint, read_tables
from ml_platform_tests.stages.toy import toy_spec

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

    from ml_platform.policy.spec import ModelSpec

NOW = dt.datetime(2030, 1, 31, tzinfo=dt.UTC)


def of(folder: Path, **said: Any) -> ModelSpec:
    tables = {"rows": {"kind": "file", "path": str(folder), **said}}
    return toy_spec(source={"tables": tables, "licence": "CC0-1.0", "description": "Invented."})


def read(folder: Path, **said: Any) -> pd.DataFrame:
    return read_tables(of(folder, **said))["rows"]


def put(path: Path, rows: dict[str, Any] | pa.Table | str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(rows, str):
        path.write_text(rows)
    else:
        pq.write_table(rows if isinstance(rows, pa.Table) else pa.table(rows), path)
    return path


def test_the_files_of_a_folder_are_one_table_in_the_order_of_their_names(tmp_path: Path) -> None:
    put(tmp_path / "b.parquet", {"load": [3.0], "site": ["x"]})
    put(tmp_path / "a.csv", "site,load\n007,1\n,2\n")
    put(tmp_path / "_SUCCESS", "")
    put(tmp_path / ".a.csv.crc", "?")
    found = read(tmp_path)
    assert found["load"].tolist() == [1.0, 2.0, 3.0]
    assert found["site"].fillna("-").tolist() == ["007", "-", "x"]


def test_partitions_become_columns_and_nothing_is_lost(tmp_path: Path) -> None:
    for month in (2, 10, 1):
        put(tmp_path / "year=2013" / f"month={month:02}" / "rows.parquet", {"load": [month, month + 0.5]})
    put(tmp_path / "year=__HIVE_DEFAULT_PARTITION__" / "month=01" / "rows.parquet", {"load": [99.0]})
    found = read(tmp_path)
    assert found["load"].tolist() == [1, 1.5, 2, 2.5, 10, 10.5, 99]
    assert found["month"].tolist() == ["01", "01", "02", "02", "10", "10", "01"]
    assert found["year"].isna().tolist() == [False] * 6 + [True]
    facts = fingerprint(of(tmp_path), now=NOW).record.facts["rows"]
    assert (facts["files"], facts["partitions"], facts["format"]) == (4, "year, month", "Parquet")
    assert list(read(tmp_path, columns=["month", "load"]).columns) == ["load", "month"]


@pytest.mark.parametrize(
    ("second", "words"),
    [
        ("load\n1\n", r"b\.csv: lacks site, compared with a\.csv"),
        ("load,site,extra\n1,x,2\n", r"b\.csv: has besides extra"),
        ("load,other\n1,2\n", r"b\.csv: lacks site and has besides other"),
        ("load,site\n1,2,3\n", r"b\.csv: row 2 has 3 cells"),
        ("load,site\n", r"b\.csv: has a header and no rows"),
        ("", r"b\.csv: the file is empty"),
    ],
)
def test_a_file_that_does_not_go_with_the_first_is_named(tmp_path: Path, second: str, words: str) -> None:
    put(tmp_path / "a.csv", "load,site\n1,x\n")
    put(tmp_path / "b.csv", second)
    with pytest.raises(DataInvalid, match=rf"toy: source\.tables\.rows: {words}"):
        read(tmp_path)


@pytest.mark.parametrize(
    ("first", "second", "kind"),
    [
        (pa.array([1], pa.int8()), pa.array([2], pa.int64()), "int64"),
        (pa.array([1], pa.int64()), pa.array([2.5]), "double"),
        (pa.array([None]), pa.array([2.5]), "double"),
        (pa.array([None]), pa.array([None]), "null"),
        (pa.array(["x"]), pa.array(["y"]).dictionary_encode(), "string"),
        (pa.array(["x"]), pa.array(["y"], pa.large_string()), "large_string"),
        (pa.array([1], pa.timestamp("s", "UTC")), pa.array([1], pa.timestamp("us", "UTC")), "timestamp[us, tz=UTC]"),
    ],
)
def test_types_that_keep_every_value_are_joined(tmp_path: Path, first: pa.Array, second: pa.Array, kind: str) -> None:
    from ml_platform.sources.unite import unite

    found = unite([("t: a", pa.table({"v": first})), ("t: b", pa.table({"v": second}))])
    assert str(found.schema.field("v").type) == kind
    assert found.num_rows == 2


@pytest.mark.parametrize(
    ("first", "second", "words"),
    [
        (pa.array([1]), pa.array(["x"]), r"b\.parquet: column v is string, in a\.parquet it is int64"),
        (pa.array([True]), pa.array([1]), r"b\.parquet: column v is int64, in a\.parquet it is bool"),
        (
            pa.array([1], pa.timestamp("us")),
            pa.array([1], pa.timestamp("us", "UTC")),
            r"column v is timestamp\[us, tz=UTC",
        ),
        (pa.array([1], pa.date32()), pa.array([1], pa.timestamp("us")), r"column v is timestamp"),
        (pa.array([2**53 + 1]), pa.array([0.5]), r"a\.parquet: column v holds values that double.*can't keep"),
        (pa.array([2**64 - 1], pa.uint64()), pa.array([1]), r"a\.parquet: column v holds values that int64"),
    ],
)
def test_types_that_would_lose_a_value_are_refused(
    tmp_path: Path, first: pa.Array, second: pa.Array, words: str
) -> None:
    put(tmp_path / "a.parquet", pa.table({"w": [1], "v": first}))
    put(tmp_path / "b.parquet", pa.table({"w": [2], "v": second}))
    with pytest.raises(DataInvalid, match=words):
        read(tmp_path)


def test_a_column_that_is_text_in_one_csv_file_is_text_in_all_as_it_is_written(tmp_path: Path) -> None:
    put(tmp_path / "a.csv", "code,n\n007,1\n")
    put(tmp_path / "b.csv", "code,n\nx7,2\n")
    assert read(tmp_path).to_dict("list") == {"code": ["007", "x7"], "n": [1, 2]}


@pytest.mark.parametrize(
    ("names", "words"),
    [
        ([], "holds no CSV or Parquet file"),
        (["_a.csv"], "holds no CSV or Parquet file"),
        (["a.csv", "notes.docx"], r"holds 'notes\.docx', which is neither CSV nor Parquet"),
        (["year=1/a.csv", "b.csv"], r"year=1/a\.csv: its folders name year, those of b\.csv name no column"),
        (["y=1/m=1/a.csv", "m=1/y=1/a.csv"], "must name the same, in the same order"),
        (["y=1/y=2/a.csv"], "its folders name 'y' more than once"),
        (["load=1/a.csv"], "column load is in the file and in its folder's name"),
    ],
)
def test_a_folder_that_is_no_table_is_explained(tmp_path: Path, names: list[str], words: str) -> None:
    for name in names:
        put(tmp_path / name, "load,site\n1,x\n")
    with pytest.raises(DataInvalid, match=words):
        read(tmp_path)


def test_a_pipe_in_a_folder_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    put(tmp_path / "a.csv", "load\n1\n")
    os.mkfifo(tmp_path / "b.csv")
    with pytest.raises(DataInvalid, match=r"b\.csv is no regular file"):
        read(tmp_path)


def test_a_file_that_goes_while_the_folder_is_read_is_named(tmp_path: Path) -> None:
    path = put(tmp_path / "rows" / "a.csv", "load\n1\n")
    table = of(tmp_path / "rows").source.tables["rows"]
    assert isinstance(table, FileTable)
    (piece,) = file_pieces("t", table)
    path.unlink()
    with pytest.raises(Unavailable, match=r"t: a\.csv: .*a\.csv can't be read"):
        piece.read()
    path.symlink_to(tmp_path / "none.csv")
    with pytest.raises(Unavailable, match=r"t: a\.csv: .*a\.csv can't be read"):
        file_pieces("t", table)


def test_a_fingerprint_changes_with_names_and_content_alone(tmp_path: Path) -> None:
    put(tmp_path / "a.csv", "load\n1\n")
    put(tmp_path / "b.csv", "load\n2\n")
    before = fingerprint(of(tmp_path), now=NOW).record
    (tmp_path / "a.csv").touch()
    put(tmp_path / "_note.txt", "x")
    assert fingerprint(of(tmp_path), now=NOW).record.digest == before.digest
    (tmp_path / "b.csv").rename(tmp_path / "c.csv")
    assert fingerprint(of(tmp_path), now=NOW).record.digest != before.digest


def whole() -> bytes:
    sink = io.BytesIO()
    rows = pa.table({"a": list(range(3000)), "b": [f"secret {n}" for n in range(3000)]})
    pq.write_table(rows, sink, row_group_size=500)
    return sink.getvalue()


@settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(5, 60_000), st.integers(1, 20_000))
def test_a_parquet_file_without_its_middle_or_its_end_is_refused(start: int, length: int) -> None:
    content = whole()
    start = start % (len(content) - 1)
    for cut in (content[:start], content[:start] + content[start + length :]):
        if cut == content or not cut.startswith(b"PAR1"):
            continue
        with pytest.raises(DataInvalid, match=r"^t: ") as refused:
            parse_table("t", cut)
        assert "secret" not in str(refused.value)


def test_a_parquet_file_is_read_with_the_asked_columns_alone(tmp_path: Path) -> None:
    put(tmp_path / "a.parquet", {"load": [1.0], "nested": [[1, 2]], "site": ["x"]})
    assert list(read(tmp_path / "a.parquet", columns=["site", "load"]).columns) == ["load", "site"]
    with pytest.raises(DataInvalid, match=r"has no column wind; `columns` asks for it"):
        read(tmp_path / "a.parquet", columns=["wind"])
