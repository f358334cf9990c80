from __future__ import annotations

import datetime as dt
import json
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest

from ml_platform.adapters.artefacts import FileArtefacts
from ml_platform.core.errors import DataInvalid, Unavailable
from ml_platform.sources.read import fingerprint
from ml_platform.stages.contract import contract_digest
from ml_platform.stages.snapshot import read_rows, rows_after, stored_snapshot, take_snapshot
from ml_platform_tests.stages.parcels import CONTRACT, NOW, Parcels, parcel_rows, write

if TYPE_CHECKING:
    from pathlib import Path

    from ml_platform.core.measurement import Measurement


def day(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC)


def measured(found: tuple[Measurement, ...], metric: str, subject: str = "") -> Measurement:
    return next(each for each in found if (each.metric, each.subject) == (metric, subject))


def test_a_snapshot_holds_the_accepted_rows_before_its_day_and_says_where_they_come_from(tmp_path: Path) -> None:
    parcels = Parcels(tmp_path)
    record = parcels.snapshot().snapshot.record
    frame = read_rows(parcels.spec, parcels.store, record)
    assert len(frame) == record.rows == 600
    assert record.columns == tuple(CONTRACT) == tuple(frame.columns)
    assert record.source_digest == fingerprint(parcels.spec, now=NOW).record.digest
    assert record.contract_digest == contract_digest(parcels.spec)
    assert record.as_of == day("2024-05-30")
    manifest = json.loads(parcels.store.read("snapshots", record.digest, "manifest.json"))
    assert manifest["record"]["digest"] == record.digest
    assert manifest["types"]["sent"] == "datetime"


def test_a_later_row_is_not_in_the_snapshot_and_the_day_can_be_moved(tmp_path: Path) -> None:
    parcels = Parcels(tmp_path)
    record = parcels.snapshot(as_of=day("2024-02-01")).snapshot.record
    assert read_rows(parcels.spec, parcels.store, record)["sent"].max() < pd.Timestamp("2024-02-01", tz="UTC")
    assert (record.rows, record.as_of) == (124, day("2024-02-01"))


def test_the_same_rows_again_are_unchanged_and_written_once(tmp_path: Path) -> None:
    parcels = Parcels(tmp_path)
    first, again = parcels.snapshot(), parcels.snapshot()
    assert (first.snapshot.unchanged, again.snapshot.unchanged) == (False, True)
    assert (first.quarantine.unchanged, again.quarantine.unchanged) == (False, True)
    assert first.snapshot.record == again.snapshot.record
    assert first.snapshot.measurements == again.snapshot.measurements


def test_the_same_rows_in_another_file_have_the_same_digest(tmp_path: Path) -> None:
    digests = set()
    for name, suffix in (("csv", "rows.csv"), ("parquet", "rows.parquet")):
        folder = tmp_path / name
        folder.mkdir()
        parcels = Parcels(folder)
        if name == "parquet":
            parcels.path.unlink()
            rows = parcel_rows().assign(sent=lambda rows: pd.to_datetime(rows["sent"]), site=lambda rows: rows["site"])
            rows.astype({"site": "category", "pieces": "int16"}).to_parquet(folder / suffix)
            (folder / suffix).rename(parcels.path)
        digests.add(parcels.snapshot().snapshot.record.digest)
    assert len(digests) == 1


def test_refused_rows_go_to_quarantine_and_both_sides_add_up(tmp_path: Path) -> None:
    rows = parcel_rows()
    rows.loc[:5, "weight"] = 1000
    rows.loc[3:8, "late"] = None
    taken = Parcels(tmp_path, rows).snapshot()
    assert (taken.snapshot.record.rows, taken.quarantine.record.rows, taken.quarantine.record.rows_seen) == (
        591,
        9,
        600,
    )
    assert taken.quarantine.record.reasons == {"late: missing": 6, "weight: out of range": 6}
    found = taken.snapshot.measurements
    assert measured(found, "row_count").value == 591
    assert measured(found, "contract_violations_share").value == pytest.approx(6 / 600)
    assert measured(found, "contract_violations_share").facts["without_outcome"] == 3
    assert measured(found, "plausibility_out_of_range_share").value == pytest.approx(6 / (600 * 3))
    assert measured(taken.quarantine.measurements, "quarantined_share").value == pytest.approx(9 / 600)
    assert measured(taken.quarantine.measurements, "quarantine_reasons").value == 2


