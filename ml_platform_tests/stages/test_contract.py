from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from ml_platform.core.errors import DataInvalid
from ml_platform.stages.assemble import assemble
from ml_platform.stages.contract import Checked, check_contract, contract_digest
from ml_platform_tests.stages.parcels import CONTRACT, parcel_rows, parcel_spec, write

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

SECRET = "anna.secret@example.org"


def checked(tmp_path: Path, rows: pd.DataFrame, **changes: Any) -> Checked:
    spec = parcel_spec(write(rows, tmp_path / "rows.csv"), **changes)
    return check_contract(spec, assemble(spec))


def with_cell(column: str, value: Any) -> pd.DataFrame:
    rows = parcel_rows(20).astype(object)
    rows.loc[7, column] = value
    return rows


def test_rows_that_keep_to_the_contract_are_accepted_in_canonical_types(tmp_path: Path) -> None:
    found = checked(tmp_path, parcel_rows(20))
    assert not found.refused.any()
    assert found.broken == {}
    assert list(found.accepted.columns) == list(CONTRACT)
    assert {name: str(kind) for name, kind in found.accepted.dtypes.items()} == {
        "sent": "datetime64[us, UTC]", "late": "boolean", "weight": "float64", "pieces": "int64", "site": "category",
        "carrier": "category", "express": "boolean", "number": "int64", "customer": "int64", "crew": "category",
        "delay": "float64",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("column", "value", "reason"),
    [
        ("sent", None, "sent: missing"),
        ("sent", "yesterday", "sent: not a time"),
        ("late", None, "late: missing"),
        ("late", "maybe", "late: neither true nor false"),
        ("weight", None, "weight: missing"),
        ("weight", 100.5, "weight: out of range"),
        ("weight", -1, "weight: out of range"),
        ("weight", np.inf, "weight: not a finite number"),
        ("weight", SECRET, "weight: not a finite number"),
        ("pieces", 1.5, "pieces: not a whole number of at most 2^53"),
        ("pieces", 0, "pieces: out of range"),
        ("site", "east", "site: not a declared level"),
        ("site", None, "site: missing"),
        ("carrier", "x" * 1_000_000, "carrier: not a text of at most 256 characters"),
        ("express", 7, "express: neither true nor false"),
        ("number", 3, "number: not unique"),
        ("customer", None, "customer: missing"),
    ],
)
def test_a_row_that_breaks_a_rule_is_refused_with_the_reason(
    tmp_path: Path, column: str, value: object, reason: str
) -> None:
    found = checked(tmp_path, with_cell(column, value))
    assert found.reasons.tolist() == ["" if place != 7 else reason for place in range(20)]
    assert found.broken == {reason: 1}
    assert len(found.accepted) == 19


@pytest.mark.parametrize(("column", "value"), [("weight", 0), ("weight", 100), ("pieces", None), ("carrier", None)])
def test_a_value_at_the_limit_or_declared_missing_is_accepted(tmp_path: Path, column: str, value: object) -> None:
    assert not checked(tmp_path, with_cell(column, value)).refused.any()


def test_a_row_gets_every_reason_and_each_is_counted(tmp_path: Path) -> None:
    rows = with_cell("weight", 200)
    rows.loc[7, "site"] = "east"
    rows.loc[8, "weight"] = None
    found = checked(tmp_path, rows)
    assert set(found.reasons[7].split("; ")) == {"weight: out of range", "site: not a declared level"}
    assert found.broken == {"site: not a declared level": 1, "weight: missing": 1, "weight: out of range": 1}


def test_of_rows_with_the_same_unique_value_the_first_is_accepted(tmp_path: Path) -> None:
    rows = parcel_rows(20)
    rows["number"] = 5
    assert checked(tmp_path, rows).refused.tolist() == [False] + [True] * 19


def test_missing_values_of_a_unique_column_are_missing_and_not_repeated(tmp_path: Path) -> None:
    rows = parcel_rows(20).astype(object)
    rows.loc[[3, 4, 5], "number"] = None
    contract = CONTRACT | {"number": CONTRACT["number"] | {"missing": 0.2}}
    assert not checked(tmp_path, rows, contract=contract).refused.any()


