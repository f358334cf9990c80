from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from ml_platform.stages.direct_copies import copies_of_direct
from ml_platform_tests.stages.parcels import CONTRACT, parcel_rows, parcel_spec

if TYPE_CHECKING:
    from pathlib import Path

CUSTOMER = {"type": "category", "role": "entity", "personal_data": "direct"}


def copies(folder: Path, rows: pd.DataFrame, customer: dict[str, Any] = CUSTOMER) -> tuple[str, ...]:
    return copies_of_direct(parcel_spec(folder, contract=CONTRACT | {"customer": customer}), rows)


def test_a_copy_or_a_code_of_a_direct_column_is_found_in_a_feature(tmp_path: Path) -> None:
    rows = parcel_rows()
    assert copies(tmp_path, rows) == ()
    codes = np.random.default_rng(2).permutation(rows["customer"].nunique())
    rows["carrier"] = " C" + rows["customer"].astype(str)
    rows["customer"] = "c" + rows["customer"].astype(str)
    rows["pieces"] = codes[pd.factorize(rows["customer"])[0]]
    assert copies(tmp_path, rows) == ("pieces", "carrier")


def test_a_copy_of_persons_who_do_not_repeat_is_found_by_its_text_only(tmp_path: Path) -> None:
    rows = parcel_rows().assign(customer=lambda rows: rows.index + 10_000)
    assert copies(tmp_path, rows.assign(pieces=rows["customer"].astype(float))) == ("pieces",)
    assert copies(tmp_path, rows.assign(pieces=rows.index)) == ()


def test_a_summary_of_a_person_is_no_copy(tmp_path: Path) -> None:
    rows = parcel_rows()
    per_person = rows.groupby("customer")["weight"].transform("mean").round(0)
    assert copies(tmp_path, rows.assign(weight=per_person)) == ()
    assert copies(tmp_path, rows.assign(customer="same", carrier="same")) == ()


def test_without_direct_columns_or_values_nothing_is_a_copy(tmp_path: Path) -> None:
    rows = parcel_rows()
    copied = rows.assign(pieces=rows["customer"])
    assert copies(tmp_path, copied, {"type": "integer", "role": "entity", "personal_data": "quasi"}) == ()
    assert copies(tmp_path, copied.assign(customer=None)) == ()
    assert copies(tmp_path, copied.drop(columns="customer")) == ()
    assert copies(tmp_path, copied.iloc[:0]) == ()