def test_missing_repeated_constant_and_undeclared_columns_are_measured(tmp_path: Path) -> None:
    rows = parcel_rows().assign(note="x", email="someone@example.org", express="true")
    rows.loc[:299, "pieces"] = None
    rows = pd.concat([rows, rows.iloc[:60].assign(number=lambda rows: rows["number"] + 1000)])
    contract = {name: column for name, column in CONTRACT.items() if name != "number"}
    found = Parcels(tmp_path, rows.drop(columns="number"), contract=contract).snapshot().snapshot.measurements
    assert measured(found, "missing_share", "pieces").value == pytest.approx(360 / 660)
    assert measured(found, "missing_share_excess", "pieces").value == pytest.approx(360 / 660 - 0.2)
    assert measured(found, "missing_share_excess", "weight").value == 0
    assert measured(found, "duplicate_share").value == pytest.approx(60 / 660)
    assert measured(found, "constant_columns", "express").facts["columns"] == "express"
    assert measured(found, "undeclared_columns", "note, email").facts["columns"] == "note, email"
    assert measured(found, "undeclared_personal_data", "email").facts["columns"] == "email"


def test_personal_data_under_no_declaration_are_measured_with_the_reason_and_without_a_value(tmp_path: Path) -> None:
    rows = parcel_rows().assign(age=lambda rows: 20 + rows.index % 50)
    rows["carrier"] = rows["customer"].astype(str) + "@example.org"
    rows["customer"] = rows["carrier"]
    contract = CONTRACT | {"customer": {"type": "category", "role": "entity", "personal_data": "direct"}}
    found = Parcels(tmp_path, rows, contract=contract).snapshot().snapshot.measurements
    personal = measured(found, "undeclared_personal_data", "carrier")
    assert (personal.value, personal.n) == (1, len(rows.columns))
    assert personal.facts["carrier"] == "e-mail address, by its values: 75 of 75 sampled values fit"
    traits = measured(found, "undeclared_quasi_identifiers", "age")
    assert (traits.value, traits.facts["age"]) == (1, "age, by its name: 50 of 50 sampled values fit")
    copied = measured(found, "direct_copies", "carrier")
    assert (copied.value, copied.facts) == (1, {"columns": "carrier"} | {"carrier": personal.facts["carrier"]})
    assert "@example" not in repr(found)


def test_undeclared_columns_are_named_in_one_printable_line(tmp_path: Path) -> None:
    rows = parcel_rows().assign(**{"a\x1b[2J": 1, "b" * 900: 1, "c": 1, "d": 1, "e": 1, "f": 1, "g": 1})
    found = Parcels(tmp_path, rows).snapshot().snapshot.measurements
    text = next(each.text() for each in found if each.metric == "undeclared_columns")
    assert text.startswith(r"undeclared_columns of 'a\x1b[2J', " + "b" * 60 + ", c, d, e and 2 more = 7 columns")


