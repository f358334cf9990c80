from __future__ import annotations

import datetime as dt
import decimal
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ml_platform.core.errors import DataInvalid
from ml_platform.policy.coercions import TextToBoolean
from ml_platform.policy.spec import Column, PersonalData, Role
from ml_platform.stages.contract import check_rows
from ml_platform.stages.infer_contract import infer_contract
from ml_platform.stages.infer_range import infer_range

N = 400


def inferred(values: Any, name: str = "x") -> Column:
    return infer_contract(pd.DataFrame({name: values}))[name]


def rng() -> np.random.Generator:
    return np.random.default_rng(5)


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (np.arange(N) % 7, "integer"),
        (np.where(np.arange(N) % 5 == 0, np.nan, np.arange(N) % 7), "integer"),
        ((np.arange(N) % 7).astype("uint64") + (1 << 60), "category"),
        (rng().normal(size=N), "number"),
        (np.arange(20.0), "number"),
        ([decimal.Decimal("1.5"), None, decimal.Decimal(2)], "number"),
        (["1.5", "2", "-3e2", None], "number"),
        (["12", "13", None], "integer"),
        (["007", "012"], "category"),
        (["1.5", "2,5"], "category"),
        ([1, "a", 2.5], "category"),
        (rng().random(N) > 0.5, "boolean"),
        (pd.array([True, None, False], dtype="boolean"), "boolean"),
        (["true", "False", None], "boolean"),
        (pd.date_range("2024", periods=5, tz="Europe/Berlin"), "datetime"),
        (["2024-01-01", "2024-02-30"], "category"),
        (["2024-01-01", "2024-02-29T10:00:00+02:00"], "datetime"),
        (pd.Categorical(["1", "2", "1"]), "category"),
        (pd.Categorical(["2024-01-01", "2024-01-02"]), "datetime"),
        (pd.to_timedelta([1, 2], unit="s"), "category"),
    ],
)
def test_the_type_is_the_narrowest_that_every_value_can_become(values: Any, kind: str) -> None:
    assert inferred(values).type == kind


def test_levels_are_named_only_where_each_was_seen_often() -> None:
    often = ["n", "s", "w"] * 5
    assert inferred(often).levels == ("n", "s", "w")
    assert inferred([*often, "e"]).levels is None


def test_only_what_would_have_repeated_by_chance_is_unique_and_then_it_is_no_feature() -> None:
    number = inferred(rng().permutation(N))
    assert (number.unique, number.role, number.range) == (True, Role.NOT_USED, None)
    assert not inferred(rng().choice(10**9, N, replace=False)).unique
    assert not inferred(rng().normal(size=N)).unique
    assert inferred([f"id-{i}" for i in range(N)]).unique
    assert not inferred([f"a remark of row {i}" for i in range(N)]).unique
    assert not inferred(np.arange(20)).unique


def test_a_missing_share_has_room_for_chance_and_none_where_none_was_missing() -> None:
    assert inferred(np.arange(N)).missing == 0
    some = inferred(np.where(np.arange(N) % 10 == 0, np.nan, 1.5 * np.arange(N)))
    assert 0.1 < some.missing < 0.2


def test_the_target_gets_its_role_and_a_binary_one_its_range() -> None:
    frame = pd.DataFrame({"y": [0, 1] * 50, "z": [True, False] * 50})
    assert infer_contract(frame, target="y")["y"] == Column(type="integer", role=Role.TARGET, range=(0, 1))
    assert infer_contract(frame, target="z")["z"] == Column(type="boolean", role=Role.TARGET)
    with pytest.raises(DataInvalid, match="the table: has no column 'late'; the target must be among its columns"):
        infer_contract(frame, target="late")


@pytest.mark.parametrize(
    ("values", "true", "false"),
    [
        (["yes", "no"], ("yes",), ("no",)),
        (["Yes", "No", "YES"], ("YES", "Yes"), ("No",)),
        (["N", "Y"], ("Y",), ("N",)),
        (["nein", "Ja"], ("Ja",), ("nein",)),
    ],
)
def test_a_target_of_words_for_truths_is_a_boolean_with_these_words(
    values: list[str], true: tuple[str, ...], false: tuple[str, ...]
) -> None:
    for kind in ("object", "category"):
        frame = pd.DataFrame({"y": pd.Series([*(values * 20), None], dtype=kind)})
        column = infer_contract(frame, target="y")["y"]
        assert (column.type, column.role, column.levels) == ("boolean", Role.TARGET, None)
        assert column.coerce == (TextToBoolean(kind="text_to_boolean", true_words=true, false_words=false),)
        assert check_rows("x", {"y": column}, frame).broken == {"y: missing": 1}


@pytest.mark.parametrize("values", [["yes", "maybe"], ["yes"], ["yes", "no", "maybe"], ["yes", "n"], [1, "no"]])
def test_a_target_of_other_words_stays_a_category(values: list[object]) -> None:
    assert infer_contract(pd.DataFrame({"y": values * 20}), target="y")["y"].type == "category"


def test_what_looks_like_a_person_is_guessed_and_no_feature() -> None:
    column = inferred([f"p{i}@example.org" for i in range(30)], "contact")
    assert (column.personal_data, column.role) == (PersonalData.DIRECT, Role.NOT_USED)
    assert inferred([f"555-123-{i:04}" for i in range(30)], "home_phone").personal_data is PersonalData.DIRECT
    assert inferred(rng().normal(size=30), "home_phone").personal_data is PersonalData.NONE
    assert inferred(["yes", "no"] * 30, "email").personal_data is PersonalData.NONE
    assert inferred(rng().normal(size=30), "score").personal_data is PersonalData.NONE


