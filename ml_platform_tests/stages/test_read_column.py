from __future__ import annotations

import datetime as dt
import decimal
import json
from typing import Any

import numpy as np
import pandas as pd
import pytest

from ml_platform.policy.spec import Column
from ml_platform.stages.read_column import Read, read_column

DAY = dt.datetime(2024, 2, 1, tzinfo=dt.UTC)


def read(values: Any, kind: str, coerce: list[dict[str, Any]] | None = None, dtype: Any = object) -> Read:
    said: dict[str, Any] = {"type": kind} | ({} if coerce is None else {"coerce": coerce})
    return read_column(pd.Series(values, dtype=dtype), Column.model_validate_json(json.dumps(said)))


def cells(found: Read) -> list[Any]:
    return [
        "bad" if bad else None if pd.isna(value) else value for value, bad in zip(found.values, found.bad, strict=True)
    ]


@pytest.mark.parametrize(
    ("values", "kind", "coerced"),
    [
        ([1, 2.5, None, np.nan], "number", {}),
        ([1, "2", True, None], "number", {"text read as number": 1, "boolean read as number": 1}),
        (["1", "x", "3"], "integer", {"text read as integer": 2}),
        (["a", 2, True, decimal.Decimal(3)], "category", {"number read as category": 2, "boolean read as category": 1}),
        (["true", 1, True, "maybe"], "boolean", {"text read as boolean": 1, "number read as boolean": 1}),
        (["2024-02-01", DAY, dt.date(2024, 2, 1), pd.NaT], "datetime",
         {"text read as datetime": 1, "time without a zone read as datetime": 1}),
        ([DAY, None], "datetime", {}),
        ([[1], {}], "category", {"something else read as category": 2}),
        ([decimal.Decimal("NaN"), pd.NA, np.bool_(True)], "boolean", {}),
        ([np.datetime64("NaT"), np.datetime64("2024-02-01")], "datetime", {"time without a zone read as datetime": 1}),
    ],
)  # fmt: skip
def test_what_no_statement_allows_is_converted_and_counted(
    values: list[Any], kind: str, coerced: dict[str, int]
) -> None:
    assert read(values, kind).coerced == coerced


@pytest.mark.parametrize(
    ("dtype", "kind", "coerced"),
    [
        ("int64", "number", {}),
        ("bool", "boolean", {}),
        ("str", "category", {}),
        ("datetime64[us, UTC]", "datetime", {}),
        ("int64", "category", {"number read as category": 2}),
        ("bool", "integer", {"boolean read as integer": 2}),
        ("datetime64[ns]", "datetime", {"time without a zone read as datetime": 2}),
        ("timedelta64[s]", "category", {"something else read as category": 2}),
        ("category", "integer", {}),
    ],
)
def test_whole_columns_are_told_by_their_dtype(dtype: str, kind: str, coerced: dict[str, int]) -> None:
    assert read([0, 1], kind, dtype=dtype).coerced == coerced


@pytest.mark.parametrize("kind", ["integer", "number", "category", "boolean", "datetime"])
def test_with_an_empty_list_nothing_is_converted(kind: str) -> None:
    values = {"integer": 1, "number": 1, "category": "x", "boolean": True, "datetime": DAY}
    others = ["7", 7, False, dt.date(2024, 1, 1), [1]]
    found = read([values[kind], *others, None], kind, [])
    assert cells(found)[0] == values[kind]
    own = {"integer": 2, "number": 2, "category": 1, "boolean": 3}.get(kind)
    assert [one for place, one in enumerate(cells(found)[1:-1], 1) if place != own] == ["bad"] * (5 - (own is not None))
    assert cells(found)[-1] is None
    assert found.coerced == {}


