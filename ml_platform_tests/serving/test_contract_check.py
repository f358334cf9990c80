"""Every value of a request is checked against the contract, all problems are said, no value is repeated."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml_platform.core.scoring import InputColumn
from ml_platform.serving.contract_check import Checked, ContractCheck
from ml_platform.serving.refusal import PROBLEMS_SHOWN, Refused
from ml_platform.stages.encode import encode_rows
from ml_platform_tests.serving.small_model import CONTRACT, GOOD_ROW, LEVELS, make_rows, with_input

CHECK = ContractCheck(CONTRACT, LEVELS)
MARK = "Q7Q7Q7"


def problems_of(row: dict[str, object]) -> dict[str | None, str]:
    with pytest.raises(Refused) as caught:
        CHECK.check([row])
    assert caught.value.status == 422
    return {problem.column: problem.problem for problem in caught.value.body.problems}


def test_rows_that_keep_the_contract_pass() -> None:
    rows = make_rows(50)
    checked = CHECK.check(rows)
    assert checked.event_times == [None] * 50


@pytest.mark.parametrize(
    ("column", "value", "seen"),
    [
        ("hour", "9", "it is a string"),
        ("hour", True, "it is true or false"),
        ("hour", 9.5, "whole number"),
        ("hour", [9], "it is a list"),
        ("hour", {"x": 9}, "it is an object"),
        ("hour", None, "allows no missing value"),
        ("hour", -1, "below the declared range, 0 to 23"),
        ("hour", 24, "above the declared range, 0 to 23"),
        ("hour", 10**30, "whole number"),
        ("distance", "NaN", "it is a string"),
        ("distance", "Infinity", "it is a string"),
        ("distance", False, "it is true or false"),
        ("distance", float("nan"), "a finite number is needed"),
        ("distance", float("inf"), "a finite number is needed"),
        ("distance", 10**400, "a finite number is needed"),
        ("wind", -0.1, "below the declared range, 0 or more"),
        ("carrier", 7.5, "it is a number, a string or a whole number is needed"),
        ("carrier", 10**400, "a string or a whole number is needed"),
        ("carrier", float("nan"), "a string or a whole number is needed"),
        ("carrier", True, "it is true or false, a string or a whole number is needed"),
        ("origin", True, "it is true or false, a string or a whole number is needed"),
        ("origin", ["EWR"], "it is a list"),
        ("origin", 7, "none of the declared levels: EWR, JFK, LGA"),
        ("carrier", "x" * 1_000_000, "longer than 256"),
        ("origin", "CDG", "none of the declared levels: EWR, JFK, LGA"),
        ("origin", None, "allows no missing value"),
        ("weekend", 1, "not true or false"),
        ("weekend", "true", "not true or false"),
        ("departs", 5, "a time like"),
        ("departs", "yesterday", "a time like"),
        ("departs", "9999-99-99", "a time like"),
        ("departs", "0001-01-01T00:00:00+23:59", "a time like"),
    ],
)
def test_a_value_outside_the_contract_is_refused(column: str, value: object, seen: str) -> None:
    assert seen in problems_of({**GOOD_ROW, column: value})[column]


def test_a_missing_and_an_unknown_column_are_both_named() -> None:
    row = {name: value for name, value in GOOD_ROW.items() if name != "wind"} | {"wnid": 3.0}
    problems = problems_of(row)
    assert "it isn't there" in problems["wind"]
    assert "it isn't in the contract, which has hour, distance" in problems["wnid"]


@pytest.mark.parametrize("value", [9.0, 0, 23])
def test_a_whole_number_may_be_written_as_any_json_number(value: object) -> None:
    CHECK.check([{**GOOD_ROW, "hour": value}])


def test_null_passes_where_the_contract_allows_missing_values() -> None:
    CHECK.check([{**GOOD_ROW, "wind": None, "weekend": None}])


def test_a_level_that_was_only_learned_is_flagged_and_not_refused() -> None:
    rows = [{**GOOD_ROW, "carrier": "ZZ"}, {**GOOD_ROW, "carrier": "AA"}]
    assert CHECK.check(rows).unseen == [("carrier",), ()]


@pytest.mark.parametrize("levels", [("0", "2"), None])
@pytest.mark.parametrize("value", [2, 2.0, "2", "2.0"], ids=repr)
def test_a_whole_number_as_a_category_is_written_as_its_level(value: object, levels: tuple[str, ...] | None) -> None:
    contract = with_input(InputColumn(name="origin", type="category", levels=levels))
    row = {**GOOD_ROW, "origin": value}
    assert ContractCheck(contract, {**LEVELS, "origin": ("0", "2")}).check([row]).unseen == [()]
    assert row["origin"] == "2"


def test_a_whole_number_that_was_never_learned_is_flagged_and_logged_as_text() -> None:
    row = {**GOOD_ROW, "carrier": 7}
    assert CHECK.check([row]).unseen == [("carrier",)]
    assert row["carrier"] == "7"


def test_the_event_time_is_read_as_utc() -> None:
    noon = dt.datetime(2013, 6, 1, 12, tzinfo=dt.UTC)
    rows = [
        {**GOOD_ROW, "departs": text}
        for text in ("2013-06-01T12:00:00", "2013-06-01T12:00:00Z", "2013-06-01T08:00:00-04:00")
    ]
    assert CHECK.check(rows).event_times == [noon] * 3


def test_a_time_that_is_an_input_too_is_needed() -> None:
    column = InputColumn(name="departs", type="datetime")
    contract = with_input(column)
    contract = type(contract)(
        model="m", inputs=(column,), time="departs", features_module="f", code_digest="c", feature_names=("departs",),
        categorical=(), threshold=0.5,
    )  # fmt: skip
    check = ContractCheck(contract, {})
    assert check.check([{"departs": "2013-06-01"}]) == Checked([dt.datetime(2013, 6, 1, tzinfo=dt.UTC)], [()])
    with pytest.raises(Refused, match="it isn't there"):
        check.check([{}])


def test_all_problems_are_counted_and_the_first_are_shown() -> None:
    rows = [{**GOOD_ROW, "hour": "x", "distance": None} for _ in range(30)]
    with pytest.raises(Refused) as caught:
        CHECK.check(rows)
    body = caught.value.body
    assert (len(body.problems), body.problems_found) == (PROBLEMS_SHOWN, 60)
    assert [(problem.row, problem.column) for problem in body.problems[:3]] == [
        (0, "hour"),
        (0, "distance"),
        (1, "hour"),
    ]


def test_counting_problems_ends_somewhere() -> None:
    with pytest.raises(Refused, match="at least 1,000 problems"):
        CHECK.check([{**GOOD_ROW, "hour": "x"}] * 5_000)


@given(st.sampled_from(sorted(GOOD_ROW)), st.sampled_from([MARK, [MARK], {MARK: MARK}, 777777.5, -777777, True, None]))
def test_no_answer_repeats_a_value(column: str, value: object) -> None:
    try:
        CHECK.check([{**GOOD_ROW, column: value}])
    except Refused as error:
        said = f"{error.body}"
        assert MARK not in said
        assert "777777" not in said


VALUES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.just("2013-06-01")


@given(st.fixed_dictionaries({name: st.just(value) | VALUES for name, value in GOOD_ROW.items()}))
def test_whatever_passes_can_be_encoded(row: dict[str, object]) -> None:
    try:
        CHECK.check([row])
    except Refused:
        return
    encode_rows(CONTRACT.inputs, LEVELS, [row])
