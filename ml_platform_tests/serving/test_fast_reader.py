"""The fast way accepts only what the slow way accepts, with the same rows; good requests do take it."""

from __future__ import annotations

import dataclasses
import json

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ml_platform.core.scoring import InputColumn
from ml_platform.serving.contract_check import ContractCheck
from ml_platform.serving.fast_reader import FastReader
from ml_platform.serving.refusal import Refused
from ml_platform.serving.request import parse
from ml_platform_tests.serving.small_model import CONTRACT, GOOD_ROW, LEVELS, make_rows

ODD = dataclasses.replace(
    CONTRACT,
    time="when",
    inputs=(
        InputColumn(name="a b", type="number", low=0.5, high=1e9),
        InputColumn(name="class", type="integer", low=-0.5, high=2.5, missing=0.1),
        InputColumn(name="q é", type="category", levels=("x:y", "é", ""), missing=0.1),
        InputColumn(name="when", type="datetime"),
        InputColumn(name="free", type="category"),
        InputColumn(name="yes", type="boolean"),
        InputColumn(name="any", type="number"),
        InputColumn(name="whole", type="integer"),
    ),
)
ODD_ROW: dict[str, object] = {
    "a b": 0.5, "class": 1, "q é": "x:y", "when": "2013-06-01T10:00:00Z", "free": "z:z", "yes": True, "any": -1.5,
    "whole": 7,
}  # fmt: skip


def slow(body: bytes, contract_check: ContractCheck) -> object:
    try:
        rows = parse(body)
        return rows, contract_check.check(rows)
    except Refused as error:
        return error.body


def fast(body: bytes, reader: FastReader, contract_check: ContractCheck) -> object:
    rows = reader.read(body)
    checked = None if rows is None else contract_check.check_times(rows)
    return None if checked is None else (rows, checked)


WAYS = {
    "toy": (FastReader(CONTRACT), ContractCheck(CONTRACT, LEVELS), GOOD_ROW),
    "odd": (FastReader(ODD), ContractCheck(ODD, {"free": ["z:z"]}), ODD_ROW),
}


@pytest.mark.parametrize("key", ["dataframe_records", "inputs", "instances"])
@pytest.mark.parametrize("rows", [[GOOD_ROW], make_rows(30), [{**GOOD_ROW, "departs": "2013-06-01T10:00:00-04:00"}]])
def test_good_requests_take_the_fast_way(key: str, rows: list[dict[str, object]]) -> None:
    reader, check, _ = WAYS["toy"]
    body = json.dumps({key: rows}).encode()
    assert fast(body, reader, check) == slow(body, check)


@pytest.mark.parametrize(
    "column",
    [
        InputColumn(name='q"', type="number"),
        InputColumn(name="q\\", type="number"),
        InputColumn(name="q\n", type="number"),
        InputColumn(name="q", type="category", levels=()),
    ],
)
def test_a_contract_the_decoder_cannot_express_takes_the_slow_way(column: InputColumn) -> None:
    reader = FastReader(dataclasses.replace(CONTRACT, inputs=(column,), time=None))
    assert reader.read(json.dumps({"inputs": [{column.name: 1.0}]}).encode()) is None


def test_odd_names_and_levels_with_colons_take_the_fast_way() -> None:
    reader, check, row = WAYS["odd"]
    body = json.dumps({"inputs": [row, {**row, "class": None, "q é": ""}]}, ensure_ascii=False).encode()
    assert fast(body, reader, check) == slow(body, check)


NUMBERS = (
    st.integers() | st.floats() | st.sampled_from([0, -0.0, 1e308, 10**309, 2**53, 2**53 + 1, 2**64, 0.5, 2.5, 1e9])
)
VALUES = NUMBERS | st.none() | st.booleans() | st.text(max_size=4) | st.lists(st.integers(), max_size=1)
VALUES |= st.sampled_from(["x:y", "é", "", ":", "a" * 256, "a" * 257, "2013-06-01", "2013-02-30", "EWR", "\u003a"])


@settings(max_examples=300, deadline=None)
@given(st.data(), st.sampled_from(sorted(WAYS)), st.booleans())
def test_whatever_the_fast_way_accepts_the_slow_way_accepts_with_the_same_rows(
    data: st.DataObject, which: str, ascii_only: bool
) -> None:
    reader, check, good = WAYS[which]
    extra = st.dictionaries(st.sampled_from([*good, "departs", "unknown"]), VALUES, max_size=3)
    dropped = data.draw(st.sampled_from([None, None, None, *good]))
    rows = [{**good, **more} for more in data.draw(st.lists(extra, min_size=0, max_size=3))]
    rows = [{name: value for name, value in row.items() if name != dropped} for row in rows]
    key = data.draw(st.sampled_from(["dataframe_records", "inputs", "instances", "params", "x"]))
    body = json.dumps({key: rows}, ensure_ascii=ascii_only).encode()
    found = fast(body, reader, check)
    assert found in (None, slow(body, check))


PAIRS = st.lists(st.sampled_from([*[(name, value) for name, value in GOOD_ROW.items()], ("departs", None)]), max_size=3)


@given(PAIRS, st.booleans())
@example([("carrier", "AA:AA")], True)
@example([("carrier", "A\\u003aA")], False)
def test_a_key_given_twice_never_takes_the_fast_way(twice: list[tuple[str, object]], first: bool) -> None:
    reader, check, _ = WAYS["toy"]
    more = ", ".join(f"{json.dumps(name)}: {json.dumps(value)}" for name, value in twice if name != "departs")
    good = json.dumps(GOOD_ROW)[1:-1]
    pairs = ", ".join(part for part in ((more, good) if first else (good, more)) if part)
    body = ('{"inputs": [{' + pairs + "}]}").encode()
    found = fast(body, reader, check)
    assert found in (None, slow(body, check))
    assert (found is None) == bool(more)
