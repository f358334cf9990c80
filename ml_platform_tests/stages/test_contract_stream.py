from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from ml_platform.core.errors import DataInvalid, Unavailable
from ml_platform.policy.row_rules import RowRule, columns_of
from ml_platform.policy.spec import Column, Csv
from ml_platform.sources import parquet_stream, stream
from ml_platform.sources.encoding import HEAD_BYTES
from ml_platform.stages import contract_stream
from ml_platform.stages.contract import check_rows
from ml_platform.stages.contract_stream import StreamChecked, check_contract_streaming
from ml_platform.stages.repeats import Repeats
from ml_platform.stages.text_keys import text_keys

CONTRACT = TypeAdapter(dict[str, Column]).validate_python(
    {
        "whole": {"type": "integer", "range": (0.0, 9.0), "unique": True, "missing": 0.5},
        "real": {"type": "number", "range": (-1.0, 1.0), "unique": True},
        "text": {"type": "category", "levels": ("a", "b", "2", "2.0"), "missing": 0.5},
        "code": {"type": "category", "unique": True, "pattern": "[a-z0-9.]*"},
        "open": {"type": "category", "unique": True, "missing": 0.5},
        "free": {"type": "category"},
        "land": {"type": "category", "format": "country", "missing": 0.1},
        "truth": {"type": "boolean", "missing": 0.5, "unique": True},
        "at": {"type": "datetime", "unique": True, "missing": 0.5},
        "strict": {"type": "number", "coerce": (), "missing": 0.1},
    },
    strict=False,
)
RULES: dict[str, RowRule] = TypeAdapter(dict[str, RowRule]).validate_python(
    {
        "in_order": {"kind": "compare", "left": "whole", "sign": ">=", "right": "real"},
        "same": {"kind": "compare", "left": "text", "sign": "==", "right": "land"},
        "with_time": {"kind": "together", "columns": ("truth", "at")},
        "after": {"kind": "compare", "left": "at", "sign": ">", "value": "2000-01-01T00:00:00Z"},
        "adds_up": {"kind": "sum", "of": ("whole", "real"), "value": 1.0, "within": 2.0},
    }
)

WHOLE = st.integers(-3, 12)
REAL = st.one_of(st.sampled_from([0.0, -0.0, 0.5, 1.0, 1.5, np.inf, np.nan]), st.floats(-2, 2))
EXAMPLES = 40
TEXT = st.sampled_from(["a", "b", "2", "2.0", "", "DE", "XX", "x" * 300, "a\0", "é", "true", "0.5", "2024-01-01"])
TIME = st.datetimes(dt.datetime(1, 1, 1), dt.datetime(9999, 12, 31))  # noqa: DTZ001 - made a column of UTC below
DTYPES: dict[str, tuple[Any, pa.DataType]] = {
    "int64": (WHOLE, pa.int64()),
    "int8": (WHOLE, pa.int8()),
    "float64": (st.one_of(REAL, WHOLE.map(float)), pa.float64()),
    "float32": (st.sampled_from([0.0, 0.5, 1.0, 2.5]), pa.float32()),
    "string": (TEXT, pa.string()),
    "large": (TEXT, pa.large_string()),
    "dictionary": (TEXT, pa.dictionary(pa.int32(), pa.string())),
    "bool": (st.booleans(), pa.bool_()),
    "utc": (TIME, pa.timestamp("us", "UTC")),
    "zone": (st.datetimes(dt.datetime(1970, 1, 1), dt.datetime(2100, 1, 1)), pa.timestamp("ms", "Europe/Berlin")),  # noqa: DTZ001
    "local": (TIME, pa.timestamp("us")),
    "day": (st.dates(), pa.date32()),
    "null": (st.none(), pa.null()),
}
NATURAL = {
    "whole": ["int64", "float64"], "real": ["float64", "int8"], "text": ["string", "dictionary"], "code": ["large"],
    "open": ["string"], "free": ["string", "dictionary"], "land": ["dictionary"], "truth": ["bool"], "at": ["utc"],
    "strict": ["float64"],
}  # fmt: skip


