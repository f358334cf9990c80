from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest

from ml_platform.stages.contract import check_contract
from ml_platform.stages.inspect_new_rows import MOST_REFERENCE_ROWS, inspect_new_rows
from ml_platform.stages.inspection.measure import TELLS_NO_VALUE
from ml_platform_tests.stages.parcels import parcel_rows, parcel_spec

if TYPE_CHECKING:
    from pathlib import Path

    from ml_platform.core.measurement import Measurement
    from ml_platform.policy.spec import ModelSpec

TOLD = TELLS_NO_VALUE | {"hypotheses", "findings", "smallest_detectable", "kind", "p_value"}


def rows_of(spec: ModelSpec, rows: int = 600, seed: int = 3) -> pd.DataFrame:
    return check_contract(spec, parcel_rows(rows, seed=seed)).accepted


def named(found: tuple[Measurement, ...], metric: str) -> list[Measurement]:
    return [one for one in found if one.metric == metric and one.value]


@pytest.fixture
def spec(tmp_path: Path) -> ModelSpec:
    return parcel_spec(tmp_path)


def test_only_rows_from_the_references_end_on_are_inspected(spec: ModelSpec) -> None:
    rows = rows_of(spec)
    end = rows["sent"].iloc[400]
    reference = rows.iloc[:400]
    found = inspect_new_rows(spec, reference, rows, end.to_pydatetime(), suspects=())
    assert {one.n for one in found.measurements} == {200}
    assert all(one.value == 0 for one in found.measurements)
    assert found.compared is None


def test_without_a_new_row_nothing_is_measured(spec: ModelSpec) -> None:
    rows = rows_of(spec)
    assert inspect_new_rows(spec, rows, rows, dt.datetime(2030, 1, 1, tzinfo=dt.UTC), suspects=()).measurements == ()
    assert inspect_new_rows(spec, rows, rows, None, suspects=()).measurements == ()


def test_without_an_end_rows_that_equal_none_of_the_references_are_new(spec: ModelSpec) -> None:
    rows = rows_of(spec)
    found = inspect_new_rows(spec, rows.iloc[:350], rows, None, suspects=())
    assert {one.n for one in found.measurements} == {250}


LATER = dt.datetime(2030, 1, 1, tzinfo=dt.UTC)


@pytest.mark.parametrize("end", [LATER, None])
def test_rows_that_were_changed_in_place_are_inspected(spec: ModelSpec, end: dt.datetime | None) -> None:
    rows = rows_of(spec)
    changed = rows.copy()
    changed.loc[:199, "weight"] *= 40
    found = inspect_new_rows(spec, rows, changed, end, suspects=())
    assert {one.n for one in found.measurements if one.subject != "pieces"} == {200}
    assert {one.subject for one in named(found.measurements, "batch_distribution_shift")} == {"weight"}


@pytest.mark.parametrize(("rows", "inspected"), [(3, 0), (19, 0), (20, 20)])
def test_a_correction_of_a_few_rows_among_thousands_does_not_wait_for_more(
    spec: ModelSpec, rows: int, inspected: int
) -> None:
    many = rows_of(spec, 20_500)
    changed = many.copy()
    changed.loc[: rows - 1, "weight"] += 1.5
    found = inspect_new_rows(spec, many, changed, None, suspects=())
    assert {one.n for one in found.measurements if one.subject != "pieces"} == ({inspected} if inspected else set())
    small = inspect_new_rows(spec, many.iloc[:600], changed.iloc[:600], None, suspects=())
    assert {one.n for one in small.measurements if one.subject != "pieces"} == {rows}


def test_rows_that_came_late_are_inspected_beside_those_from_the_end_on(spec: ModelSpec) -> None:
    rows = rows_of(spec)
    end = rows["sent"].iloc[500].to_pydatetime()
    assert {one.n for one in inspect_new_rows(spec, rows.iloc[50:500], rows, end, suspects=()).measurements} == {150}


def test_a_row_that_is_delivered_again_for_an_earlier_time_is_new(spec: ModelSpec) -> None:
    rows = rows_of(spec)
    twice = pd.concat([rows, rows.iloc[:60]], ignore_index=True)
    found = inspect_new_rows(spec, rows, twice, LATER, suspects=())
    assert {one.n for one in found.measurements} == {60}
    assert named(found.measurements, "batch_repeated_rows")


def test_a_change_in_what_is_not_inspected_makes_no_row_new(spec: ModelSpec) -> None:
    rows = rows_of(spec)
    changed = rows.assign(number=rows["number"] + 10_000, customer=0)
    assert inspect_new_rows(spec, rows, changed, LATER, suspects=()).measurements == ()


def test_a_fault_in_new_rows_is_measured_and_personal_columns_keep_their_values(spec: ModelSpec) -> None:
    reference, new = rows_of(spec), rows_of(spec, 400, seed=9)
    new["weight"] = new["weight"].where(np.arange(400) > 60, 97.25)
    new["crew"] = "canary-crew"
    found = inspect_new_rows(spec, reference, new, None, suspects=())
    weight = [one for one in named(found.measurements, "batch_distribution_shift") if one.subject == "weight"]
    assert weight[0].facts["to"] == 97.25
    crew = [one for one in found.measurements if "crew" in one.subject.split(", ")]
    assert crew
    assert all(set(one.facts) <= TOLD for one in crew)
    assert "canary-crew" not in repr(found)
    assert {one.subject for one in found.measurements}.isdisjoint({"sent", "customer"})


def test_no_value_of_a_column_that_looks_personal_is_told(spec: ModelSpec) -> None:
    reference, new = rows_of(spec), rows_of(spec, 400, seed=9)
    new["carrier"] = new["carrier"].astype(object).where(np.arange(400) > 60, "canary-carrier")
    told, masked = (inspect_new_rows(spec, reference, new, None, suspects=names) for names in ((), {"carrier"}))
    assert "canary-carrier" in repr(told)
    assert masked.measurements
    assert "canary-carrier" not in repr(masked)


def test_of_a_large_reference_a_fixed_sample_is_compared_with(spec: ModelSpec, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ml_platform.stages.inspect_new_rows.MOST_REFERENCE_ROWS", 300)
    rows = rows_of(spec)
    again = [inspect_new_rows(spec, rows.iloc[:400], rows, None, suspects=()).measurements for _ in range(2)]
    assert again[0] == again[1]
    assert MOST_REFERENCE_ROWS == 50_000
