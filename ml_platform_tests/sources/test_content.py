from __future__ import annotations

import io
import zipfile

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ml_platform.core.errors import DataInvalid
from ml_platform.policy.spec import Csv
from ml_platform.sources import content
from ml_platform.sources.content import describe, parse_table

SECRET = "anna.secret@example.org"


def zipped(*files: bytes) -> bytes:
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w") as archive:
        archive.mkdir("folder")
        for place, file in enumerate(files):
            archive.writestr(f"folder/{place}.csv", file)
    return sink.getvalue()


def parquet(table: pa.Table) -> bytes:
    sink = io.BytesIO()
    pq.write_table(table, sink)
    return sink.getvalue()


def test_csv_zip_and_parquet_say_the_same() -> None:
    csv = b"a,b\n1,x\n2,y\n"
    expected = {"a": [1, 2], "b": ["x", "y"]}
    for given_bytes in (csv, zipped(csv), parquet(pa.table(expected)), zipped(parquet(pa.table(expected)))):
        assert parse_table("t", given_bytes).to_pydict() == expected


def test_what_can_cheaply_be_seen_unreadable_is_refused_before_a_row_is_read() -> None:
    whole = parquet(pa.table({"a": list(range(5_000))}))
    describe("t", whole, Csv())
    for bad, words in (
        (whole[: len(whole) // 2], "t: is no readable Parquet file"),
        (whole[:100] + whole[200:], "is no readable Parquet file|middle is missing"),
        (b"a,b\n1,2\n3\0,4\n", "t: line 3 holds a NUL byte"),
    ):
        with pytest.raises(DataInvalid, match=words):
            describe("t", bad, Csv())
    assert describe("t", "a,b\n1,2\n".encode("utf-16"), Csv())["format"] == "CSV"
    assert describe("t", zipped(whole), Csv()) == {"format": "Parquet", "zipped": True}


def test_a_text_column_keeps_its_zeros() -> None:
    assert parse_table("t", b"code,n\n007,007\n", text_columns=["code", "other"]).to_pydict() == {
        "code": ["007"],
        "n": [7],
    }


def test_types_come_from_the_whole_file_and_not_from_its_beginning() -> None:
    rows = b"\n".join([b"1"] * 300_000)
    assert parse_table("t", b"a\n" + rows + b"\n2.5\n").schema.field("a").type == pa.float64()


def test_what_is_empty_na_nan_or_null_is_missing() -> None:
    found = parse_table("t", b'a,b\n,x\nNA,\nNaN,NA\nnull,null\n1,"a\nb"\n').to_pydict()
    assert found == {"a": [None, None, None, None, 1], "b": ["x", None, None, None, "a\nb"]}


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (b"", "the file is empty"),
        (b" \n\n", "the file is empty"),
        (b"a,b\n", "has a header and no rows"),
        (f"a,b\n1,2\n3,4,{SECRET}\n".encode(), "row 3 has 3 cells; 2 are needed"),
        (f'a,b\n"{SECRET},2\n3,4\n'.encode(), "cells"),
        (b"a,b\n1,\xff\xfe\n", r"line 2 holds bytes that are not UTF-8 and not surely"),
        (b"\xff\xfea,b\n1,2\n", "no readable CSV file"),
        (b"\x00", "line 1 holds a NUL byte"),
        (f"a,b\n1,2\n{SECRET},\0\n".encode(), "line 3 holds a NUL byte"),
        (f"a,b\nMünchen,2\n{SECRET},".encode() + b"\xfcb\n", "line 3 holds bytes that are not UTF-8, though other"),
        (b"1,2\n3,4\n", "the first row holds no names"),
        (b"a,b;c\n1,2;3\n4,5;6\n", "comma and semicolon fit equally well"),
        (f"a;b\n1;2\n3;4;{SECRET}\n".encode(), "row 3 has 3 cells; 2 are needed, as in the header"),
        (f"a,a\n{SECRET},2\n".encode(), r"columns \['a'\] come more than once"),
        (b"PAR1" + SECRET.encode(), "no readable Parquet file"),
        (b"PK\x03\x04" + SECRET.encode(), "the zip can't be unpacked"),
        (zipped(), "holds 0 files"),
        (zipped(b"a\n1\n", b"a\n1\n"), "holds 2 files"),
        (zipped(b"a,b\n1,2\n" * 99)[:-70], "the zip can't be unpacked"),
        (parquet(pa.table({"a": [[1, 2]]})), r"columns \['a'\] hold lists"),
        (parquet(pa.table({"a": pa.array([], pa.int64())})), "no rows"),
    ],
)
def test_bad_content_is_explained_without_its_values(bad: bytes, words: str) -> None:
    with pytest.raises(DataInvalid, match=words) as caught:
        parse_table("m: source.tables.t", bad)
    assert str(caught.value).startswith("m: source.tables.t: ")
    assert "secret" not in str(caught.value)
    assert caught.value.__cause__ is None


@pytest.mark.parametrize(
    ("odd", "shape"),
    [
        (b"a,b\n1,2\n", (1, 2)),
        (b"a,b\n,\nNA,null\n", (2, 2)),
        (b"a,b\n1,x\n1,x\n", (2, 2)),
        (b"a\n1\nx\n2.5\ntrue\n2024-01-01\n", (5, 1)),
        (b"a,b\n9999-12-31,0001-01-01\n99999-01-01,2024-02-30\n", (2, 2)),
        (b"a\n2024-01-01T00:00:00Z\n2024-01-01T00:00:00+02:00\n2024-01-01 00:00\n", (3, 1)),
        (",".join(f"c{n}" for n in range(10_000)).encode() + b"\n" + b",".join([b"1.5"] * 10_000) + b"\n", (1, 10_000)),
        (b"a\n" + b"\n".join(b"level %d" % n for n in range(200_000)), (200_000, 1)),
    ],
    ids=[
        "one row",
        "all missing",
        "constant",
        "mixed types",
        "dates out of range",
        "zones",
        "10,000 columns",
        "levels",
    ],
)
def test_odd_content_is_read_as_it_is_and_left_to_the_contract(odd: bytes, shape: tuple[int, int]) -> None:
    assert parse_table("t", odd).shape == shape


def test_a_zip_that_unpacks_to_too_much_is_refused_before_unpacking(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(content, "MOST_UNPACKED_BYTES", 100)
    with pytest.raises(DataInvalid, match="unpacks to 2,000 bytes"):
        parse_table("t", zipped(b"1\n" * 1000))


@settings(deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_become_a_table_or_a_clear_error(random: bytes) -> None:
    try:
        table = parse_table("t", random)
    except DataInvalid:
        return
    assert table.num_rows > 0
    assert isinstance(table.to_pandas(), pd.DataFrame)
