from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import msgspec
import numpy as np
import pandas as pd
import pytest

from ml_platform.core.compared import COMPARED, FILE, KIND, ComparedColumn, ComparedColumns
from ml_platform.stages.compared_columns import MOST_COLUMNS, compare_columns, offending_columns
from ml_platform.stages.inspection.evidence import Evidence
from ml_platform.stages.inspection.measure import Proven
from ml_platform_tests.stages.parcels import CONTRACT, Parcels, parcel_rows

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from ml_platform.core.measurement import Measurement

SPLIT = dt.datetime(2024, 4, 1, tzinfo=dt.UTC)
CANARY, CANARY_NUMBER = "canary-crew", 98765.4321


def compared(before: Sequence[object], now: Sequence[object], *, masked: bool = False) -> ComparedColumn:
    frames = pd.DataFrame({"a": before}), pd.DataFrame({"a": now})
    (found,) = compare_columns(["a"], *frames, masked={"a"} if masked else set()).columns
    return found


def proven(p: float, effect: float, *columns: str) -> Proven:
    evidence = Evidence(kind="levels", columns=columns, effect=effect, p_value=p, n=9)
    return Proven(metric="batch_level_shift", evidence=evidence, p_value=p)


def test_broken_rules_come_first_then_the_largest_effects_each_column_once() -> None:
    found = [proven(1e-9, 0.1, "a"), proven(1e-5, 0.4, "b", "a"), proven(0, 0.01, "c")]
    assert offending_columns(found) == ["c", "b", "a"]


def test_classes_and_missing_make_one_on_both_sides() -> None:
    rng = np.random.default_rng(2)
    before, now = rng.normal(size=900), rng.normal(2, 1, size=300)
    now[:30] = np.nan
    found = compared(before.tolist(), now.tolist())
    assert sum(found.reference) + found.missing[0] == pytest.approx(1)
    assert sum(found.new) + found.missing[1] == pytest.approx(1)
    assert found.missing == (0.0, 0.1)
    assert len(found.classes) == 12
    assert found.classes[0].startswith("-")
    assert found.reference[0] > found.new[0]
    assert found.new[-1] > found.reference[-1]


def test_a_single_value_is_said_as_such_and_ranges_follow_one_another() -> None:
    found = compared([0] * 50 + list(range(1, 51)), [0] * 20)
    assert found.classes[0] == "0"
    assert found.classes[-1].endswith("to 50")
    assert (found.reference[0], found.new[0]) == (0.5, 1.0)


def test_a_value_that_stands_still_in_few_new_rows_is_a_range_of_its_own() -> None:
    before = np.random.default_rng(4).uniform(0, 60, 2_000).round(2)
    now = np.append(before[:70], np.repeat(31.5, 30))
    found = compared(before.tolist(), now.tolist())
    assert found.new[found.classes.index("31.5")] == pytest.approx(0.3, abs=0.02)


def test_the_most_frequent_levels_those_that_changed_and_all_others_are_told() -> None:
    common = [f"level {place}" for place in range(8) for _ in range(100)]
    rare = [f"rare {place}" for place in range(6) for _ in range(10)]
    found = compared([*common, *rare, "single"], [*common, *["new"] * 30])
    assert found.classes[8] == "new"
    assert found.classes[-1] == "other"
    assert len(found.classes) == 13
    assert "single" not in found.classes


def test_a_column_whose_type_changed_is_compared_as_texts() -> None:
    found = compared([1.5] * 20, ["1.5"] * 12 + ["x"] * 12)
    assert found.classes == ("1.5", "x")
    assert found.new == (0.5, 0.5)


def test_days_and_moments_are_written_in_utc() -> None:
    days = pd.to_datetime(["2024-03-01 00:00"] * 20 + ["2024-03-02 12:30"] * 20, utc=True)
    assert compared(list(days), list(days[:5])).classes == ("2024-03-01", "2024-03-02 12:30")


@pytest.mark.parametrize(
    ("values", "classes"),
    [([7.25] * 40, ("range 1",)), (["Robin"] * 40 + ["Kim"] * 3, ("level 1", "level 2"))],
)
def test_a_masked_column_has_numbered_classes(values: list[object], classes: tuple[str, ...]) -> None:
    found = compared(values, values, masked=True)
    assert found.masked
    assert found.classes == classes


