"""Odd tables get an answer in words or in verdicts, never a crash."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from ml_platform import inspect_batch
from ml_platform.core.errors import DataInvalid
from ml_platform.core.verdict import Outcome

ROWS = 400
RNG = np.random.default_rng(11)
ODD: dict[str, pd.Series] = {
    "all missing": pd.Series([None] * ROWS, dtype=object),
    "all NaN": pd.Series(np.full(ROWS, np.nan)),
    "constant": pd.Series(np.ones(ROWS)),
    "mixed types": pd.Series([1, "a", 2.5, None, b"x"] * (ROWS // 5), dtype=object),
    "lists": pd.Series([[1], [2, 3]] * (ROWS // 2), dtype=object),
    "decimals": pd.Series([Decimal(1), Decimal("2.5")] * (ROWS // 2), dtype=object),
    "booleans with gaps": pd.Series([True, False, None, True] * (ROWS // 4), dtype="boolean"),
    "whole numbers with gaps": pd.Series([1, 2, None, 4] * (ROWS // 4), dtype="Int64"),
    "categories": pd.Series(["a", "b"] * (ROWS // 2), dtype="category"),
    "categories of numbers": pd.Series([1, 2] * (ROWS // 2), dtype="category"),
    "infinities": pd.Series(np.where(np.arange(ROWS) % 50, RNG.normal(size=ROWS), np.inf)),
    "huge numbers": pd.Series(RNG.normal(size=ROWS) * 1e300),
    "dates of mixed zones": pd.Series(
        [dt.datetime(2020, 1, 1, tzinfo=dt.UTC), dt.datetime(2021, 1, 1, tzinfo=dt.timezone(dt.timedelta(hours=2)))]
        * (ROWS // 2),
        dtype=object,
    ),
    "dates out of pandas' range": pd.Series(
        np.array(["1066-10-14", "9999-01-01"] * (ROWS // 2), dtype="datetime64[us]")
    ),
    "plain dates": pd.Series([dt.date(2020, 1, 1), dt.date(2024, 2, 29)] * (ROWS // 2), dtype=object),
    "durations": pd.Series(pd.to_timedelta(RNG.integers(0, 10**6, ROWS), unit="s")),
    "NUL bytes": pd.Series(["a\x00b", "c"] * (ROWS // 2)),
    "broken surrogates": pd.Series(["a\ud800", "c"] * (ROWS // 2), dtype=object),
    "a name for each row": pd.Series([f"row {row}" for row in range(ROWS)]),
    "very long texts": pd.Series(["x" * 20_000, "y"] * (ROWS // 2)),
    "complex numbers": pd.Series(np.ones(ROWS, dtype=complex)),
}


@pytest.mark.parametrize("name", ODD)
def test_an_odd_column_neither_crashes_nor_alarms(name: str) -> None:
    plain = pd.Series(RNG.normal(size=ROWS))
    frame = pd.DataFrame({"odd": ODD[name], "plain": plain})
    before, now = frame.iloc[: ROWS // 2], frame.iloc[ROWS // 2 :]
    assert inspect_batch(before, now).findings == ()


@pytest.mark.parametrize("name", ODD)
def test_an_odd_column_instead_of_a_plain_one_is_found(name: str) -> None:
    before = pd.DataFrame({"odd": [f"level {row % 7}" for row in range(ROWS)]})
    found = inspect_batch(before, pd.DataFrame({"odd": ODD[name]}))
    assert not found.passed


def test_one_row_is_undecided_never_passed() -> None:
    frame = pd.DataFrame({"x": np.arange(100.0), "y": ["a", "b"] * 50})
    for before, now in ((frame, frame.iloc[:1]), (frame.iloc[:1], frame), (frame.iloc[:1], frame.iloc[1:2])):
        found = inspect_batch(before, now)
        assert not found.passed
        assert Outcome.UNDECIDED in {verdict.outcome for verdict in found.verdicts}


def test_a_reference_without_columns_is_refused_and_a_batch_without_them_is_a_finding() -> None:
    nothing = pd.DataFrame(index=range(5))
    with pytest.raises(DataInvalid, match="the reference has no columns"):
        inspect_batch(nothing, nothing)
    assert {one.kind for one in inspect_batch(pd.DataFrame({"a": range(5)}), nothing).findings} == {"schema"}


def test_a_table_of_another_library_is_refused_with_what_to_call() -> None:
    table: Any = pa.table({"a": [1, 2]})
    with pytest.raises(DataInvalid, match=r"is a Table; a pandas DataFrame is needed; call its to_pandas\(\)"):
        inspect_batch(table, table)


@pytest.mark.drill
def test_ten_thousand_columns_are_answered(drill_count: Callable[[int, int], int]) -> None:
    count = drill_count(1_500, 10_000)
    wide = pd.DataFrame(RNG.normal(size=(60, count)), columns=[f"c{place}" for place in range(count)])
    assert inspect_batch(wide.iloc[:40], wide.iloc[40:]).findings == ()


@pytest.mark.drill
def test_a_million_levels_are_answered(drill_count: Callable[[int, int], int]) -> None:
    rows = drill_count(100_000, 1_300_000)
    names = pd.DataFrame({"name": np.char.add("n", RNG.integers(0, 10**12, rows).astype(str)).astype(object)})
    assert inspect_batch(names.iloc[: rows // 2], names.iloc[rows // 2 :]).passed
