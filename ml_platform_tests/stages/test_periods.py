"""Periods follow each other without a gap, whatever they are called by."""

from __future__ import annotations

import datetime as dt
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml_platform.core.errors import DataInvalid
from ml_platform.policy.spec import WindowKind
from ml_platform.stages.periods import month, period_at, period_named

KINDS: tuple[WindowKind, ...] = get_args(WindowKind)
MOMENTS = st.datetimes(dt.datetime(1970, 1, 1), dt.datetime(2100, 1, 1), timezones=st.just(dt.UTC))  # noqa: DTZ001


@given(MOMENTS, st.sampled_from(KINDS))
def test_a_moment_lies_in_its_period_and_the_next_begins_where_it_ends(moment: dt.datetime, kind: WindowKind) -> None:
    found = period_at(kind, moment)
    assert found.start <= moment < found.end
    assert period_named(kind, found.name) == found
    assert period_at(kind, found.end).start == found.end


def test_another_zone_means_the_same_moment() -> None:
    zone = dt.timezone(dt.timedelta(hours=5))
    assert period_at("day", dt.datetime(2013, 6, 2, 3, tzinfo=zone)).name == "2013-06-01"


@pytest.mark.parametrize("name", ["2013", "2013-13", "June", "2013-06-01", ""])
def test_a_month_that_is_not_one_is_refused_with_the_form_that_is_needed(name: str) -> None:
    with pytest.raises(DataInvalid, match="a month is written like 2013-06"):
        month(name)


@pytest.mark.parametrize("kind", ["hour", "day"])
def test_another_kind_is_refused_with_its_own_form(kind: WindowKind) -> None:
    with pytest.raises(DataInvalid, match="is written like 2013-06-01"):
        period_named(kind, "2013-06")