@pytest.mark.parametrize(
    ("values", "kind", "coerce", "expected"),
    [
        (["1.234,5", "7", "1,5", "12.34", "1e3", " 7", 2.5, None], "number",
         {"kind": "text_to_number", "decimal": ",", "thousands": "."},
         [1234.5, 7.0, 1.5, "bad", 1000.0, "bad", 2.5, None]),
        (["+1.5", "-.5", "5.", ".", "", "1_0", "nan", "inf", "0x1"], "number", {"kind": "text_to_number"},
         [1.5, -0.5, 5.0, *["bad"] * 6]),
        (["12", "1.5"], "integer", {"kind": "text_to_number"}, [12, "bad"]),
        (["ja", "nein", "Ja", "true", True, None], "boolean",
         {"kind": "text_to_boolean", "true_words": ["ja"], "false_words": ["nein"]},
         [True, False, "bad", "bad", True, None]),
        (["01.02.2024", "32.01.2024", "2024-02-01", DAY, None], "datetime",
         {"kind": "text_to_datetime", "format": "%d.%m.%Y"}, [DAY, "bad", "bad", DAY, None]),
        (["01.02.2024 01:00", "31.03.2024 02:30", "27.10.2024 02:30"], "datetime",
         {"kind": "text_to_datetime", "format": "%d.%m.%Y %H:%M", "zone": "Europe/Berlin"}, [DAY, "bad", "bad"]),
        (["01.02.2024 02:00 +0200"], "datetime",
         {"kind": "text_to_datetime", "format": "%d.%m.%Y %H:%M %z", "zone": "Europe/Berlin"}, [DAY]),
        (["2024-02-01T01:00", "2024-02-01T00:00Z", "2024-02-01 02:00:00+02:00", "0000-01-01", "x"], "datetime",
         {"kind": "text_to_datetime", "zone": "Europe/Berlin"}, [DAY, DAY, DAY, "bad", "bad"]),
        ([dt.datetime(2024, 2, 1, 1), "2024-02-01T01:00"], "datetime",  # noqa: DTZ001 - local, on purpose
         {"kind": "text_to_datetime", "zone": "Europe/Berlin"}, [DAY, DAY]),
        ([dt.datetime(2024, 2, 1, 1), "2024-02-01"], "datetime",  # noqa: DTZ001 - local, on purpose
         {"kind": "local_to_datetime", "zone": "Europe/Berlin"}, [DAY, "bad"]),
        ([DAY.timestamp(), 1e300, np.inf, "1", None], "datetime",
         {"kind": "number_to_datetime", "unit": "seconds"}, [DAY, "bad", "bad", "bad", None]),
        ([19754], "datetime", {"kind": "number_to_datetime", "unit": "days"}, [DAY]),
        ([1, 0.0, 2, True, "1"], "boolean", {"kind": "number_to_boolean"}, [True, False, "bad", True, "bad"]),
        ([2.0, 2.5, "x", True], "category", {"kind": "number_to_category"}, ["2", "2.5", "x", "bad"]),
        ([True, 2.5, "1"], "number", {"kind": "boolean_to_number"}, [1.0, 2.5, "bad"]),
        ([True, "x", 1.5], "category", {"kind": "boolean_to_category"}, ["True", "x", "bad"]),
    ],
)  # fmt: skip
def test_what_a_statement_allows_is_converted_and_nothing_else(
    values: list[Any], kind: str, coerce: dict[str, Any], expected: list[Any]
) -> None:
    assert cells(read(values, kind, [coerce])) == expected


@pytest.mark.parametrize(
    ("values", "dtype", "kind", "coerce", "expected"),
    [
        (["1,5", None, "x"], "category", "number", {"kind": "text_to_number", "decimal": ","}, [1.5, None, "bad"]),
        ([1, 0, 2], "int64", "boolean", {"kind": "number_to_boolean"}, [True, False, "bad"]),
        (["2024-02-01T01:00:00"] * 2, "datetime64[s]", "datetime",
         {"kind": "local_to_datetime", "zone": "Europe/Berlin"}, [DAY] * 2),
        ([1, None], "Int64", "datetime", {"kind": "text_to_datetime"}, ["bad", None]),
        ([], "str", "number", {"kind": "text_to_number"}, []),
    ],
)  # fmt: skip
def test_whole_columns_are_converted_by_statement(
    values: list[Any], dtype: str, kind: str, coerce: dict[str, Any], expected: list[Any]
) -> None:
    assert cells(read(values, kind, [coerce], dtype)) == expected
