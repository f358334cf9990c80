from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest

from ml_platform.core.errors import DataInvalid
from ml_platform.policy.spec import ModelSpec
from ml_platform.sources.read import fingerprint
from ml_platform.stages.features import build_features
from ml_platform.stages.parquet import read_parquet
from ml_platform.stages.pseudonymise import stored_types, subject_token
from ml_platform.stages.snapshot import read_rows, take_snapshot
from ml_platform.stages.split import make_split, read_parts
from ml_platform_tests.stages.parcels import CONTRACT, NOW, Parcels, parcel_rows

if TYPE_CHECKING:
    from pathlib import Path

    from ml_platform.core.measurement import Measurement

DIRECT: dict[str, Any] = {"personal_data": "direct", "reason": "Who it is."}
ENTITIES = {"kind": "entity", "train": 0.4, "validation": 0.2, "calibration": 0.2, "holdout": 0.2, "salt": "s"}
NAMED = CONTRACT | {
    "customer": {"type": "integer", "role": "entity"} | DIRECT,
    "mail": {"type": "category", "role": "not_used", "missing": 0.2} | DIRECT,
    "called": {"type": "datetime", "role": "not_used", "known": "after", "missing": 0.2} | DIRECT,
}


def named_rows() -> pd.DataFrame:
    rows = parcel_rows().assign(customer=lambda rows: rows["customer"] + 700_000_000)
    mail = rows["customer"].astype(str) + "@example.org"
    return rows.assign(mail=mail.where(rows.index > 5), called=rows["sent"])


def named(folder: Path, rows: pd.DataFrame | None = None, **changes: Any) -> Parcels:
    folder.mkdir(exist_ok=True)
    return Parcels(folder, named_rows() if rows is None else rows, **{"contract": NAMED} | changes)


def row_count(taken: Any) -> Measurement:
    found: Measurement = next(one for one in taken.snapshot.measurements if one.metric == "row_count")
    return found


def test_what_names_a_person_is_stored_as_a_token_and_the_original_only_in_the_vault(tmp_path: Path) -> None:
    parcels, rows = named(tmp_path), named_rows()
    record = parcels.snapshot().snapshot.record
    stored = read_rows(parcels.spec, parcels.store, record)
    assert (stored["customer"].nunique(), len(stored)) == (rows["customer"].nunique(), 600)
    assert np.array_equal(pd.factorize(stored["customer"])[0], pd.factorize(rows["customer"])[0])
    assert stored["mail"].isna().sum() == 6
    for name in ("customer", "mail", "called"):
        present = stored[name].dropna()
        assert present.str.fullmatch("p_[0-9a-f]{32}").all()
        assert stored_types(parcels.spec)[name] == "category"
    assert parcels.vault.reveal("parcels", "customer", stored["customer"].iloc[7]) == str(rows["customer"][7])
    assert parcels.vault.reveal("parcels", "mail", stored["mail"].iloc[7]) == rows["mail"][7]
    assert str(parcels.vault.reveal("parcels", "called", stored["called"].iloc[7])).startswith("2024-01-02 18:00")
    everything = b"".join(parcels.store.read("snapshots", record.digest, name) for name in ("profile.json",))
    assert b"7000000" not in everything + stored.to_csv().encode()


def test_the_same_rows_are_the_same_snapshot_and_another_vault_is_another(tmp_path: Path) -> None:
    parcels = named(tmp_path)
    first = parcels.snapshot().snapshot
    again = parcels.snapshot().snapshot
    assert (first.record.digest == again.record.digest, again.unchanged) == (True, True)


def test_refused_rows_are_masked_and_their_originals_not_kept(tmp_path: Path) -> None:
    rows = named_rows()
    rows.loc[7, ["weight", "customer"]] = [1000, 799_999_999]
    parcels = named(tmp_path, rows)
    refused = parcels.snapshot().quarantine.record
    found = read_parquet(parcels.store.open("quarantine", refused.digest, "rows.parquet"))
    assert found["customer"].tolist() == found["mail"].tolist() == ["(masked)"]
    (token,) = parcels.vault.tokens("parcels", "customer", ["799999999"])
    assert parcels.vault.reveal("parcels", "customer", token) is None


def test_splitting_and_features_go_on_by_token(tmp_path: Path) -> None:
    parcels = named(tmp_path, split=ENTITIES)
    record = parcels.snapshot().snapshot.record
    split = make_split(parcels.spec, store=parcels.store, snapshot=record, as_of=None)
    parts = read_parts(parcels.store, split.record)
    per_person = pd.Series(parts).groupby(named_rows()["customer"].to_numpy()).nunique()
    assert per_person.max() == 1
    assert len(set(parts)) == 4
    built = build_features(parcels.spec, store=parcels.store, snapshot=record, split=split.record)
    assert built.record.rows == 600


def test_without_a_vault_nothing_is_stored(tmp_path: Path) -> None:
    parcels = named(tmp_path)
    source = fingerprint(parcels.spec, now=NOW).record
    with pytest.raises(DataInvalid, match="customer, mail, called name a person and there is no vault"):
        take_snapshot(parcels.spec, store=parcels.store, source=source, as_of=None, reference=None, now=NOW)
    assert not (tmp_path / "home" / "snapshots").exists()


@pytest.mark.parametrize("personal", [{}, {"personal_data": "quasi"}])
def test_an_erased_person_is_left_out_and_counted(tmp_path: Path, personal: dict[str, str]) -> None:
    rows = named_rows()
    rows.loc[0, "weight"] = rows.loc[2, "weight"] = 1000
    parcels = named(tmp_path, rows, contract=NAMED | {"customer": NAMED["customer"] | personal})
    before = parcels.snapshot()
    assert "rows_erased" not in row_count(before).facts
    person = rows["customer"][0]
    token = subject_token(parcels.spec, parcels.vault, f" {person} ")
    assert parcels.vault.forget("parcels", token, at=NOW) >= 1
    after = parcels.snapshot()
    erased = int((rows["customer"] == person).sum())
    assert row_count(after).facts["rows_erased"] == erased > 1
    assert after.snapshot.record.rows == before.snapshot.record.rows - erased + 1
    assert after.quarantine.record.reasons == {"weight: out of range": 1}
    assert after.snapshot.record.digest != before.snapshot.record.digest
    other = subject_token(parcels.spec, parcels.vault, "1")
    parcels.vault.forget("parcels", other, at=NOW)
    assert parcels.snapshot().snapshot.record.digest == after.snapshot.record.digest


def test_without_entities_each_original_is_its_own_person(tmp_path: Path) -> None:
    contract = NAMED | {"customer": {"type": "integer", "role": "not_used"} | DIRECT}
    parcels, rows = named(tmp_path, contract=contract), named_rows()
    parcels.snapshot()
    (token,) = parcels.vault.tokens("parcels", "mail", [rows["mail"][7]])
    assert parcels.vault.forget("parcels", token, at=NOW) == 1
    assert parcels.snapshot().snapshot.record.rows == 600
    assert parcels.vault.reveal("parcels", "mail", token) is None
    with pytest.raises(DataInvalid, match="no column has the role entity"):
        subject_token(parcels.spec, parcels.vault, "7")


def test_a_table_without_direct_columns_needs_no_vault(tmp_path: Path) -> None:
    parcels = Parcels(tmp_path)
    assert isinstance(parcels.spec, ModelSpec)
    source = fingerprint(parcels.spec, now=NOW).record
    taken = take_snapshot(parcels.spec, store=parcels.store, source=source, as_of=None, reference=None, now=NOW)
    assert taken.snapshot.record.digest == parcels.snapshot().snapshot.record.digest
