from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import pytest

from ml_platform.core.errors import DataInvalid
from ml_platform.stages.snapshot import read_rows
from ml_platform.stages.split import PARTS, make_split, read_parts
from ml_platform.stages.split_measurements import measure_split
from ml_platform_tests.stages.parcels import CONTRACT, Parcels, parcel_rows, parcel_spec

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    import pandas as pd

    from ml_platform.core.measured import Measured
    from ml_platform.core.measurement import Measurement
    from ml_platform.core.records import SplitRecord

ENTITY = {"kind": "entity", "train": 0.6, "validation": 0.1, "calibration": 0.1, "holdout": 0.2, "salt": "s"}


def split(
    folder: Path, rows: pd.DataFrame | None = None, *, as_of: dt.datetime | None = None, **changes: Any
) -> tuple[Measured[SplitRecord], np.ndarray, pd.DataFrame]:
    parcels = Parcels(folder, rows, **changes)
    snapshot = parcels.snapshot(as_of=as_of).snapshot.record
    found = make_split(parcels.spec, store=parcels.store, snapshot=snapshot, as_of=as_of)
    frame = read_rows(parcels.spec, parcels.store, snapshot)
    return found, read_parts(parcels.store, found.record), frame


def test_a_training_part_that_grows_begins_with_the_first_row(tmp_path: Path) -> None:
    as_of = dt.datetime(2024, 6, 9, tzinfo=dt.UTC)
    days = {"kind": "time", "train_days": 1, "validation_days": 20, "calibration_days": 20, "holdout_days": 20}
    days["train_grows"] = True
    found, parts, frame = split(tmp_path, parcel_rows(700), as_of=as_of, split=days)
    assert found.record.rows["unused"] == 0
    assert frame["sent"][parts == "train"].min() == frame["sent"].min()
    assert found.record.boundaries["train"] == "0001-01-01T00:00:00+00:00"


def value(found: tuple[Measurement, ...], metric: str) -> float | None:
    return next(each.value for each in found if each.metric == metric)


def test_a_time_split_counts_back_from_its_day(tmp_path: Path) -> None:
    found, parts, frame = split(tmp_path)
    starts = {part: frame["sent"][parts == part].min().isoformat() for part in PARTS}
    assert starts == {
        "train": "2024-01-01T00:00:00+00:00",
        "validation": "2024-03-31T00:00:00+00:00",
        "calibration": "2024-04-20T00:00:00+00:00",
        "holdout": "2024-05-10T00:00:00+00:00",
    }
    assert found.record.rows == {"train": 360, "validation": 80, "calibration": 80, "holdout": 80, "unused": 0}
    assert found.record.boundaries == starts | {"end": "2024-05-30T00:00:00+00:00"}


def test_rows_older_than_the_training_days_are_unused(tmp_path: Path) -> None:
    as_of = dt.datetime(2024, 6, 9, tzinfo=dt.UTC)
    found, parts, frame = split(tmp_path, parcel_rows(700), as_of=as_of)
    assert found.record.rows["unused"] == (parts == "unused").sum() == 40
    assert frame["sent"][parts == "unused"].max() < frame["sent"][parts == "train"].min()


def test_the_measurements_of_a_clean_time_split(tmp_path: Path) -> None:
    found, parts, frame = split(tmp_path)
    holdout = frame["late"][parts == "holdout"]
    assert {each.metric: each.value for each in found.measurements if each.metric != "entity_overlap_share"} == {
        "row_overlap_share": 0,
        "near_row_overlap_share": 0,
        "time_order_violations": 0,
        "outcomes_known_too_late": 0,
        "train_rows": 360,
        "calibration_rows": 80,
        "holdout_rows": 80,
        "holdout_positives": holdout.sum(),
        "holdout_negatives": (~holdout).sum(),
    }
    assert (value(found.measurements, "entity_overlap_share") or 0) > 0.5


def test_an_entity_split_keeps_each_entity_in_one_part(tmp_path: Path) -> None:
    found, parts, frame = split(tmp_path, split=ENTITY)
    assert frame.assign(part=parts).groupby("customer")["part"].nunique().max() == 1
    assert value(found.measurements, "entity_overlap_share") == 0
    shares = {part: frame["customer"][parts == part].nunique() / frame["customer"].nunique() for part in PARTS}
    assert shares == pytest.approx({"train": 0.6, "validation": 0.1, "calibration": 0.1, "holdout": 0.2}, abs=0.08)
    assert (value(found.measurements, "time_order_violations") or 0) > 0