def test_the_most_frequent_reasons_are_told_first(tmp_path: Path) -> None:
    rows = parcel_rows()
    rows.loc[:1, "weight"] = 1000
    rows.loc[10:18, "site"] = "nowhere"
    taken = Parcels(tmp_path, rows).snapshot()
    reasons = ["site: not a declared level", "weight: out of range"]
    assert list(measured(taken.quarantine.measurements, "quarantined_share").facts) == reasons
    violations = measured(taken.snapshot.measurements, "contract_violations_share").facts
    assert list(violations.items()) == [(reasons[0], 9), (reasons[1], 2), ("without_outcome", 0)]


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_an_integer_coded_category_with_gaps_has_the_same_levels_as_one_without(tmp_path: Path, suffix: str) -> None:
    whole = parcel_rows().assign(site=lambda rows: rows.index % 3)
    gaps = whole.assign(site=whole["site"].where(whole.index % 5 > 0))
    column = {**CONTRACT["site"], "levels": ["0", "1", "2"], "missing": 0.5}
    for name, rows, refused in (
        ("whole", whole, 0),
        ("gaps", gaps, 0),
        ("odd", gaps.assign(site=gaps["site"] + 1), 160),
    ):
        (tmp_path / name).mkdir()
        parcels = Parcels(tmp_path / name, rows, contract={**CONTRACT, "site": column})
        if suffix == "parquet":
            (tmp_path / name / "other").write_bytes(rows.assign(sent=pd.to_datetime(rows["sent"])).to_parquet())
            (tmp_path / name / "other").rename(parcels.path)
        assert parcels.snapshot().quarantine.record.rows == refused


def test_a_repeated_value_of_a_unique_column_is_measured(tmp_path: Path) -> None:
    rows = parcel_rows()
    rows.loc[:9, "number"] = 1
    assert measured(Parcels(tmp_path, rows).snapshot().snapshot.measurements, "unique_violations").value == 9


def test_one_class_only_is_a_constant_target(tmp_path: Path) -> None:
    found = Parcels(tmp_path, parcel_rows().assign(late="true")).snapshot().snapshot.measurements
    assert measured(found, "constant_columns", "late").value == 1


def test_a_shift_is_measured_only_against_a_reference(tmp_path: Path) -> None:
    parcels = Parcels(tmp_path)
    before = parcels.snapshot().snapshot
    assert not any(each.metric in {"snapshot_psi", "column_stability"} for each in before.measurements)
    same = parcels.snapshot(reference=before.record).snapshot.measurements
    shifted = {each.subject for each in same if each.metric == "snapshot_psi"}
    assert shifted == {"late", "weight", "pieces", "site", "carrier", "express", "crew"}
    assert all(each.value == 0 for each in same if each.metric == "snapshot_psi")
    write(parcel_rows().assign(weight=lambda rows: rows["weight"] * 3, site="north"), parcels.path)
    moved = parcels.snapshot(reference=before.record).snapshot.measurements
    assert (measured(moved, "snapshot_psi", "weight").value or 0) > 0.5
    assert (measured(moved, "snapshot_psi", "site").value or 0) > 0.5
    assert measured(moved, "snapshot_psi", "carrier").value == 0
    assert measured(moved, "column_stability").value == 1


def test_a_column_that_vanished_or_changed_its_type_is_unstable(tmp_path: Path) -> None:
    parcels = Parcels(tmp_path)
    before = parcels.snapshot().snapshot.record
    contract = {name: column for name, column in CONTRACT.items() if name != "carrier"}
    contract["pieces"] = contract["pieces"] | {"type": "number"}
    (tmp_path / "later").mkdir()
    later = Parcels(tmp_path / "later", contract=contract)
    later.store = parcels.store
    found = later.snapshot(reference=before).snapshot.measurements
    assert measured(found, "column_stability").value == pytest.approx(9 / 11)
    assert not any(each.metric == "snapshot_psi" and each.subject == "pieces" for each in found)


def test_a_source_that_changed_since_its_fingerprint_is_refused(tmp_path: Path) -> None:
    parcels = Parcels(tmp_path)
    source = fingerprint(parcels.spec, now=NOW).record
    write(parcel_rows(601), parcels.path)
    with pytest.raises(DataInvalid, match="the source is no longer the one"):
        take_snapshot(parcels.spec, store=parcels.store, source=source, as_of=None, reference=None, now=NOW)


