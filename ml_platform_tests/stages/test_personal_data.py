from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest

from ml_platform.stages.personal_data import looks_personal, named_like_a_person, valued_like_a_person
from ml_platform_tests.stages.parcels import parcel_rows, parcel_spec

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    "name",
    ["email", "Home-Phone", "firstName", "LAST_NAME", "date_of_birth", "iban", "ssn", "name", "zip code", "ipAddress"],
)
def test_usual_names_of_personal_data_are_known(name: str) -> None:
    assert named_like_a_person(name)


@pytest.mark.parametrize(
    "name", ["carrier_name", "wind_speed", "tailnum", "description", "emails_sent_share_x", "shipment"]
)
def test_other_names_are_left_alone(name: str) -> None:
    assert not named_like_a_person(name)


@pytest.mark.parametrize(
    "values",
    [
        ["anna@example.org", "write to bob.b+x@mail.example.co.uk please"],
        ["+49 30 1234567", "0049 (30) 1234-567"],
        ["(030) 123-4567", "555-123-4567"],
        ["078-05-1120", "123-45-6789"],
        ["GB82 WEST 1234 5698 7654 32", "DE89370400440532013000"],
        ["4111 1111 1111 1111", "5500-0000-0000-0004"],
        [4111111111111111, 5500000000000004],
        ["192.168.0.1", "2001:db8::1"],
    ],
)
def test_values_in_a_personal_form_are_known_in_any_encoding(values: list[object]) -> None:
    column = pd.Series(values)
    assert valued_like_a_person(column)
    assert valued_like_a_person(column.astype("category"))
    assert valued_like_a_person(pd.concat([column, pd.Series([None] * 9)]))


@pytest.mark.parametrize(
    "values",
    [
        ["N14228", "UA 1545", "EWR"],
        ["2024-01-01", "12:30", "2024-01-01T12:30:00Z"],
        ["1.5", "10.25", "1.2.3"],
        [4111111111111112, 5500000000000005],
        ["GB83 WEST 1234 5698 7654 32"],
        [1545, 1714, 725],
        list(range(10**15, 10**15 + 400)),
        [],
    ],
)
def test_other_values_are_left_alone(values: list[object]) -> None:
    assert not valued_like_a_person(pd.Series(values, dtype=object if not values else None))


def test_a_few_addresses_in_a_free_text_column_are_not_enough() -> None:
    texts = [f"parcel {number}" for number in range(95)]
    assert not valued_like_a_person(pd.Series([*texts, "a@example.org"]))
    assert valued_like_a_person(pd.Series([*texts, *(f"a{number}@example.org" for number in range(95))]))


def test_a_million_characters_do_not_stall_the_detector() -> None:
    assert not valued_like_a_person(pd.Series(["x" * 1_000_000, "1" * 1_000_000, "a." * 500_000]))


def test_what_the_contract_declares_is_no_surprise(tmp_path: Path) -> None:
    frame = parcel_rows(50).assign(email=[f"a{number}@example.org" for number in range(50)])
    frame["customer"] = "+49 30 1234567"
    frame["site"] = "+49 30 1234567"
    assert looks_personal(parcel_spec(tmp_path), frame) == ("site", "email")


def test_numbers_with_fractions_and_times_are_not_looked_at() -> None:
    assert not valued_like_a_person(pd.Series(np.array([4111111111111111.0])))
    assert not valued_like_a_person(pd.Series(pd.to_datetime(["2024-01-01"])))
