from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest

from ml_platform.policy.spec import PersonalData
from ml_platform.stages.column_names import COLUMN_NAMES
from ml_platform.stages.national_ids import NATIONAL_IDS
from ml_platform.stages.personal_data import detect_personal, looks_personal, personal_finding, undeclared
from ml_platform.stages.personal_forms import FORMS, is_bare_phone, is_card, is_email, is_iban, is_ip, is_phone
from ml_platform.stages.personal_names import claimed
from ml_platform_tests.stages.parcels import CONTRACT, parcel_rows, parcel_spec
from ml_platform_tests.stages.personal_values import VALUES, digits, made

if TYPE_CHECKING:
    from pathlib import Path

N = 2_000


def kind_of(values: Any, name: str = "x") -> str | None:
    found = personal_finding(name, pd.Series(values))
    return None if found is None else found.kind


@pytest.mark.parametrize("name", VALUES)
def test_each_kind_is_found_in_any_encoding_and_among_gaps(name: str) -> None:
    kind, values = VALUES[name][0], pd.Series(made(name))
    assert kind_of(values, name) == kind
    assert kind_of(values.astype("category"), name) == kind
    assert kind_of(pd.concat([values.astype(object), pd.Series([None] * 90)]), name) == kind


@pytest.mark.parametrize("name", VALUES)
def test_ten_values_are_enough(name: str) -> None:
    assert kind_of(made(name, count=10), name) == VALUES[name][0]


def test_evidence_holds_counts_and_no_value() -> None:
    for name in VALUES:
        values = made(name)
        found = personal_finding(name, pd.Series(values))
        assert found is not None
        assert 0.5 < found.share <= 1
        assert not any(str(value) in repr(found) + found.evidence for value in values if len(str(value)) > 4)


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("carrier_name", ["American Airlines", "JetBlue Airways", "Delta Air Lines", "Alaska Airlines", "SkyWest"]),
        ("name", ["American Airlines", "JetBlue Airways", "Delta Air Lines", "Alaska Airlines", "Endeavor Air"]),
        ("street", ["paved", "gravel", "sand", "dirt", "none"]),
        ("email", [0, 1, 1, 0, 1]),
        ("phone", ["yes", "no", "no", "yes", "yes"]),
        ("tailnum", ["N14228", "N24211", "N619AA", "N804JB", "N668DN"]),
        ("firmware_version", ["1.2.3.4", "10.0.1.2", "1.2.3.5", "1.0.0.1", "2.2.2.2"]),
        ("part", ["123-45678", "234-56789", "345-67891", "456-78912", "567-89123"]),
        ("at", ["01.02.2024", "02.03.2023", "05.06.2022", "07.08.2021", "03.09.2020"]),
        ("price", ["1,234.50", "99.95", "10,000.00", "7.25", "1.00"]),
        ("race", [1.5, 2.5] * 100 + list(np.arange(200) / 7)),
        ("age", [1850, 1900, 1920, 1999, 2001]),
        ("sex", ["only"] * 5),
        ("lat", [1, 2, 3, 4, 5]),
        ("zip", [True, False, True, False, True]),
        ("siren", ["732829320", "552100554", "775670417", "542065479", "552032534", "383474814"]),
    ],
)
def test_what_only_resembles_personal_data_is_left_alone(name: str, values: list[object]) -> None:
    assert kind_of(values, name) is None