def test_no_row_before_the_day_is_said(tmp_path: Path) -> None:
    with pytest.raises(DataInvalid, match="the source has no rows before 2020-01-01"):
        Parcels(tmp_path).snapshot(as_of=day("2020-01-01"))


def test_when_every_row_is_refused_the_reasons_are_said(tmp_path: Path) -> None:
    with pytest.raises(DataInvalid, match=r"all 600 rows break the contract: weight: missing \(600 rows\)"):
        Parcels(tmp_path, parcel_rows().assign(weight=None)).snapshot()


def test_rows_after_are_the_accepted_rows_of_a_time_oldest_first(tmp_path: Path) -> None:
    rows = parcel_rows().sample(frac=1, random_state=1)
    rows.loc[40, "weight"] = None
    spec = Parcels(tmp_path, rows).spec
    found = rows_after(spec, day("2024-01-10"), day("2024-01-12"))
    assert found["number"].tolist() == [36, 37, 38, 39, 41, 42, 43]
    assert rows_after(spec, day("2025-01-10"), day("2025-01-12")).empty


def test_rows_after_need_a_time_column(tmp_path: Path) -> None:
    contract = CONTRACT | {"sent": {"type": "datetime"}}
    with pytest.raises(DataInvalid, match="has no time column"):
        rows_after(Parcels(tmp_path, contract=contract).spec, NOW, NOW)


def test_a_snapshot_of_another_model_or_that_is_gone_is_not_read(tmp_path: Path) -> None:
    parcels = Parcels(tmp_path)
    record = parcels.snapshot().snapshot.record
    (tmp_path / "other").mkdir()
    other = Parcels(tmp_path / "other", model="other")
    with pytest.raises(DataInvalid, match="is of the model parcels"):
        read_rows(other.spec, parcels.store, record)
    with pytest.raises(Unavailable):
        read_rows(parcels.spec, other.store, record)


def test_an_altered_snapshot_is_not_read(tmp_path: Path) -> None:
    parcels = Parcels(tmp_path)
    record = parcels.snapshot().snapshot.record
    data = parcels.store.folder("snapshots", record.digest) / "data.parquet"
    content = data.read_bytes()
    data.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    with pytest.raises(DataInvalid, match="it isn't what was sealed here"):
        read_rows(parcels.spec, parcels.store, record)


def test_a_model_without_time_takes_every_row(tmp_path: Path) -> None:
    contract = CONTRACT | {"sent": {"type": "datetime"}}
    record = Parcels(tmp_path, contract=contract).snapshot(as_of=day("2024-02-01")).snapshot.record
    assert (record.rows, record.as_of) == (600, None)


def test_values_survive_the_store(tmp_path: Path) -> None:
    rows = parcel_rows()
    rows.loc[5:9, ["pieces", "carrier"]] = None
    parcels = Parcels(tmp_path, rows)
    frame = read_rows(parcels.spec, parcels.store, parcels.snapshot().snapshot.record)
    assert frame["weight"].tolist() == rows["weight"].tolist()
    assert frame["pieces"].isna().to_numpy().nonzero()[0].tolist() == [5, 6, 7, 8, 9]
    assert frame["carrier"].astype(object).where(frame["carrier"].notna(), None).tolist() == [
        None if pd.isna(value) else value for value in rows["carrier"]
    ]
    assert np.array_equal(frame["late"].to_numpy(dtype=bool), rows["late"] == "true")


@pytest.mark.parametrize("manifest", [b"{}", b"[]", b"{", b'{"record": {"model": 7}}'])
def test_a_manifest_of_another_version_is_said_in_words(tmp_path: Path, manifest: bytes) -> None:
    store = FileArtefacts(tmp_path)
    store.put("snapshots", "a" * 64, {"manifest.json": manifest})
    with pytest.raises(DataInvalid, match="its manifest is none as this version of the platform knows it"):
        stored_snapshot(store, "a" * 64)
