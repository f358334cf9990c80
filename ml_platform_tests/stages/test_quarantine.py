from __future__ import annotations

from typing import TYPE_CHECKING

from ml_platform.stages.parquet import read_parquet
from ml_platform_tests.stages.parcels import Parcels, parcel_rows

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd


def quarantined(folder: Path, rows: pd.DataFrame) -> pd.DataFrame:
    parcels = Parcels(folder, rows)
    record = parcels.snapshot().quarantine.record
    return read_parquet(parcels.store.open("quarantine", record.digest, "rows.parquet"))


def test_every_refused_row_is_kept_with_its_reasons_and_personal_data_masked(tmp_path: Path) -> None:
    rows = parcel_rows().astype(object)
    rows.loc[3, "weight"] = 1000
    rows.loc[4, ["customer", "crew"]] = None
    found = quarantined(tmp_path, rows)
    assert found["reason"].tolist() == ["weight: out of range", "customer: missing; crew: missing"]
    assert found["number"].tolist() == [3, 4]
    assert found["weight"].tolist() == [1000, rows.loc[4, "weight"]]
    assert found["customer"].astype(object).where(found["customer"].notna(), None).tolist() == ["(masked)", None]
    assert found["crew"].astype(object).where(found["crew"].notna(), None).tolist() == ["(masked)", None]


def test_no_refused_rows_are_on_record_too(tmp_path: Path) -> None:
    parcels = Parcels(tmp_path)
    quarantine = parcels.snapshot().quarantine
    assert (quarantine.record.rows, quarantine.record.reasons) == (0, {})
    assert quarantine.measurements[0].value == 0
    assert parcels.store.has("quarantine", quarantine.record.digest)


def test_no_personal_value_lies_in_the_stored_file(tmp_path: Path) -> None:
    rows = parcel_rows().astype(object)
    rows["customer"] = 987_654_321
    rows.loc[3, "weight"] = None
    parcels = Parcels(tmp_path, rows)
    record = parcels.snapshot().quarantine.record
    found = read_parquet(parcels.store.open("quarantine", record.digest, "rows.parquet"))
    assert "987654321" not in found.to_csv()
