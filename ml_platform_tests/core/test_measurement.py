"""A measurement never carries a number that isn't one."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml_platform.core.measurement import Measurement, number_text


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_value_that_is_not_finite_becomes_none_with_the_reason(value: float) -> None:
    found = Measurement(metric="psi", value=value, n=10)
    assert found.value is None
    assert found.reason == f"the value was {value}"


def test_a_missing_value_keeps_the_reason_that_was_given() -> None:
    assert Measurement(metric="psi", value=None, n=0, reason="the window is empty").reason == "the window is empty"
    assert Measurement(metric="psi", value=None, n=0).reason == "no value"


@given(st.floats(), st.floats(), st.floats())
def test_every_number_of_a_measurement_is_finite_or_none(value: float, low: float, high: float) -> None:
    found = Measurement(metric="psi", value=value, low=low, high=high, n=1)
    assert all(number is None or math.isfinite(number) for number in (found.value, found.low, found.high))


def test_a_measurement_says_itself_in_one_line() -> None:
    full = Measurement(metric="age", subject="table", value=1.5, low=1, high=2, unit="days", n=1200)
    assert full.text() == "age of table = 1.5 days [1, 2] (n = 1,200)"
    assert Measurement(metric="age", value=2, n=1).text() == "age = 2 (n = 1)"
    assert Measurement(metric="age", value=None, n=0).text() == "age: undefined (no value; n = 0)"


def test_numbers_are_written_for_people() -> None:
    assert number_text(None) == "?"
    assert number_text(-133544.4) == "-133,544"
    assert number_text(0.123456) == "0.1235"
