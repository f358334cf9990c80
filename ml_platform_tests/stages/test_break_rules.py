from __future__ import annotations

from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from ml_platform.policy.row_rules import RowRule
from ml_platform.stages.break_rules import rows_that_break
from ml_platform.stages.cells import Cells, cells_of
from ml_platform.stages.coerce import ColumnType, coerce

READ: TypeAdapter[Any] = TypeAdapter(RowRule)
TYPES: dict[str, ColumnType] = {
    "a": "number",
    "b": "integer",
    "t": "datetime",
    "u": "datetime",
    "k": "category",
    "m": "category",
    "f": "boolean",
}
ROWS: dict[str, list[Any]] = {
    "a": [1.0, 2.0, None, 3.0],
    "b": [1, 3, 2, None],
    "t": ["2024-01-01T00:00:00Z", "2024-01-02T00:00:00Z", None, "2024-01-04T00:00:00Z"],
    "u": ["2024-01-01T01:00:00+01:00", "2024-01-01T00:00:00Z", "2024-01-01T00:00:00Z", None],
    "k": ["x", "y", None, "z"],
    "m": ["x", "x", "x", "q"],
    "f": [True, False, None, True],
}


def cells(rows: dict[str, list[Any]] = ROWS) -> dict[str, Cells]:
    return {
        name: cells_of(coerce(pd.Series(values, dtype=object), TYPES[name])[0], TYPES[name])
        for name, values in rows.items()
    }


def broken(**rule: Any) -> list[int]:
    found = rows_that_break(READ.validate_python(rule), cells())
    return [place for place, one in enumerate(found) if one]


@pytest.mark.parametrize(
    ("rule", "rows"),
    [
        ({"kind": "compare", "left": "a", "sign": "==", "right": "b"}, [1]),
        ({"kind": "compare", "left": "a", "sign": ">", "right": "b"}, [0, 1]),
        ({"kind": "compare", "left": "a", "sign": "<=", "value": 2}, [3]),
        ({"kind": "compare", "left": "b", "sign": "!=", "value": 3}, [1]),
        ({"kind": "compare", "left": "t", "sign": "==", "right": "u"}, [1]),
        ({"kind": "compare", "left": "t", "sign": "<", "right": "u"}, [0, 1]),
        ({"kind": "compare", "left": "t", "sign": ">=", "value": "2024-01-02T01:00:00+01:00"}, [0]),
        ({"kind": "compare", "left": "k", "sign": "==", "right": "m"}, [1, 3]),
        ({"kind": "compare", "left": "k", "sign": "!=", "right": "m"}, [0]),
        ({"kind": "compare", "left": "k", "sign": "==", "value": "x"}, [1, 3]),
        ({"kind": "compare", "left": "k", "sign": "!=", "value": "x"}, [0]),
        ({"kind": "compare", "left": "f", "sign": "==", "value": True}, [1]),
        ({"kind": "one_of", "column": "k", "values": ("x", "z")}, [1]),
        ({"kind": "one_of", "column": "b", "values": (1, 2)}, [1]),
        ({"kind": "present", "column": "k"}, [2]),
        ({"kind": "missing", "column": "k"}, [0, 1, 3]),
        ({"kind": "together", "columns": ("a", "k")}, []),
        ({"kind": "together", "columns": ("a", "b", "k")}, [2, 3]),
        ({"kind": "sum", "of": ("a", "b"), "value": 2.0}, [1]),
        ({"kind": "sum", "of": ("a", "b"), "sign": "!=", "value": 2.0}, [0]),
        ({"kind": "sum", "of": ("a", "b"), "sign": "<", "value": 5.0}, [1]),
        ({"kind": "sum", "of": ("a",), "minus": ("b",), "value": 0.0}, [1]),
        ({"kind": "sum", "of": ("a",), "minus": ("b",), "value": 0.0, "within": 1.0}, []),
        ({"kind": "sum", "of": ("a", "a"), "right": "b", "sign": ">="}, []),
        ({"kind": "sum", "of": ("a",), "right": "b", "sign": ">="}, [1]),
        (
            {
                "kind": "implies",
                "when": ({"kind": "compare", "left": "f", "sign": "==", "value": True},),
                "then": ({"kind": "present", "column": "b"},),
            },
            [3],
        ),
        (
            {
                "kind": "implies",
                "when": ({"kind": "present", "column": "a"}, {"kind": "present", "column": "b"}),
                "then": (
                    {"kind": "compare", "left": "a", "sign": "<", "value": 2},
                    {"kind": "one_of", "column": "k", "values": ("x",)},
                ),
            },
            [1],
        ),
        (
            {
                "kind": "any_of",
                "of": (
                    {"kind": "compare", "left": "a", "sign": "==", "value": 1},
                    {"kind": "missing", "column": "b"},
                    {"kind": "one_of", "column": "k", "values": ("q",)},
                ),
            },
            [1],
        ),
    ],
)
def test_a_rule_breaks_where_it_is_false_and_not_where_a_missing_value_leaves_it_open(
    rule: dict[str, Any], rows: list[int]
) -> None:
    assert broken(**rule) == rows


NUMBER = st.one_of(st.none(), st.integers(-3, 3))


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(NUMBER, NUMBER), min_size=1, max_size=6), st.sampled_from(["==", "!=", "<", "<=", ">", ">="]))
def test_a_comparison_and_its_opposite_break_in_all_rows_but_those_with_a_missing_value(
    pairs: list[tuple[int | None, int | None]], sign: str
) -> None:
    opposite = {"==": "!=", "!=": "==", "<": ">=", ">=": "<", ">": "<=", "<=": ">"}[sign]
    found = cells({"a": [a for a, _ in pairs], "b": [b for _, b in pairs]})
    one, other = (
        rows_that_break(READ.validate_python({"kind": "compare", "left": "a", "sign": each, "right": "b"}), found)
        for each in (sign, opposite)
    )
    assert (one ^ other).tolist() == [a is not None and b is not None for a, b in pairs]
