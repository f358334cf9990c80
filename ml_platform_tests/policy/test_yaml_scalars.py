from __future__ import annotations

import math

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from ml_platform.policy.yaml_scalars import Ambiguous, read_scalar


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", None),
        ("~", None),
        ("null", None),
        ("true", True),
        ("FALSE", False),
        ("0", 0),
        ("-12", -12),
        ("+3", 3),
        ("0.5", 0.5),
        (".5", 0.5),
        ("1e-3", 0.001),
        ("1.0e+2", 100.0),
        ("late", "late"),
        ("Y", "Y"),
        ("1.2.3", "1.2.3"),
        ("2013-05-01", "2013-05-01"),
        ("2013-05-01T00:00:00Z", "2013-05-01T00:00:00Z"),
        ("=", "="),
    ],
)
def test_a_plain_scalar_means_what_yaml_1_2_says(text: str, value: object) -> None:
    found = read_scalar(text)
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize("text", [".nan", ".NaN", ".inf", "-.INF", "nan", "-inf", "Infinity", "1e999"])
def test_a_number_that_is_not_finite_is_refused(text: str) -> None:
    with pytest.raises(Ambiguous, match="needed: a finite number"):
        read_scalar(text)


@pytest.mark.parametrize(
    "text", ["yes", "No", "ON", "off", "010", "-007", "0x1F", "0b11", "0o17", "1:30", "1_000", "1_0.5", "1" * 19]
)
def test_a_scalar_that_readers_take_differently_is_refused_with_the_remedy(text: str) -> None:
    with pytest.raises(Ambiguous, match="quotes"):
        read_scalar(text)


@given(st.text(alphabet="0123456789+-.eExobnNyYaAfF:_~", max_size=8))
def test_whatever_is_accepted_is_finite_and_no_reader_takes_it_for_another_number(text: str) -> None:
    try:
        found = read_scalar(text)
    except Ambiguous:
        return
    assert not isinstance(found, float) or math.isfinite(found)
    try:
        other = yaml.safe_load(text)
    except yaml.YAMLError:
        return
    if isinstance(found, str) and isinstance(other, int | float):
        pytest.fail(f"{text!r} is text here and {other!r} elsewhere")
    if isinstance(found, int | float) and isinstance(other, int | float):
        assert found == other