@st.composite
def tables(draw: st.DrawFn) -> pa.Table:
    rows = draw(st.integers(1, 9))
    columns = {}
    for name in draw(st.lists(st.sampled_from(list(CONTRACT)), min_size=1, max_size=3, unique=True)):
        kind = draw(st.one_of(st.sampled_from(NATURAL[name]), st.sampled_from(list(DTYPES))))
        cell, of = DTYPES[kind]
        gaps = draw(st.booleans())
        cells = draw(st.lists(st.one_of(st.none(), cell) if gaps else cell, min_size=rows, max_size=rows))
        columns[name] = pa.array(cells, of)
    return pa.table(columns)


def said_of(table: pa.Table) -> dict[str, Any]:
    """Return what the contract says of the columns that a table has."""
    columns = {name: CONTRACT[name] for name in table.column_names}
    return {
        "contract": columns,
        "rules": {name: rule for name, rule in RULES.items() if set(columns_of(rule)) <= set(columns)},
    }


def in_memory(table: pa.Table) -> tuple[Any, ...]:
    found = check_rows("x", **said_of(table), frame=table.to_pandas())
    missing = {name: int(values.isna().sum()) for name, values in found.accepted.items() if values.isna().any()}
    return found.reasons.tolist(), dict(found.broken), dict(found.coerced), len(found.frame), missing


def as_in_memory(found: StreamChecked) -> tuple[Any, ...]:
    reasons = np.full(found.rows, "", dtype=object)
    reasons[found.refused] = [found.reasons[code] for code in found.reason_of]
    missing = {name: count for name, count in found.missing.items() if count}
    return reasons.tolist(), dict(found.broken), dict(found.coerced), found.rows, missing


@pytest.fixture(autouse=True)
def _small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parquet_stream, "BATCH_ROWS", 3)


