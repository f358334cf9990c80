from __future__ import annotations

import datetime as dt
import math
import subprocess
import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ml_platform.core.errors import DataInvalid
from ml_platform.core.scoring import InputColumn
from ml_platform.policy.spec import PersonalData
from ml_platform.stages.coerce import coerce
from ml_platform.stages.encode import encode_frame, encode_rows, input_columns, learn_levels, shown_columns
from ml_platform.stages.encode_one import OneRowEncoder
from ml_platform.stages.request_rows import request_rows
from ml_platform_tests.stages.parcels import CONTRACT, parcel_spec

SPEC = parcel_spec(Path("nowhere"))
LEVELS = {"site": ["north", "south", "west"], "carrier": ["dx", "up"]}
TIMES = st.datetimes(
    dt.datetime.fromisoformat("1900-01-01"), dt.datetime.fromisoformat("2200-01-01"), timezones=st.just(dt.UTC)
)
ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "sent": st.none() | TIMES,
            "weight": st.none() | st.floats(allow_nan=False, allow_infinity=False),
            "pieces": st.none() | st.integers(-(2**53), 2**53),
            "site": st.none() | st.sampled_from(["north", "west", "east"]),
            "carrier": st.none() | st.sampled_from(["dx", "new"]),
            "express": st.none() | st.booleans(),
        }
    ),
    min_size=1,
    max_size=6,
)


def frame_of(rows: list[dict[str, Any]]) -> pd.DataFrame:
    names = [name for name in CONTRACT if name in rows[0]]
    columns = {name: pd.Series([row[name] for row in rows], dtype=object) for name in names}
    return pd.DataFrame({name: coerce(columns[name], SPEC.contract[name].type)[0] for name in names})


def both_ways(row: Mapping[str, object]) -> Mapping[str, Any]:
    """Encode a row as one of many, and alone, which is the same."""
    found, alone = encode_rows(input_columns(SPEC), LEVELS, [row]), OneRowEncoder(input_columns(SPEC), LEVELS)(row)
    assert {name: repr(values) for name, values in found.items()} == {n: repr(values) for n, values in alone.items()}
    return found


@settings(deadline=None)
@given(ROWS)
def test_a_request_row_is_encoded_exactly_as_in_the_batch(rows: list[dict[str, Any]]) -> None:
    frame = frame_of(rows)
    batch = encode_frame(SPEC, LEVELS, frame)
    alone = encode_rows(input_columns(SPEC), LEVELS, request_rows(SPEC, frame))
    assert list(batch) == list(alone) == list(SPEC.inputs)
    encode_one = OneRowEncoder(input_columns(SPEC), LEVELS)
    single = [{name: float(values[0]) for name, values in encode_one(row).items()} for row in request_rows(SPEC, frame)]
    for name in batch:
        assert np.array_equal(batch[name], alone[name], equal_nan=True)
        assert np.array_equal(batch[name], [row[name] for row in single], equal_nan=True)


def test_each_type_has_its_number() -> None:
    row = {
        "sent": "1970-01-02T00:00:00.5Z", "weight": 2, "pieces": 3, "site": "west", "carrier": "dx", "express": True,
    }  # fmt: skip
    assert {name: values.tolist() for name, values in both_ways(row).items()} == {
        "sent": [86400.5], "weight": [2.0], "pieces": [3.0], "site": [2.0], "carrier": [0.0], "express": [1.0],
    }  # fmt: skip


@pytest.mark.parametrize("row", [{}, dict.fromkeys(SPEC.inputs), {"site": "east", "carrier": ""}])
def test_what_is_missing_or_was_never_seen_is_nan(row: dict[str, object]) -> None:
    found = both_ways(row)
    assert all(math.isnan(values[0]) for values in found.values())


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("weight", "heavy@example.org"), ("weight", True), ("weight", [1]), ("pieces", "3"), ("site", 3.5),
        ("site", True), ("sent", 17.0), ("sent", "yesterday"), ("express", "yes"), ("express", 2), ("weight", 10**400),
    ],
)  # fmt: skip
def test_a_value_of_another_type_is_refused_by_column_and_never_repeated(name: str, value: object) -> None:
    encode_one = OneRowEncoder(input_columns(SPEC), LEVELS)
    for encode in (lambda row: encode_rows(input_columns(SPEC), LEVELS, [row]), encode_one):
        with pytest.raises(DataInvalid, match=f"^{name}: a value is no ") as caught:
            encode({name: value})
        assert "heavy" not in str(caught.value)


@pytest.mark.parametrize("value", [2, 2.0, "2", "2.0"], ids=repr)
def test_a_whole_number_as_a_category_is_its_decimal_text_as_in_training(value: object) -> None:
    column = InputColumn(name="grade", type="category")
    in_training, _ = coerce(pd.Series([value], dtype=object), "category")
    assert in_training.tolist() == ["2"]
    levels = {"grade": ["0", "2"]}
    assert encode_rows([column], levels, [{"grade": value}])["grade"].tolist() == [1.0]
    assert OneRowEncoder([column], levels)({"grade": value})["grade"].tolist() == [1.0]


def test_rows_encoded_at_once_in_several_threads_stay_apart() -> None:
    encode = OneRowEncoder([InputColumn(name="weight", type="number")], {})
    here = encode({"weight": 1.0})
    with ThreadPoolExecutor(1) as elsewhere:
        there = elsewhere.submit(encode, {"weight": 2.0}).result()
    assert (here["weight"].tolist(), there["weight"].tolist()) == ([1.0], [2.0])


def test_a_time_without_zone_is_utc_and_any_zone_is_the_same_moment() -> None:
    column = (InputColumn(name="t", type="datetime"),)
    texts = ["2024-03-01T12:00:00", "2024-03-01T13:00:00+01:00", "2024-03-01 12:00:00Z"]
    assert len(set(encode_rows(column, {}, [{"t": text} for text in texts])["t"].tolist())) == 1


def test_levels_are_the_declared_ones_or_those_of_the_training_rows_sorted() -> None:
    frame = pd.DataFrame({"site": pd.Categorical(["west"]), "carrier": pd.Categorical(["up"], categories=["dx", "up"])})
    assert learn_levels(SPEC, frame) == {"site": ["north", "south", "west"], "carrier": ["up"]}


def test_encoded_columns_can_not_be_written_to() -> None:
    found = encode_frame(SPEC, LEVELS, frame_of([dict.fromkeys(SPEC.inputs)]))
    with pytest.raises(ValueError, match="read-only"):
        found["weight"][0] = 1.0


def test_input_columns_say_what_a_request_has_to_carry() -> None:
    found = {column.name: column for column in input_columns(SPEC)}
    assert tuple(found) == SPEC.inputs == ("sent", "weight", "pieces", "site", "carrier", "express")
    assert found["weight"] == InputColumn(name="weight", type="number", low=0.0, high=100.0)
    assert found["site"].levels == ("north", "south", "west")
    assert found["pieces"].missing == 0.2


@pytest.mark.parametrize("said", ["quasi", "sensitive"])
def test_learned_levels_may_be_shown_only_of_columns_that_are_not_personal(said: str) -> None:
    personal = SPEC.contract["carrier"].model_copy(update={"personal_data": PersonalData(said)})
    private = SPEC.model_copy(update={"contract": {**SPEC.contract, "carrier": personal}})
    assert shown_columns(SPEC) == ("carrier",)
    assert shown_columns(private) == ()


def test_the_one_row_path_does_not_import_pandas() -> None:
    code = "import sys, ml_platform.stages.encode; sys.exit('pandas' in sys.modules or 'pyarrow' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