def numbers_by_chance(seed: int) -> pd.DataFrame:
    """Return what tables hold in plenty: numbers of every length, counters, times and codes."""
    rng = np.random.default_rng(seed)
    columns: dict[str, Any] = {}
    for length in range(7, 19):
        columns[f"number{length}"] = rng.integers(10 ** (length - 1), 10**length, N)
        columns[f"text{length}"] = [f"{number:0{length}d}" for number in rng.integers(0, 10**length, N)]
        start, step = int(rng.integers(10 ** (length - 1), 9 * 10 ** (length - 1))), int(rng.choice([1, 7, 10, 11, 97]))
        columns[f"counter{length}"] = np.arange(start, start + step * N, step)
        columns[f"few{length}"] = rng.choice(rng.integers(10 ** (length - 1), 10**length, 12), N)
    times = pd.Series(pd.to_datetime(rng.integers(1_500_000_000, 1_700_000_000, N), unit="s"))
    columns["milliseconds"] = times.astype("int64") // 10**6
    for form in ("%Y%m%d%H%M%S", "%y%m%d%H%M", "%d%m%y%H%M", "%d.%m.%Y", "%d/%m/%y %H:%M", "%H:%M:%S", "%Y-%m-%d"):
        columns[form] = times.dt.strftime(form)
    columns["hex"] = [rng.bytes(8).hex() for _ in range(N)]
    columns["amount"] = rng.gamma(2, 50_000, N).round(2)
    columns["share"] = rng.random(N)
    columns["part"] = [f"{a:03}-{b:04}" for a, b in zip(rng.integers(0, 999, N), rng.integers(0, 9999, N), strict=True)]
    return pd.DataFrame(columns)


@pytest.mark.parametrize("seed", range(3))
def test_numbers_that_pass_a_check_digit_by_chance_accuse_no_column(seed: int) -> None:
    assert detect_personal(numbers_by_chance(seed)) == {}


def test_random_cards_are_cards_only_beyond_chance() -> None:
    rng = np.random.default_rng(4)
    visa = ["4" + digits(rng, 15) for _ in range(400)]
    assert 0.05 < np.mean([is_card(text) for text in visa]) < 0.15
    assert kind_of(visa) is None
    cards = [text for text in ("4" + digits(rng, 15) for _ in range(3000)) if is_card(text)][:100]
    assert kind_of(cards) == kind_of(cards + visa[:60]) == "payment card"
    assert kind_of(cards[:1]) is None


@pytest.mark.parametrize("one", NATIONAL_IDS, ids=lambda one: one.rule)
def test_no_id_passes_more_often_by_chance_than_it_says(one: Any) -> None:
    rng = np.random.default_rng(5)
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    texts = [digits(rng, length) for length in one.lengths for _ in range(250)]
    if one.letters:
        texts = [text[:-1] + letters[int(rng.integers(26))] for text in texts]
    by_chance = np.mean([one.found(text) for text in texts])
    assert by_chance <= one.chance + 3 * np.sqrt(one.chance / len(texts))


def test_an_id_whose_library_stumbles_is_none() -> None:
    chinese = next(one for one in NATIONAL_IDS if one.rule == "cn.ric")
    assert not any(chinese.found(f"{place:06}199001011234") for place in range(110_000, 999_999, 13_337))


@pytest.mark.parametrize(
    ("found", "good", "bad"),
    [
        (is_email, "a.b+c@example.invalid", "a@b..example"),
        (is_email, "Ann <ann@example.org>", "at @ noon"),
        (is_phone, "Tel. 0049 (30) 1234-567", "+49"),
        (is_phone, "(030) 123-4567", "+999 999 999 99"),
        (is_phone, "555-123-4567 x12", "0000-000-0000"),
        (is_bare_phone, "612345678", "12345"),
        (is_iban, "DE89370400440532013000", "DE88370400440532013000"),
        (is_card, "5500-0000-0000-0004", "5500-0000-0000-0005"),
        (is_ip, "10.0.0.1", "10.0.0.256"),
        (is_ip, "2001:db8::1", "12:30:45"),
    ],
)
def test_single_forms(found: Any, good: str, bad: str) -> None:
    assert found(good)
    assert not found(bad)


def test_forms_stay_quick_on_hostile_text() -> None:
    texts = ["x" * 200, "1" * 200, "a." * 100, "0" * 99 + "-", "1 " * 100, "@" * 200, "(" * 200, "a@" * 100, "1-" * 100]
    before = time.process_time()
    assert not any(form.found(text) for form in FORMS for text in texts)
    assert time.process_time() - before < 5