@pytest.mark.parametrize("values", [[None] * 3, []])
def test_a_column_without_values_is_all_missing(values: list[object]) -> None:
    found = compared(values, values)
    assert not found.classes
    assert not found.reference
    assert found.missing == ((1.0, 1.0) if values else (0.0, 0.0))


def test_what_only_one_table_has_is_left_out_and_what_goes_beyond_twelve_is_counted() -> None:
    names = [f"c{place}" for place in range(MOST_COLUMNS + 3)]
    frame = pd.DataFrame({name: [1.0, 2.0] for name in names})
    found = compare_columns(["gone", *names], frame, frame, masked=())
    assert [one.name for one in found.columns] == names[:MOST_COLUMNS]
    assert found.left_out == 3


# Through the snapshot stage: the same source first as the reference, then with the rows that came since.


@pytest.fixture
def faulty(tmp_path: Path) -> Parcels:
    rows = parcel_rows(900)
    new = (pd.to_datetime(rows["sent"]) >= SPLIT).to_numpy()
    some = new & (np.arange(len(rows)) % 3 == 0)
    rows.loc[some, "crew"] = CANARY
    rows.loc[some, "weight"] = CANARY_NUMBER
    rows.loc[some, "carrier"] = "zz"
    contract = CONTRACT | {"weight": {"type": "number", "personal_data": "quasi"}}
    return Parcels(tmp_path, rows, contract=contract)


def both(parcels: Parcels) -> tuple[tuple[Measurement, ...], ComparedColumns | None]:
    reference = parcels.snapshot(as_of=SPLIT).snapshot.record
    found = parcels.snapshot(reference=reference).snapshot.measurements
    digests = [str(one.facts[COMPARED]) for one in found if COMPARED in one.facts]
    if not digests:
        return found, None
    (digest,) = digests
    return found, msgspec.json.decode(parcels.store.read(KIND, digest, FILE), type=ComparedColumns)


def test_a_snapshot_with_findings_stores_the_columns_that_they_name(faulty: Parcels) -> None:
    found, stored = both(faulty)
    assert stored is not None
    columns = {one.name: one for one in stored.columns}
    assert {"crew", "weight", "carrier"} <= set(columns)
    assert [columns[name].masked for name in ("crew", "weight", "carrier")] == [True, True, False]
    assert "zz" in columns["carrier"].classes
    assert (stored.reference_rows, stored.new_rows) == (364, 236)
    assert {one.facts.get("kind") for one in found if one.subject == "weight"} >= {"levels", "extremes"}


def test_no_value_of_a_personal_column_is_measured_or_stored(faulty: Parcels, tmp_path: Path) -> None:
    found, stored = both(faulty)
    told = repr(found) + repr(stored)
    assert CANARY not in told
    assert "98765" not in told
    assert "98,765" not in told
    assert not [one for one in found if one.subject == "weight" and {"largest", "from"} & set(one.facts)]
    for path in (tmp_path / "home" / KIND).rglob("*"):
        assert not path.is_file() or CANARY.encode() not in path.read_bytes()


def test_a_column_that_only_looks_personal_is_masked_too(tmp_path: Path) -> None:
    rows = parcel_rows(900)
    rows["carrier"] = "somebody@example.org"
    rows.loc[pd.to_datetime(rows["sent"]) >= SPLIT, "carrier"] = "else@example.org"
    _, stored = both(Parcels(tmp_path, rows))
    assert stored is not None
    assert "example.org" not in repr(stored)
    assert {one.name: one.masked for one in stored.columns}["carrier"]


def test_sound_new_rows_store_nothing(tmp_path: Path) -> None:
    found, stored = both(Parcels(tmp_path, parcel_rows(900)))
    assert "batch_level_shift" in {one.metric for one in found}
    assert stored is None
    assert not (tmp_path / "home" / KIND).exists()


def test_a_column_that_the_reference_does_not_have_is_a_finding_without_a_plot(tmp_path: Path) -> None:
    parcels = Parcels(tmp_path, parcel_rows(900))
    whole = parcels.spec
    parcels.spec = whole.model_copy(
        update={"contract": {name: one for name, one in whole.contract.items() if name != "express"}}
    )
    reference = parcels.snapshot(as_of=SPLIT).snapshot.record
    parcels.spec = whole
    found = parcels.snapshot(reference=reference).snapshot.measurements
    (one,) = [one for one in found if one.metric == "batch_schema_breaks"]
    assert (one.subject, one.facts["what"]) == ("express", "unknown to the reference")
