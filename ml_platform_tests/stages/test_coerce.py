from __future__ import annotations

import datetime as dt
import decimal
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ml_platform.stages.coerce import LONGEST_TEXT, ColumnType, coerce

KINDS: tuple[ColumnType, ...] = ("integer", "number", "category", "boolean", "datetime")
AT = dt.datetime(2024, 3, 1, 12, tzinfo=dt.UTC)


def coerced(values: list[Any], kind: ColumnType, dtype: Any = object) -> tuple[list[Any], list[bool]]:
    found, bad = coerce(pd.Series(values, dtype=dtype), kind)
    return [None if pd.isna(value) else value for value in found], bad.tolist()


@pytest.mark.parametrize(
    ("values", "kind", "expected"),
    [
        ([1, "2", 3.0, True, None, decimal.Decimal(4)], "integer", [1, 2, 3, 1, None, 4]),
        ([1.5, "2.5", None, np.nan, "1e3"], "number", [1.5, 2.5, None, None, 1000.0]),
        (["b", 2, 2.0, 2.5, True, None], "category", ["b", "2", "2", "2.5", "True", None]),
        ([True, "false", 1, 0.0, "TRUE", None], "boolean", [True, False, True, False, True, None]),
        (
            ["2024-03-01T12:00:00Z", "2024-03-01 13:00:00+01:00", AT, "2024-03-01T12:00:00", None],
            "datetime",
            [AT, AT, AT, AT, None],
        ),
        ([dt.date(2024, 3, 1), None], "datetime", [dt.datetime(2024, 3, 1, tzinfo=dt.UTC), None]),
    ],
)
def test_what_says_a_value_of_the_type_becomes_it(values: list[Any], kind: ColumnType, expected: list[Any]) -> None:
    assert coerced(values, kind) == (expected, [False] * len(values))


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (["x", 1.5, np.inf, "1e400", 2.0**60, AT], "integer"),
        (["x", np.inf, "-inf", "1,5", AT], "number"),
        (["x" * (LONGEST_TEXT + 1), "y" * 1_000_000], "category"),
        (["yes", 2, 0.5, ""], "boolean"),
        (["x", "31.12.2024", "2024-13-01", ""], "datetime"),
    ],
)
def test_what_says_anything_else_becomes_missing_and_is_reported(values: list[Any], kind: ColumnType) -> None:
    assert coerced(values, kind) == ([None] * len(values), [True] * len(values))


WHOLE = st.lists(st.integers(-(10**14), 10**14), min_size=1, max_size=8)


@settings(deadline=None)
@given(WHOLE, st.sampled_from(["float64", "Float64", "object", "str"]))
def test_whole_numbers_are_the_same_levels_with_and_without_missing_values(values: list[int], dtype: Any) -> None:
    whole, _ = coerce(pd.Series(values), "category")
    gaps = pd.Series([*map(float, values), None]).astype(dtype)
    found, bad = coerce(gaps, "category")
    assert found[:-1].tolist() == whole.tolist() == [str(value) for value in values]
    assert found.isna().tolist() == [False] * len(values) + [True]
    assert not bad.any()


def test_a_text_that_is_a_declared_level_stays_as_it_is() -> None:
    found, _ = coerce(pd.Series(["1.0", "2.0", "1.5", "007", "02.0"]), "category", ["1.0", "1.5"])
    assert found.tolist() == ["1.0", "2", "1.5", "007", "02.0"]


def test_a_number_is_no_time() -> None:
    assert coerced([1.0, np.nan], "datetime", "float64") == ([None, None], [True, False])


def test_a_time_is_no_number() -> None:
    for kind in ("integer", "number"):
        assert coerced([AT, None], kind, "datetime64[us, UTC]") == ([None, None], [True, False])


def test_types_are_canonical() -> None:
    assert coerce(pd.Series([1, 2], dtype="int8"), "integer")[0].dtype == np.int64
    assert coerce(pd.Series([1, None]), "integer")[0].dtype == "Int64"
    assert coerce(pd.Series([1, None], dtype="Float32"), "number")[0].dtype == np.float64
    assert coerce(pd.Series([True]), "boolean")[0].dtype == "boolean"
    assert coerce(pd.Series(["2024-01-01"]), "datetime")[0].dtype == "datetime64[us, UTC]"
    assert coerce(pd.Series(pd.Categorical(["b", "a"])), "category")[0].cat.categories.tolist() == ["a", "b"]


CELLS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=20),
    st.datetimes(),
    st.sampled_from(["1", "true", "2024-01-01", "nan", "-0"]),
)


@settings(deadline=None)
@given(st.lists(CELLS, max_size=12), st.sampled_from(KINDS))
def test_every_cell_is_coerced_missing_or_reported(values: list[Any], kind: ColumnType) -> None:
    given_values = pd.Series(values, dtype=object)
    found, bad = coerce(given_values, kind)
    assert len(found) == len(bad) == len(values)
    assert found[bad].isna().all()
    assert (found.isna().to_numpy() == (given_values.isna().to_numpy() | bad)).all()


@settings(deadline=None)
@given(st.lists(CELLS, max_size=12), st.sampled_from(KINDS))
def test_coercing_twice_changes_nothing_more(values: list[Any], kind: ColumnType) -> None:
    once, _ = coerce(pd.Series(values, dtype=object), kind)
    twice, bad = coerce(once, kind)
    pd.testing.assert_series_equal(once, twice)
    assert not bad.any()
