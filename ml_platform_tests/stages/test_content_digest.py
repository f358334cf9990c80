from __future__ import annotations

import datetime as dt
import io
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from ml_platform.sources.content import parse_table
from ml_platform.stages.coerce import ColumnType, coerce
from ml_platform.stages.content_digest import content_digest

TYPES: dict[str, ColumnType] = {
    "count": "integer", "size": "number", "kind": "category", "on": "boolean", "at": "datetime",
}  # fmt: skip
WIDE = {
    "count": pa.int64(),
    "size": pa.float64(),
    "kind": pa.string(),
    "on": pa.bool_(),
    "at": pa.timestamp("us", "UTC"),
}
NARROW = {
    "count": pa.int32(),
    "size": pa.float32(),
    "kind": pa.dictionary(pa.int8(), pa.large_string()),
    "on": pa.bool_(),
    "at": pa.timestamp("s", "America/New_York"),
}
ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "count": st.none() | st.integers(-(2**31), 2**31 - 1),
            "size": st.none() | st.floats(-1e6, 1e6, width=32),
            "kind": st.none() | st.text("abcäß€", min_size=1, max_size=4),
            "on": st.none() | st.booleans(),
            "at": st.none()
            | st.datetimes(dt.datetime.fromisoformat("1970-01-01"), dt.datetime.fromisoformat("2200-01-01")).map(
                lambda at: at.replace(microsecond=0, tzinfo=dt.UTC)
            ),
        }
    ),
    min_size=1,
    max_size=8,
)
Rows = list[dict[str, Any]]


def digest(frame: pd.DataFrame) -> str:
    typed = pd.DataFrame({name: coerce(frame[name], kind)[0] for name, kind in TYPES.items()})
    return content_digest(typed, TYPES)


def table(rows: Rows, types: dict[str, pa.DataType]) -> pa.Table:
    return pa.table({name: pa.array([row[name] for row in rows], kind) for name, kind in types.items()})


def as_parquet(rows: Rows, types: dict[str, pa.DataType], **options: Any) -> bytes:
    sink = io.BytesIO()
    pq.write_table(table(rows, types), sink, **options)
    return sink.getvalue()


def as_csv(rows: Rows) -> bytes:
    sink = io.BytesIO()
    pyarrow.csv.write_csv(table(rows, WIDE), sink)
    return sink.getvalue()


@settings(deadline=None, max_examples=40)
@given(ROWS)
def test_the_encoding_of_a_table_does_not_matter(rows: Rows) -> None:
    assume(any(value is not None for row in rows for value in row.values()))
    files = [
        as_parquet(rows, WIDE),
        as_parquet(rows, NARROW, row_group_size=2, compression="zstd"),
        as_parquet(rows, WIDE, use_dictionary=False, version="1.0"),
        as_csv(rows),
    ]
    frames = [parse_table("t", file, text_columns=["kind"]).to_pandas() for file in files]
    frames.append(pd.concat([frames[0].iloc[:1], frames[0].iloc[1:]], ignore_index=True))
    frames.append(pd.DataFrame(rows, columns=list(TYPES), dtype=object))
    assert len({digest(frame) for frame in frames}) == 1


@settings(deadline=None, max_examples=60)
@given(ROWS, ROWS)
def test_other_rows_have_another_digest(rows: Rows, others: Rows) -> None:
    same = all(
        [row[name] for row in rows] == [row[name] for row in others] for name in TYPES
    )  # −0.0 == 0.0, None == None
    first, second = (digest(table(each, WIDE).to_pandas()) for each in (rows, others))
    assert (first == second) == same


def test_the_order_of_rows_matters() -> None:
    frame = pd.DataFrame({"kind": ["a", "b"]})
    typed = [pd.DataFrame({"kind": coerce(each["kind"], "category")[0]}) for each in (frame, frame[::-1])]
    assert content_digest(typed[0], {"kind": "category"}) != content_digest(typed[1], {"kind": "category"})


def test_names_and_types_are_part_of_the_content() -> None:
    number = pd.DataFrame({"a": [1.0], "b": [1.0]})
    assert content_digest(number, {"a": "number"}) != content_digest(number, {"b": "number"})
    assert content_digest(number, {"a": "number"}) != content_digest(number.astype("int64"), {"a": "integer"})


def test_missing_is_neither_zero_nor_empty() -> None:
    for kind, values in (("number", [0.0, None]), ("integer", [0, None]), ("boolean", [False, None])):
        frames = [pd.DataFrame({"a": coerce(pd.Series([value], dtype=object), kind)[0]}) for value in values]  # type: ignore[arg-type]
        assert content_digest(frames[0], {"a": kind}) != content_digest(frames[1], {"a": kind})


def test_levels_that_no_row_has_do_not_matter() -> None:
    few = pd.DataFrame({"a": pd.Categorical(["x", "z"], categories=["x", "z"])})
    many = pd.DataFrame({"a": pd.Categorical(["x", "z"], categories=["x", "y", "z"])})
    assert content_digest(few, {"a": "category"}) == content_digest(many, {"a": "category"})


def test_texts_are_not_run_together() -> None:
    frames = [pd.DataFrame({"a": pd.Categorical(texts)}) for texts in (["ab", "c"], ["a", "bc"])]
    assert content_digest(frames[0], {"a": "category"}) != content_digest(frames[1], {"a": "category"})
