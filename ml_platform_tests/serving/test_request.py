"""Requests come in MLflow's formats; what isn't one of them is refused in words."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ml_platform.serving.refusal import Refused
from ml_platform.serving.request import parse

ROWS = [{"a": 1, "b": "x:y"}, {"a": 2.5, "b": None}]
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=12,
)


def refused(body: bytes | str) -> Refused:
    with pytest.raises(Refused) as caught:
        parse(body if isinstance(body, bytes) else body.encode())
    return caught.value


@contextlib.contextmanager
def suppress_refused() -> Iterator[list[int]]:
    statuses: list[int] = []
    try:
        yield statuses
    except Refused as error:
        statuses.append(error.status)


@pytest.mark.parametrize(
    "content",
    [
        {"dataframe_records": ROWS},
        {"dataframe_split": {"columns": ["a", "b"], "data": [[1, "x:y"], [2.5, None]]}},
        {"dataframe_split": {"columns": ["a", "b"], "index": [0, 1], "data": [[1, "x:y"], [2.5, None]]}},
        {"inputs": ROWS},
        {"instances": ROWS},
        {"inputs": {"a": [1, 2.5], "b": ["x:y", None]}},
        {"dataframe_records": ROWS, "params": {}},
    ],
)
def test_every_format_says_the_same_rows(content: object) -> None:
    assert parse(json.dumps(content).encode()) == ROWS


def test_nan_as_pandas_and_numpy_write_it_is_a_missing_value() -> None:
    assert parse(b'{"inputs": [{"a": NaN, "b": "NaN"}]}') == [{"a": None, "b": "NaN"}]


def test_columns_of_single_values_are_one_row() -> None:
    assert parse(b'{"inputs": {"a": 1, "b": "x:y"}}') == ROWS[:1]


@pytest.mark.parametrize(
    ("body", "seen"),
    [
        ("", "isn't JSON"),
        ("{", "isn't JSON"),
        ('{"inputs": [{"a": NaN, "b": Infinity}]}', "Infinity is no number; null is a missing one"),
        ('{"inputs": [{"a": NaN, "a": 1}]}', "the key 'a' is given twice"),
        ('{"inputs": [{"a": nan}]}', "isn't JSON"),
        ('{"inputs": [{"a": -NaN}]}', "isn't JSON"),
        ('{"inputs": [{"a": Infinity}]}', "isn't JSON"),
        ('{"inputs": [{"a": 1e999}]}', "isn't JSON"),
        ("[1]", "the body is a list"),
        ("null", "the body is null"),
        ("{}", "the body has no key"),
        ('{"columns": [], "data": []}', "the body has 'columns', 'data'"),
        ('{"inputs": [{"a": 1}], "instances": [{"a": 1}]}', "the body has 'inputs', 'instances'"),
        ('{"inputs": [{"a": 1}], "params": {"x": 1}}', "'params'"),
        ('{"inputs": []}', "'inputs' holds no row"),
        ('{"inputs": {}}', "'inputs' holds no row"),
        ('{"inputs": {"a": []}}', "'inputs' holds no row"),
        ('{"inputs": 1}', "'inputs' is a number"),
        ('{"inputs": [[1, 2]]}', "row 0 of 'inputs' is a list, not an object that names its columns"),
        ('{"inputs": {"a": [1, 2], "b": [1]}}', r"different lengths \(1 to 2\)"),
        ('{"dataframe_records": {"a": 1}}', "'dataframe_records' is an object"),
        ('{"dataframe_records": [{"a": 1}, 2]}', "row 1 of 'dataframe_records' is a number"),
        ('{"dataframe_split": {"columns": ["a"]}}', "with 'columns' and 'data'"),
        ('{"dataframe_split": {"columns": [1], "data": [[1]]}}', "isn't a list of names"),
        ('{"dataframe_split": {"columns": ["a", "a"], "data": [[1, 2]]}}', "names a column twice"),
        ('{"dataframe_split": {"columns": ["a"], "data": {}}}', "not a list of rows"),
        ('{"dataframe_split": {"columns": ["a"], "data": [[1], [1, 2]]}}', "row 1 .* isn't a list of 1 values"),
        ('{"inputs": [{"a": 1, "a": 2}]}', "the key 'a' is given twice"),
        ('{"inputs": [{"a": 1}], "inputs": [{"a": 1}]}', "the key 'inputs' is given twice"),
        ('{"inputs": [{"a": 1, "a": "\\u003a"}]}', "the key 'a' is given twice"),
        ('{"inputs": [{"a": ":", "a": ":"}]}', "the key 'a' is given twice"),
    ],
)
def test_what_is_no_request_is_refused_in_words(body: str, seen: str) -> None:
    error = refused(body)
    assert error.status == 400
    with pytest.raises(AssertionError, match=seen):
        raise AssertionError(error.body.message)


@pytest.mark.parametrize("deep", ["[" * 100_000, '{"inputs":' + "[" * 900 + "]" * 900 + "}", '{"a":' * 5_000])
def test_deep_json_is_refused(deep: str) -> None:
    assert refused(deep).status == 400


def test_bytes_that_are_not_utf8_are_refused() -> None:
    assert refused(b'{"inputs": [{"a": "\xff\xfe"}]}').status == 400


def test_too_many_rows_are_refused() -> None:
    error = refused(json.dumps({"inputs": [{"a": 1}] * 10_001}))
    assert (error.status, "at most 10,000" in error.body.message) == (413, True)


def test_a_million_characters_as_a_key_are_shortened_in_the_answer() -> None:
    assert len(refused(json.dumps({"x" * 1_000_000: 1})).body.message) < 300


@given(st.binary(max_size=60))
def test_any_bytes_are_refused_or_rows(body: bytes) -> None:
    with suppress_refused() as statuses:
        assert parse(body)
    assert set(statuses) <= {400}


@given(JSON_VALUES, st.sampled_from(["inputs", "instances", "dataframe_records", "dataframe_split", "x"]))
def test_any_json_is_refused_or_rows(value: object, key: str) -> None:
    with suppress_refused() as statuses:
        rows = parse(json.dumps({key: value}).encode())
        assert rows
        assert all(isinstance(row, dict) for row in rows)
    assert set(statuses) <= {400}


PAIRS = st.lists(
    st.tuples(st.sampled_from(["a", "b", "c", ":"]), st.sampled_from(["1", '":"', '"\\u003a"'])), min_size=1
)


@given(PAIRS)
@example([("a", "1"), ("a", '"\\u003a"')])
def test_exactly_the_rows_with_a_key_given_twice_are_refused(pairs: list[tuple[str, str]]) -> None:
    body = '{"inputs": [{' + ", ".join(f'"{key}": {value}' for key, value in pairs) + "}]}"
    if len({key for key, _ in pairs}) == len(pairs):
        assert len(parse(body.encode())) == 1
    else:
        assert "given twice" in refused(body).body.message