@settings(deadline=None, max_examples=EXAMPLES, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(tables(), st.sampled_from([1, 2, 100]))
def test_a_stream_gives_the_verdicts_that_memory_gives(tmp_path: Path, table: pa.Table, most_keys: int) -> None:
    path = tmp_path / "rows.parquet"
    pq.write_table(table, path, row_group_size=4)
    found = check_contract_streaming("x", path=path, most_keys=most_keys, **said_of(table))
    assert as_in_memory(found) == in_memory(table)
    assert len(set(found.reasons)) == len(found.reasons)


def test_a_csv_file_is_judged_cell_by_cell_as_its_texts_are_in_memory(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    cells = {
        "whole": ["1", "2", "x", "", "2", "12", "3.0", "0x1"],
        "text": ["a", "z", "2.0", "NA", "b", 'a "quoted"\nline', "a", "a"],
        "truth": ["true", "FALSE", "1", "yes", "", "0", "true", ""],
        "at": ["2024-01-01", "2024-01-01T00:00:00Z", "31.1.2024", "", "1999-01-01", "2024-01-02", "9999-12-31", "x"],
        "more": list("abcdefgh"),
    }
    pd.DataFrame(cells).to_csv(path, index=False)
    said: dict[str, Any] = {
        "contract": {name: CONTRACT[name] for name in ("at", "whole", "text", "truth")},
        "rules": {},
    }
    texts = pd.read_csv(path, dtype="str", keep_default_na=False, na_values=["", "NA"])
    found = check_rows("x", frame=texts, **said)
    streamed = check_contract_streaming("x", path=path, **said)
    assert as_in_memory(streamed)[:4] == (found.reasons.tolist(), found.broken, found.coerced, 8)
    assert streamed.undeclared == found.undeclared == ("more",)


def test_what_breaks_nothing_is_accepted_whole(tmp_path: Path) -> None:
    path = tmp_path / "rows.parquet"
    pq.write_table(pa.table({"whole": pa.array(range(10))}), path)
    found = check_contract_streaming("x", {"whole": CONTRACT["whole"]}, path)
    assert (found.rows, found.refused.size, found.reasons, found.broken) == (10, 0, (), {})


@pytest.mark.parametrize("kind", [pa.float64(), pa.float32(), pa.decimal128(4, 1)])
@pytest.mark.parametrize("coerce", [None, ()])
def test_whole_numbers_that_arrive_as_fractions_are_whole_numbers(
    tmp_path: Path, kind: pa.DataType, coerce: Any
) -> None:
    path = tmp_path / "rows.parquet"
    table = pa.table({"whole": pa.array([1, None, 3, None, 4.5], pa.float64()).cast(kind)})
    said: dict[str, Any] = {"contract": {"whole": CONTRACT["whole"].model_copy(update={"coerce": coerce})}}
    pq.write_table(table, path)
    found = check_contract_streaming("x", path=path, **said)
    memory = check_rows("x", frame=table.to_pandas(), **said)
    assert found.refused.tolist() == np.flatnonzero(memory.refused).tolist() == [4]
    assert dict(found.coerced) == dict(memory.coerced) == {}
    assert memory.accepted["whole"].astype(object).where(memory.accepted["whole"].notna(), None).tolist() == [
        1, None, 3, None,
    ]  # fmt: skip


@pytest.mark.parametrize("form", ["rows.parquet", "rows.csv"])
def test_a_file_without_rows_has_no_verdicts(tmp_path: Path, form: str) -> None:
    path = tmp_path / form
    table = pd.DataFrame({"whole": pd.Series([], dtype="int64")})
    table.to_parquet(path) if form.endswith("parquet") else table.to_csv(path, index=False)
    assert check_contract_streaming("x", {"whole": CONTRACT["whole"]}, path).rows == 0


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "x: the file is empty; a header and rows are needed; fetch it again"),
        (b"PK\x03\x04", "x: is a zip; a stream needs a plain CSV or Parquet file; unpack it"),
        (b"PAR1 and no more", "x: can't be read to its end as a table (ArrowInvalid); a whole file is needed"),
        (b"whole,b\n1,2\n3\n", "x: row 3 has 1 cells; 2 are needed, as in the header; correct the row"),
        (b"whole,b\n1,2\n3,4,5\n", "x: row 3 has 3 cells; 2 are needed, as in the header; correct the row"),
        (b"whole,b\n1,2\n3\0,4,5\n", "x: line 3 holds a NUL byte; text has none"),
        (b"whole,b\n1,2\n3,4\0\n", "x: line 3 holds a NUL byte; text has none"),
        ("whole,b\n1,2\n3,4\0\n".encode("utf-16"), "x: line 3 holds a NUL byte; text has none"),
        (b"whole\n\xff\xfe\n", "x: line 2 holds bytes that are not UTF-8 and not surely of another encoding"),
        (b"whole,whole\n1,2\n", "x: columns ['whole'] come more than once; names must differ"),
        (b"other\n1\n", "x: the file has no column whole; the contract needs it; correct the file or the contract"),
    ],
)
def test_a_file_that_is_no_table_is_refused_in_words(tmp_path: Path, content: bytes, words: str) -> None:
    path = tmp_path / "rows"
    path.write_bytes(content)
    with pytest.raises(DataInvalid) as caught:
        check_contract_streaming("x", {"whole": CONTRACT["whole"]}, path)
    assert str(caught.value).startswith(words)


@pytest.mark.parametrize(
    ("form", "encoding"),
    [(Csv(), "latin-1"), (Csv(), "utf-16"), (Csv(encoding="cp437"), "cp437"), (Csv(delimiter=";"), "utf-8-sig")],
)
def test_a_csv_file_is_read_as_it_is_written(tmp_path: Path, form: Csv, encoding: str) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("whole;text\n1;größer\n2;schöner\n3;für alle\n12;b\n", encoding=encoding)
    column = Column(type="category", levels=("größer", "schöner", "für alle", "b"))
    found = check_contract_streaming("x", {"whole": CONTRACT["whole"], "text": column}, path, form=form)
    assert (found.rows, dict(found.broken)) == (4, {"whole: out of range": 1})


