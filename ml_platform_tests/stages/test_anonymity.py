from __future__ import annotations

from typing import TYPE_CHECKING

from ml_platform.policy.conditions import conditions_of
from ml_platform.stages.anonymity import measure_anonymity, quasi_columns
from ml_platform_tests.stages.parcels import CONTRACT, parcel_rows, parcel_spec

if TYPE_CHECKING:
    from pathlib import Path


def test_persons_are_counted_within_the_quasi_identifiers_together(tmp_path: Path) -> None:
    quasi = {name: CONTRACT[name] | {"personal_data": "quasi"} for name in ("site", "carrier")}
    spec = parcel_spec(tmp_path, contract=CONTRACT | quasi)
    assert quasi_columns(spec) == ("site", "carrier")
    assert "quasi" in conditions_of(spec)
    rows = parcel_rows()
    smallest, small = measure_anonymity(spec, rows)
    assert smallest.value == rows.groupby(["site", "carrier"])["customer"].nunique().min()
    assert (small.metric, small.value, small.n) == ("small_class_share", 0, 600)
    rows.loc[3, "site"] = "moon"
    smallest, small = measure_anonymity(spec, rows)
    assert (smallest.value, smallest.facts["alone"], small.value) == (1, 1, 1 / 600)


def test_without_an_entity_each_row_is_a_person(tmp_path: Path) -> None:
    contract = CONTRACT | {"customer": {"type": "integer", "role": "not_used", "personal_data": "quasi", "reason": "x"}}
    smallest, small = measure_anonymity(parcel_spec(tmp_path, contract=contract), parcel_rows())
    assert smallest.value == 1
    assert small.value is not None
    assert 0 < small.value < 1


def test_the_entity_alone_is_nothing_to_hide_among(tmp_path: Path) -> None:
    spec = parcel_spec(tmp_path)
    assert list(measure_anonymity(spec, parcel_rows())) == []
    assert "quasi" not in conditions_of(spec)