def test_a_million_characters_do_not_stall_the_detector() -> None:
    assert kind_of(["x" * 1_000_000, "1" * 1_000_000, "a." * 500_000]) is None


def test_a_few_addresses_in_a_free_text_column_are_not_enough() -> None:
    texts = [f"parcel {number}" for number in range(95)]
    assert kind_of([*texts, "a@example.org"]) is None
    assert kind_of([*texts, *(f"a{number}@example.org" for number in range(95))]) == "e-mail address"


def test_columns_without_values_or_of_odd_types_are_nothing() -> None:
    assert kind_of([]) is kind_of([None, None]) is kind_of([True, False]) is None
    assert kind_of([1 + 2j]) is kind_of([np.inf, 1.0]) is kind_of([["a"], ["b"]]) is kind_of(["", " "]) is None
    assert kind_of(pd.Series(pd.to_datetime(["2024-01-01", "2024-01-02"]))) is None
    assert kind_of([-4111111111111111, 4111111111111111]) is None


def test_zeros_lost_in_front_are_given_back() -> None:
    numbers = [int(str(text)) for text in made("l")]
    assert any(len(str(number)) < 11 for number in numbers)
    assert kind_of(numbers) == "national id"


def test_every_column_name_claims_one_thing() -> None:
    names = [name for found in COLUMN_NAMES.values() for name in found]
    assert len(names) == len(set(names))
    assert all(claimed(name) is not None for name in names)


@pytest.mark.parametrize("name", ["Home-Phone", "firstName", "LAST_NAME", "zip code", "ipAddress", "address_line_2"])
def test_names_are_read_in_any_spelling(name: str) -> None:
    assert claimed(name) is not None


@pytest.mark.parametrize("name", ["carrier_name", "wind_speed", "emails_sent_share", "shipment", "customer", "", "42"])
def test_other_names_claim_no_direct_data(name: str) -> None:
    claim = claimed(name)
    assert claim is None or claim.guess is PersonalData.QUASI


def test_what_the_contract_declares_is_no_surprise(tmp_path: Path) -> None:
    frame = parcel_rows(50).assign(email=[f"a{number}@example.org" for number in range(50)])
    frame["customer"] = "+49 30 1234567"
    frame["site"] = "+49 30 1234567"
    assert looks_personal(parcel_spec(tmp_path), frame) == ("site", "email")


def test_traits_that_many_share_are_told_apart_from_what_leads_to_a_person(tmp_path: Path) -> None:
    frame = parcel_rows(50).assign(age=range(20, 70), dob="1990-01-01", race=["a", "b"] * 25)
    frame["dob"] = pd.Series(made("dob", count=50))
    found = undeclared(parcel_spec(tmp_path), frame)
    assert {name: one.blocks for name, one in found.items()} == {"age": False, "dob": True, "race": True}


def test_a_person_may_say_that_a_name_misleads_but_not_deny_what_the_values_say(tmp_path: Path) -> None:
    frame = parcel_rows(50)
    frame["weight"] = pd.Series(made("latitude", count=50))
    frame = frame.rename(columns={"weight": "latitude"}).assign(carrier=pd.Series(made("a", count=50)))
    denied = {"personal_data": "none", "reason": "Where the depot is."}
    contract = {name: column for name, column in CONTRACT.items() if name != "weight"}
    contract["latitude"] = {"type": "number"}
    assert looks_personal(parcel_spec(tmp_path, contract=contract), frame) == ("latitude", "carrier")
    contract["latitude"] |= denied
    contract["carrier"] = contract["carrier"] | denied
    assert looks_personal(parcel_spec(tmp_path, contract=contract), frame) == ("carrier",)
    contract["latitude"] = {"type": "number", "personal_data": "none"}
    assert looks_personal(parcel_spec(tmp_path, contract=contract), frame) == ("latitude", "carrier")
