"""What a source may hold that nobody thought of: each is judged or refused in words, in memory and streamed."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ml_platform.policy.spec import Column
from ml_platform.stages.contract import check_rows
from ml_platform.stages.contract_stream import check_contract_streaming
from ml_platform.stages.infer_contract import infer_contract


def reasons(values: Any, **said: Any) -> list[str]:
    frame = pd.DataFrame({"x": values})
    return [str(reason) for reason in check_rows("x", {"x": Column(**said)}, frame).reasons]


def streamed(table: pa.Table, path: Path, **said: Any) -> dict[str, int]:
    pq.write_table(table, path)
    return dict(check_contract_streaming("x", {"x": Column(**said)}, path).broken)


def test_mixed_types_are_told_cell_by_cell() -> None:
    mixed = [1, "2", "x", None, True, [1], dt.date(2024, 1, 1), 2.5]
    assert [reason.partition(": ")[2] for reason in reasons(mixed, type="integer", missing=0.5)] == [
        "", "", *["not a whole number of at most 2^53"], "", "", *["not a whole number of at most 2^53"] * 3,
    ]  # fmt: skip
    assert reasons(mixed, type="category", missing=0.5) == [""] * 8
    assert [bool(one) for one in reasons(mixed, type="category", missing=0.5, coerce=())] == [
        True, False, False, False, True, True, True, True,
    ]  # fmt: skip


@pytest.mark.parametrize("rows", [0, 1])
def test_no_row_and_one_row_are_judged(tmp_path: Path, rows: int) -> None:
    assert reasons([3.0][:rows], type="number", range=(0.0, 1.0)) == ["x: out of range"][:rows]
    table = pa.table({"x": pa.array([3.0][:rows], pa.float64())})
    assert sum(streamed(table, tmp_path / "x", type="number", range=(0.0, 1.0)).values()) == rows


@pytest.mark.parametrize("kind", ["integer", "number", "category", "boolean", "datetime"])
def test_a_column_without_any_value_is_missing_throughout(tmp_path: Path, kind: Any) -> None:
    assert reasons([None] * 3, type=kind) == ["x: missing"] * 3
    assert reasons([None] * 3, type=kind, missing=1.0) == [""] * 3
    assert streamed(pa.table({"x": pa.nulls(3)}), tmp_path / "x", type=kind) == {"x: missing": 3}


def test_a_constant_column_that_should_be_unique_keeps_its_first_row(tmp_path: Path) -> None:
    assert reasons([7] * 4, type="integer", unique=True) == ["", *["x: not unique"] * 3]
    table = pa.table({"x": ["a"] * 200_000})
    assert streamed(table, tmp_path / "x", type="category", unique=True) == {"x: not unique": 199_999}


def test_ten_thousand_columns_are_judged_in_a_stream(tmp_path: Path) -> None:
    names = [f"c{place}" for place in range(10_000)]
    path = tmp_path / "rows.parquet"
    pq.write_table(pa.table([pa.array([0.5, 2.0])] * len(names), names=names), path)
    found = check_contract_streaming("x", dict.fromkeys(names, Column(type="number", range=(0.0, 1.0))), path)
    assert found.refused.tolist() == [1]
    assert len(found.broken) == 10_000


def test_a_million_levels_are_judged_in_a_stream(tmp_path: Path) -> None:
    codes = pa.array(np.arange(1_000_000)).cast(pa.string())
    table = pa.table({"x": pa.concat_arrays([codes, codes[:3]])})
    assert streamed(table, tmp_path / "x", type="category", unique=True) == {"x: not unique": 3}


def test_dates_out_of_range_are_refused_and_none_is_too_early_to_be_compared(tmp_path: Path) -> None:
    texts = ["0001-01-01", "9999-12-31", "0000-01-01", "2024-02-30", "-0", "10000-01-01", "1600-01-01T00:00:00Z"]
    assert [bool(one) for one in reasons(texts, type="datetime")] == [False, False, True, True, True, True, False]
    far = pa.array([10**17, -6 * 10**16, 0], pa.timestamp("us", "UTC"))
    assert len(streamed(pa.table({"x": far}), tmp_path / "far", type="datetime")) == 0
    farther = pa.array([10**18, -(10**18), 0], pa.timestamp("us", "UTC"))
    assert streamed(pa.table({"x": farther}), tmp_path / "farther", type="datetime") == {"x: not a time": 2}


def test_times_of_several_zones_are_the_same_time_in_utc() -> None:
    noon = "2024-01-01T12:00:00"
    mixed = [f"{noon}Z", "2024-01-01T13:00:00+01:00", noon, pd.Timestamp(noon, tz="Asia/Tokyo")]
    found = check_rows("x", {"x": Column(type="datetime")}, pd.DataFrame({"x": pd.Series(mixed, dtype=object)}))
    assert not found.refused.any()
    assert found.frame["x"].nunique() == 2
    assert found.coerced == {"x: text read as datetime": 3}


def test_nul_bytes_are_a_part_of_the_text(tmp_path: Path) -> None:
    texts = ["a", "a\0", "a\0b", "\0"]
    said: dict[str, Any] = {"type": "category", "levels": ("a", "a\0b")}
    assert reasons(texts, **said) == ["", "x: not a declared level", "", "x: not a declared level"]
    assert streamed(pa.table({"x": texts}), tmp_path / "x", **said) == {"x: not a declared level": 2}
    assert streamed(pa.table({"x": texts}), tmp_path / "u", type="category", unique=True) == {}


def test_what_is_inferred_from_bad_input_judges_it(tmp_path: Path) -> None:
    frame = pd.DataFrame({"x": ["a\0", None, "b"], "y": [np.inf, 1, 2], "z": [1, 1, 1]})
    found = check_rows("x", infer_contract(frame), frame)
    assert found.broken == {"y: not a finite number": 1}
