"""Statistics of tables: missing, repeated, overlapping, unseen, out of range, old."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from ml_platform.stats.age_seconds import age_seconds
from ml_platform.stats.completeness import completeness
from ml_platform.stats.difference_interval import difference_interval
from ml_platform.stats.duplicate_share import duplicate_share
from ml_platform.stats.intersections import intersections
from ml_platform.stats.levels import levels
from ml_platform.stats.missing_share import missing_rows, missing_share
from ml_platform.stats.missing_share_difference import missing_share_difference
from ml_platform.stats.out_of_range_share import out_of_range_share
from ml_platform.stats.overlap_share import overlap_share
from ml_platform.stats.row_count import row_count
from ml_platform.stats.total_variation import total_variation
from ml_platform.stats.unseen_share import unseen_share
from ml_platform.stats.wilson import wilson
from ml_platform_tests.stats.reading import bounds_of, fact_of, value_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

NAMES = st.lists(st.sampled_from(["a", "b", "c", None]), min_size=1, max_size=40)
NOW = dt.datetime(2013, 5, 1, 12, tzinfo=dt.UTC)


def objects(values: list[str | None]) -> NDArray[np.object_]:
    return np.array(values, dtype=object)


@given(NAMES)
def test_the_missing_share_equals_pandas(values: list[str | None]) -> None:
    column = objects(values)
    assert missing_share(column).value == pytest.approx(pd.isna(column).mean())


@pytest.mark.parametrize(
    "column",
    [
        np.array([1.0, np.nan]),
        np.array(["a", None], dtype=object),
        np.array(["a", pd.NA], dtype=object),
        np.array([pd.Timestamp("2013-01-01"), pd.NaT], dtype=object),
        np.array(["2013-01-01", "NaT"], dtype="datetime64[ns]"),
        np.array([1, "NaT"], dtype="timedelta64[s]"),
        pd.array([1, None], dtype="Int64").to_numpy(dtype=object),
        pd.Series(["a", None], dtype="str").to_numpy(),
    ],
)
def test_every_kind_of_missing_value_is_seen(column: NDArray[np.generic]) -> None:
    assert missing_rows(column, "column").tolist() == [False, True]
    assert levels(column).missing == 1
    assert len(levels(column).present) == 1


@pytest.mark.parametrize("column", [np.array([1, 2]), np.array([True, False]), np.array(["", "NaT"])])
def test_columns_that_can_hold_no_missing_value_have_none(column: NDArray[np.generic]) -> None:
    found = missing_share(column)
    assert (found.value, *bounds_of(found)) == (0.0, 0.0, bounds_of(wilson(0, 2))[1])


def test_a_missing_share_that_falls_is_a_shift_too() -> None:
    old, new = np.where(np.arange(100) < 30, np.nan, 1.0), np.where(np.arange(80) < 4, np.nan, 1.0)
    found = missing_share_difference(old, new, subject="age")
    newcombe = difference_interval(30, 100, 4, 80)
    assert (found.value, found.facts["signed"]) == pytest.approx((0.25, -0.25))
    assert bounds_of(found) == pytest.approx(bounds_of(newcombe))
    assert (found.n, found.subject, found.facts["reference_n"]) == (80, "age", 100)


def test_a_missing_share_without_rows_says_on_which_side() -> None:
    assert missing_share_difference([], [1.0]).reason == "reference: no rows"
    assert missing_share_difference([1.0], []).reason == "current: no rows"


def test_completeness_needs_a_value_in_every_column() -> None:
    found = completeness([1.0, np.nan, 3.0, 4.0], objects(["a", "b", None, "d"]))
    assert (found.value, found.n) == (0.5, 4)
    with pytest.raises(ValueError, match="same number"):
        completeness([1.0], ["a", "b"])


@given(st.lists(st.integers(0, 5), min_size=1, max_size=40))
def test_the_duplicate_share_equals_pandas(hashes: list[int]) -> None:
    found = duplicate_share(hashes)
    assert found.value == pytest.approx(pd.Series(hashes).duplicated().mean())
    assert found.facts["largest"] == max(hashes.count(one) for one in hashes)


def test_a_row_without_hash_can_not_be_compared() -> None:
    assert duplicate_share(objects(["x", None])).reason == "1 of 2 rows have no hash"
    assert overlap_share(objects(["x", None]), ["x"]).reason == "1 rows have no hash"


@given(st.lists(st.integers(0, 9), min_size=1, max_size=30), st.lists(st.integers(0, 9), min_size=1, max_size=30))
def test_the_overlap_share_equals_set_membership(a: list[int], b: list[int]) -> None:
    found = overlap_share(a, b)
    assert found.value == pytest.approx(np.mean([one in set(a) for one in b]))
    assert found.n == len(b)


def test_an_empty_table_overlaps_with_nothing_known() -> None:
    assert overlap_share([], ["x"]).reason == "hashes_a has no rows"
    assert overlap_share(["x"], []).reason == "hashes_b has no rows"


def test_unseen_levels_are_counted_among_the_rows_with_a_value() -> None:
    found = unseen_share(objects(["a", "b", None]), objects(["a", "c", "d", None, "c"]))
    assert (found.value, found.n) == (0.75, 4)
    assert (found.facts["missing"], found.facts["unseen_levels"]) == (1, 2)


def test_unseen_numbers_are_levels_too() -> None:
    assert unseen_share(np.array([1, 2, 3]), np.array([1.0, 4.0])).value == 0.5


def test_nothing_is_unseen_without_known_levels_or_current_values() -> None:
    assert unseen_share(objects([None]), ["a"]).reason == "no level of the reference is known"
    assert unseen_share(["a"], objects([None])).reason == "no current row has a value"


@given(hnp.arrays(np.float64, st.integers(1, 30), elements=st.floats(-10, 10)), st.floats(-5, 0), st.floats(0, 5))
def test_the_out_of_range_share_equals_counting(values: NDArray[np.float64], least: float, greatest: float) -> None:
    expected = np.mean([not least <= value <= greatest for value in values])
    assert out_of_range_share(values, least, greatest).value == pytest.approx(expected)


def test_bounds_are_in_range_may_be_open_and_infinity_never_is() -> None:
    values = [0.0, 10.0, np.inf, -np.inf, np.nan]
    assert out_of_range_share(values, 0, 10).value == 0.5
    assert out_of_range_share(values, None, None).value == 0.5
    assert out_of_range_share(values, 5, None).value == 0.75
    assert out_of_range_share(values, None, 5).facts["missing"] == 1


@pytest.mark.parametrize(("least", "greatest"), [(2, 1), (float("nan"), 1)])
def test_a_range_that_is_none_makes_it_undefined(least: float, greatest: float) -> None:
    found = out_of_range_share([1.0], least, greatest)
    assert found.value is None
    assert "is no range" in found.reason


def test_all_missing_has_no_range_to_leave() -> None:
    assert out_of_range_share([np.nan], 0, 1).reason == "no row has a value"


def test_the_row_count_of_nothing_is_zero() -> None:
    assert row_count([]).value == 0
    assert row_count(pd.DataFrame({"a": [1, 2]})).n == 2


def test_age_is_counted_to_now() -> None:
    assert age_seconds(NOW - dt.timedelta(minutes=5), NOW).value == 300
    assert age_seconds(NOW, NOW).value == 0


def test_the_future_has_no_age() -> None:
    found = age_seconds(NOW + dt.timedelta(seconds=90), NOW, subject="flights")
    assert (found.value, found.reason, found.n) == (None, "the newest moment is 90 s after now", 1)


def test_no_moment_has_no_age() -> None:
    assert (age_seconds(None, NOW).value, age_seconds(None, NOW).n) == (None, 0)


def test_a_moment_without_a_time_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="without a time zone"):
        age_seconds(dt.datetime(2013, 5, 1), NOW)  # noqa: DTZ001  (that is the point)
    with pytest.raises(ValueError, match="now: is"):
        age_seconds(NOW, dt.datetime(2013, 5, 1))  # noqa: DTZ001  (as above)


@given(NAMES, NAMES)
def test_total_variation_is_half_the_absolute_difference(old: list[str | None], new: list[str | None]) -> None:
    every = {*old, *new}
    expected = sum(abs(old.count(one) / len(old) - new.count(one) / len(new)) for one in every) / 2
    found = total_variation(objects(old), objects(new))
    assert found.value == pytest.approx(expected)
    assert 0 <= value_of(found) <= 1 + 1e-12


def test_total_variation_without_shift_is_about_what_chance_gives() -> None:
    rng = np.random.default_rng(1)
    found = [total_variation(rng.integers(0, 6, 300), rng.integers(0, 6, 400)) for _ in range(200)]
    assert np.mean([value_of(one) for one in found]) == pytest.approx(
        fact_of(found[0], "expected_without_shift"), rel=0.1
    )
    assert total_variation(["a", "b"], ["a", "b"], seed=1).low == 0


def test_intersections_join_every_attribute() -> None:
    labels = intersections({"black": np.array([1.0, 0.0, np.nan]), "female": ["yes", "no", "no"], "site": [1, 2, 3]})
    assert labels.tolist() == [
        "black=1, female=yes, site=1",
        "black=0, female=no, site=2",
        "black=missing, female=no, site=3",
    ]


def test_intersections_need_columns_of_one_table() -> None:
    with pytest.raises(ValueError, match="at least one attribute"):
        intersections({})
    with pytest.raises(ValueError, match="same number"):
        intersections({"a": [1], "b": [1, 2]})


def test_large_whole_numbers_stay_different_entities() -> None:
    assert len(levels(np.array([2**60, 2**60 + 1])).names) == 2


def test_levels_of_any_kind_of_column() -> None:
    assert levels(np.array([True, False])).names == ("0", "1")
    assert levels(np.array([], dtype=float)).names == ()
    assert levels(np.array(["2013-01-02", "2013-01-01"], dtype="datetime64[D]")).names == ("2013-01-01", "2013-01-02")