def test_an_entitys_part_depends_on_the_salt_and_on_nothing_else(tmp_path: Path) -> None:
    first, second, other = (tmp_path / name for name in "abc")
    for folder in (first, second, other):
        folder.mkdir()
    _, parts, frame = split(first, split=ENTITY)
    _, shuffled, shuffled_frame = split(second, parcel_rows().sample(frac=0.7, random_state=2), split=ENTITY)
    _, salted, _ = split(other, split=ENTITY | {"salt": "t"})
    part_of = dict(zip(frame["customer"], parts, strict=True))
    assert [part_of[customer] for customer in shuffled_frame["customer"]] == shuffled.tolist()
    assert (salted != parts).mean() > 0.2


def test_the_same_split_again_is_unchanged(tmp_path: Path) -> None:
    first, _, _ = split(tmp_path)
    again, _, _ = split(tmp_path)
    assert (first.unchanged, again.unchanged) == (False, True)
    assert first.record == again.record


def test_an_empty_part_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataInvalid, match="split leaves train without rows"):
        split(tmp_path, parcel_rows().iloc[400:])


def test_a_time_split_without_a_day_is_refused(tmp_path: Path) -> None:
    parcels = Parcels(tmp_path)
    source = parcels.spec.source.model_dump(mode="json") | {"as_of": None}
    parcels.spec = parcel_spec(parcels.path, source=source)
    with pytest.raises(DataInvalid, match=r"none is set; set source\.as_of"):
        make_split(parcels.spec, store=parcels.store, snapshot=parcels.snapshot().snapshot.record, as_of=None)


def test_rows_of_one_part_that_were_seen_in_another_are_measured(tmp_path: Path) -> None:
    rows = parcel_rows()
    copied = [name for name in rows.columns if name not in {"number", "customer", "sent"}]
    rows.loc[560:599, copied] = rows.loc[0:39, copied].to_numpy()
    found, _, _ = split(tmp_path, rows)
    assert value(found.measurements, "row_overlap_share") == pytest.approx(40 / 160, abs=0.05)
    assert (value(found.measurements, "near_row_overlap_share") or 0) > 0.15


def test_rows_that_are_not_later_than_the_part_before_are_counted(tmp_path: Path) -> None:
    _, parts, frame = split(tmp_path)
    swapped = parts.copy()
    swapped[[0, 1, 599]] = ["holdout", "validation", "train"]
    found = measure_split(parcel_spec(tmp_path), frame, swapped)
    late = 80 + 80 + 80  # every row after train is now before its newest one
    assert value(found, "time_order_violations") == late + 1 - 1 + 1


def test_without_time_or_entity_the_measurement_says_so(tmp_path: Path) -> None:
    contract = {name: column for name, column in CONTRACT.items() if name != "customer"}
    found, _, _ = split(tmp_path, contract=contract)
    entity = next(each for each in found.measurements if each.metric == "entity_overlap_share")
    assert (entity.value, entity.reason) == (None, "no column has the role entity")


@pytest.mark.parametrize(("days", "late"), [(0.25, 0), (0.5, 1), (10, 39), (1_000, 440)])
def test_outcomes_that_come_after_the_evaluation_begins_are_counted(tmp_path: Path, days: float, late: int) -> None:
    contract = CONTRACT | {"late": CONTRACT["late"] | {"available_after_days": days}}
    found, _, _ = split(tmp_path, contract=contract)
    assert value(found.measurements, "outcomes_known_too_late") == pytest.approx(late / 440)


def test_without_a_time_no_outcome_is_too_late(tmp_path: Path) -> None:
    contract = CONTRACT | {"sent": {"type": "datetime"}}
    found, _, _ = split(tmp_path, contract=contract, split=ENTITY)
    late = next(each for each in found.measurements if each.metric == "outcomes_known_too_late")
    assert (late.value, late.reason) == (None, "no column has the role time")