def test_a_trait_of_persons_stays_a_feature_and_a_sensitive_one_is_used_only_on_purpose() -> None:
    age = inferred(list(range(20, 70)), "age")
    assert (age.personal_data, age.role, age.reason) == (PersonalData.QUASI, Role.FEATURE, "")
    race = inferred(["a", "b", "c"] * 20, "race")
    assert (race.personal_data, race.role) == (PersonalData.SENSITIVE, Role.NOT_USED)
    assert race.reason == "Looks like sensitive personal data."


def test_a_range_reaches_as_far_as_the_tail_suggests() -> None:
    draw = rng()
    low, high = infer_range(np.sort(draw.uniform(2, 3, 20_000)), whole=False) or (0, 0)
    assert 1.9 < low < 2
    assert 3 < high < 3.1
    _, heavy = infer_range(np.sort(draw.lognormal(size=20_000)), whole=False) or (0, 0)
    assert heavy > 2 * np.exp(4)
    assert infer_range(np.sort(draw.lognormal(size=9)), whole=False)[0] == 0  # type: ignore[index]
    assert infer_range(np.full(500, 3.0), whole=False) is None


@pytest.mark.parametrize("kind", ["normal", "uniform", "lognormal", "exponential", "integers"])
def test_the_next_batch_of_the_same_data_keeps_the_range(kind: str) -> None:
    draw = rng()

    def take() -> Any:
        return draw.integers(0, 60, 2000).astype(float) if kind == "integers" else getattr(draw, kind)(size=2000)

    outside = 0
    for _ in range(40):
        low, high = infer_range(np.sort(take()), whole=kind == "integers") or (0, 0)
        later = take()
        outside += bool((later < low).any() or (later > high).any())
    assert outside <= 1


ODD: dict[Any, Any] = {
    "null": [None] * 6,
    "constant": [1] * 6,
    "mixed": [1, "a", 2.5, None, dt.date(2024, 1, 1), [1, 2]],
    "dicts": [[1], {}, {"a": 1}, None, (1,), {1, 2}],
    "zones": [
        pd.Timestamp("2024-01-01", tz="UTC"), pd.Timestamp("2024-01-01", tz="Europe/Berlin"), pd.NaT,
        pd.Timestamp("2024-01-01"), None, dt.datetime(2024, 1, 1),  # noqa: DTZ001 - without a zone, on purpose
    ],
    "infinite": [np.inf, 1, 2, -np.inf, np.nan, 3],
    "enormous": [2**80, 1, 2, 3, None, 4],
    "durations": pd.to_timedelta(range(6), unit="s"),
    "periods": pd.period_range("2024", periods=6, freq="M"),
    "complex": [1j] * 6,
    "bytes": [b"\xff", b"a", None, b"b", b"", b"x"],
    "nul": ["a\0b", "c", None, "d", "\0", ""],
    "decimals": [decimal.Decimal(text) for text in ("1.5", "NaN", "1e400", "2", "3", "-0")],
    "beyond": ["0001-01-01", "9999-12-31", "1600-01-01T00:00:00Z", None, "2024-02-28", "0000-00-00"],
    "intervals": pd.interval_range(0, 6),
    "codes": pd.array([1, None, 3, 4, 5, 2**62], dtype="Int64"),
    "surrogate": pd.Series(["\ud800", "a", "b", "c", "d", "e"], dtype=object),
    "tiny": [5e-324, 1e-310, 0, 1, 2, 3.5],
    "huge": [1.7e308, -1.7e308, 0, 1, 2, 3.5],
    "functions": [len, max, min, sum, abs, None],
    "long": ["x" * 300, None, "a", "b", "c", "d"],
    7: range(6),
}  # fmt: skip


@pytest.mark.parametrize("rows", [0, 1, 6])
def test_odd_frames_are_described_and_checked_without_an_error(rows: int) -> None:
    frame = pd.DataFrame(ODD).iloc[:rows]
    found = infer_contract(frame)
    assert set(found) >= {str(name) for name in ODD} - {"surrogate", "long"}
    if rows:
        assert found["null"].reason == "No value was seen."
    checked = check_rows("odd", found, frame.rename(columns=str))
    broken = {reason.partition(":")[0] for reason in checked.broken}
    assert broken <= {"infinite"}


def test_names_that_come_twice_are_refused_in_words() -> None:
    with pytest.raises(DataInvalid, match="the table: 1 column names come more than once, such as '1'; names must"):
        infer_contract(pd.DataFrame([[1, 2]], columns=[1, "1"]))


def test_a_table_without_columns_has_an_empty_contract() -> None:
    assert infer_contract(pd.DataFrame()) == {}


def test_ten_thousand_columns_are_described() -> None:
    assert len(infer_contract(pd.DataFrame(np.zeros((3, 10_000))))) == 10_000


def test_many_levels_are_left_open() -> None:
    column = inferred([f"k{i % 150_000}" for i in range(200_000)])
    assert (column.type, column.levels, column.unique) == ("category", None, False)


CELL = st.one_of(
    st.none(), st.integers(), st.floats(allow_infinity=False), st.text(max_size=4), st.booleans(),
    st.sampled_from(["2024-01-01", "1.0", "true", "x@example.org"]),
)  # fmt: skip


@settings(deadline=None, max_examples=60)
@given(st.lists(CELL, min_size=1, max_size=9))
def test_rows_keep_the_contract_that_was_inferred_from_them(values: list[Any]) -> None:
    frame = pd.DataFrame({"x": pd.Series(values, dtype=object), "y": pd.Series(values)})
    assert check_rows("x", infer_contract(frame), frame).broken == {}
