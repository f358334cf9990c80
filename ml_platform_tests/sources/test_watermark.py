from __future__ import annotations

import datetime as dt
from decimal import Decimal

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ml_platform.core.errors import DataInvalid
from ml_platform.sources.watermark import Value, Watermark, read_back, written

VALUES = st.one_of(
    st.datetimes(timezones=st.one_of(st.none(), st.just(dt.UTC))),
    st.dates(),
    st.integers(),
    st.floats(allow_nan=False),
    st.text(),
    st.decimals(allow_nan=False),
)


@settings(deadline=None, max_examples=40)
@given(VALUES)
def test_a_watermark_comes_back_as_it_was(value: Value) -> None:
    kept = msgspec.json.decode(msgspec.json.encode(written("t", value)), type=Watermark)
    assert (read_back("t", kept), type(read_back("t", kept))) == (value, type(value))


@pytest.mark.parametrize("value", [True, b"x", None, [1]])
def test_what_does_not_grow_is_no_watermark(value: object) -> None:
    with pytest.raises(DataInvalid, match="times, numbers or texts that grow"):
        written("t", value)


def test_a_kind_of_another_version_is_refused() -> None:
    with pytest.raises(DataInvalid, match="that grow"):
        read_back("t", Watermark("complex", "1j"))


def test_a_number_is_not_changed_on_the_way() -> None:
    assert read_back("t", written("t", Decimal("1.10"))) == Decimal("1.10")