def test_a_column_of_the_contract_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataInvalid, match="parcels: the source has no column weight, site"):
        checked(tmp_path, parcel_rows(20).drop(columns=["weight", "site"]))


def test_a_column_that_the_contract_does_not_name_is_left_behind_and_told(tmp_path: Path) -> None:
    found = checked(tmp_path, parcel_rows(20).assign(extra=1, note=SECRET))
    assert found.undeclared == ("extra", "note")
    assert "note" not in found.frame.columns


def test_a_column_without_any_value_refuses_every_row_unless_it_may_be_missing(tmp_path: Path) -> None:
    assert checked(tmp_path, parcel_rows(20).assign(weight=None)).refused.all()
    assert not checked(tmp_path, parcel_rows(20).assign(carrier=None)).refused.any()


def test_many_broken_rows_are_told_one_by_one(tmp_path: Path) -> None:
    rows = parcel_rows(2000).assign(weight=-1.0, site="east", pieces=0.5)
    found = checked(tmp_path, rows)
    assert found.refused.all()
    assert len(set(found.reasons)) == 1
    assert set(found.broken.values()) == {2000}


def test_the_contract_has_a_digest_that_any_change_of_a_column_changes(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    spec = parcel_spec(path)
    assert contract_digest(spec) == contract_digest(parcel_spec(path, purpose="Another."))
    other = CONTRACT | {"weight": CONTRACT["weight"] | {"range": [0, 99]}}
    assert contract_digest(spec) != contract_digest(parcel_spec(path, contract=other))


RULES: dict[str, Any] = {
    "light_if_many": {
        "kind": "implies",
        "when": [{"kind": "compare", "left": "pieces", "sign": ">", "value": 50}],
        "then": [{"kind": "compare", "left": "weight", "sign": "<", "value": 1}],
    },
    "crew_with_carrier": {"kind": "together", "columns": ["crew", "carrier"]},
}


def test_a_row_that_breaks_a_rule_between_columns_is_refused_under_the_rule_s_name(tmp_path: Path) -> None:
    rows = with_cell("pieces", 60)
    rows["weight"] = 2.0
    rows.loc[7, "site"] = "east"
    rows.loc[3, "carrier"] = None
    found = checked(tmp_path, rows, rules=RULES)
    assert found.reasons[7] == "site: not a declared level; light_if_many"
    assert found.broken == {"site: not a declared level": 1, "light_if_many": 1, "crew_with_carrier": 1}
    assert found.refused.sum() == 2


def test_a_rule_changes_the_contract_s_digest(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    assert contract_digest(parcel_spec(path)) != contract_digest(parcel_spec(path, rules=RULES))


def test_a_text_that_is_not_of_the_format_or_pattern_is_refused(tmp_path: Path) -> None:
    rows = with_cell("carrier", "d x").assign(crew="DE")
    rows.loc[[2, 3], "crew"] = ["Germany", None]
    contract = CONTRACT | {
        "carrier": CONTRACT["carrier"] | {"pattern": "[a-z]{2}"},
        "crew": CONTRACT["crew"] | {"format": "country", "pattern": "D.*|G.*"},
    }
    found = checked(tmp_path, rows, contract=contract)
    assert found.broken == {
        "carrier: not of the declared pattern": 1, "crew: missing": 1, "crew: not of the declared format": 1,
    }  # fmt: skip
    assert found.reasons[2] == "crew: not of the declared format"


def test_what_was_converted_without_a_statement_is_counted_from_the_table_on(tmp_path: Path) -> None:
    rows = parcel_rows(20).astype(object)
    rows.loc[7, "weight"] = "heavy"
    found = checked(tmp_path, rows)
    assert found.coerced == {"weight: text read as number": 19}


def test_a_stated_conversion_is_made_from_the_text_of_the_table(tmp_path: Path) -> None:
    rows = parcel_rows(20).astype(object).assign(weight="1.234")
    rows.loc[7, "weight"] = "1.5"
    statement = [{"kind": "text_to_number", "decimal": ",", "thousands": "."}]
    contract = CONTRACT | {"weight": {"type": "number", "coerce": statement}}
    found = checked(tmp_path, rows, contract=contract)
    assert set(found.accepted["weight"]) == {1234.0}
    assert found.broken == {"weight: not a finite number": 1}
    assert found.coerced == {}