def test_a_stated_decimal_comma_and_stated_names_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("0,5;1\n1,5;2\n0.5;2\n", encoding="utf-8")
    form = Csv(delimiter=";", decimal=",", names=("real", "text"))
    contract = {"real": CONTRACT["real"], "text": CONTRACT["text"]}
    found = check_contract_streaming("x", contract, path, form=form)
    assert found.rows == 3
    assert dict(found.broken) == {
        "real: not a finite number": 1,
        "real: out of range": 1,
        "text: not a declared level": 1,
    }
    sample = stream.open_stream("x", path, form).sample(["text"])
    assert list(sample["text"]) == ["1", "2", "2"]


def test_a_line_that_cannot_be_decoded_beyond_the_beginning_is_named(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    line = b"1,aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n"
    count = HEAD_BYTES // len(line) + 1000
    path.write_bytes(b"whole,text\n" + count * line + b"2,\xff\n")
    with pytest.raises(DataInvalid, match=rf"line {count + 2:,} holds bytes that are not utf-8 \(detected\)"):
        check_contract_streaming("x", {"text": CONTRACT["text"]}, path)


def test_a_file_that_is_not_in_the_stated_encoding_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_bytes("whole,text\n1,a\n".encode("utf-16-be"))
    with pytest.raises(DataInvalid, match=r"x: is not utf-16 \(stated\); correct the file, or state `csv: {encoding"):
        check_contract_streaming("x", {"text": CONTRACT["text"]}, path, form=Csv(encoding="utf-16", delimiter=","))


@pytest.mark.parametrize("rows", [0, 3])
def test_a_sample_is_the_first_rows_with_all_columns(tmp_path: Path, rows: int) -> None:
    frame = pd.DataFrame({"a": pd.Series([1, 2, 3][:rows], dtype="int64"), "b": ["x", "y", "z"][:rows]})
    frame.to_csv(tmp_path / "rows.csv", index=False)
    frame.to_parquet(tmp_path / "rows.parquet")
    for name in ("rows.csv", "rows.parquet"):
        sample = stream.open_stream("x", tmp_path / name).sample()
        assert (list(sample.columns), len(sample)) == (["a", "b"], rows)


def test_a_parquet_file_cut_short_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "rows.parquet"
    pq.write_table(pa.table({"whole": pa.array(np.arange(50_000))}), path)
    path.write_bytes(path.read_bytes()[:60_000])
    with pytest.raises(DataInvalid, match="can't be read to its end"):
        check_contract_streaming("x", {"whole": CONTRACT["whole"]}, path)


def test_a_file_that_is_not_there_is_unavailable(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="can't be read"):
        check_contract_streaming("x", {"whole": CONTRACT["whole"]}, tmp_path / "none")


@settings(deadline=None, max_examples=60)
@given(st.lists(st.integers(0, 9), max_size=30), st.sampled_from([1, 3, 1000]), st.integers(1, 7))
def test_repeats_are_those_that_an_earlier_row_holds(values: list[int], most_keys: int, step: int) -> None:
    with Repeats(most_keys) as repeats:
        for start in range(0, len(values), step):
            keys = np.array(values[start : start + step], dtype=np.uint64)
            repeats.add(keys, np.arange(start, start + len(keys)))
        found = repeats.repeated().tolist()
    assert found == [place for place, value in enumerate(values) if value in values[:place]]


@settings(deadline=None, max_examples=60)
@given(st.lists(st.text(max_size=20), max_size=12))
def test_equal_texts_have_equal_keys_and_different_ones_different(texts: list[str]) -> None:
    array = pa.array(["", *texts], pa.string())[1:]
    keys = text_keys(array).tolist()
    assert len(set(keys)) == len(set(texts))
    assert keys == text_keys(pa.array(texts, pa.large_string())).tolist()


def test_texts_that_share_a_key_are_compared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def all_the_same(texts: pa.Array) -> Any:
        return np.zeros(len(texts), dtype=np.uint64)

    monkeypatch.setattr(contract_stream, "text_keys", all_the_same)
    path = tmp_path / "rows.parquet"
    pq.write_table(pa.table({"open": ["a", "b", None, "c", "b", None, "a"]}), path)
    assert check_contract_streaming("x", {"open": CONTRACT["open"]}, path).refused.tolist() == [4, 6]
