"""Traffic in columns: a column has one type that holds all its values, whoever sent what."""

from __future__ import annotations

import dataclasses
import datetime as dt
from pathlib import Path

import msgspec
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ml_platform.adapters.compact_traffic import compact
from ml_platform.adapters.segments import segments_of
from ml_platform.adapters.traffic_columns import alike, columns, in_columns, put_together
from ml_platform.adapters.traffic_days import Taken, days_of, write_day
from ml_platform.adapters.traffic_log import TrafficLog, read_columns
from ml_platform.core.errors import DataInvalid
from ml_platform.core.traffic import InputValue, Prediction
from ml_platform_tests.fakes.keys import FakeKeys

KEYS = FakeKeys()
AT = dt.datetime(2026, 6, 1, tzinfo=dt.UTC)
ONE = Prediction(
    id="p", at=AT, event_time=AT, model="m", environment="production", version=3, model_digest="g", status=200,
    score=0.5, latency_seconds=0.1,
)  # fmt: skip
TEXT = pa.dictionary(pa.int32(), pa.string())


def told(*inputs: dict[str, InputValue]) -> pa.Table:
    return in_columns([msgspec.json.encode(dataclasses.replace(ONE, inputs=each)) for each in inputs], Path("told"))


@pytest.mark.parametrize(
    ("values", "kind", "held"),
    [
        ([1, 2, None], pa.int64(), [1, 2, None]),
        ([1, 2.5], pa.float64(), [1.0, 2.5]),
        ([True, None], pa.bool_(), [True, None]),
        ([True, 2], pa.float64(), [1.0, 2.0]),
        (["a", None], TEXT, ["a", None]),
        (["a", 2, 2.5, True], TEXT, ["a", "2", "2.5", "True"]),
        ([None, None], pa.null(), [None, None]),
        ([1 << 80, 1], TEXT, [str(1 << 80), "1"]),
        ([10**400, 0.5], TEXT, [str(10**400), "0.5"]),
    ],
)
def test_a_column_has_the_type_that_holds_its_values(
    values: list[InputValue], kind: pa.DataType, held: list[InputValue]
) -> None:
    together = told(*({"one": value} for value in values))["input_one"]
    apart = put_together([told({"one": value}) for value in values])["input_one"]
    assert (together.type, together.to_pylist()) == (kind, held)
    assert apart.to_pylist() == held


@pytest.mark.parametrize(
    "rows", [({"a": 1, "b": 2}, {"b": 3, "a": 4}), ({"a": 1, "b": 2}, {"a": 4, "c": 3}), ({}, {"a": 1})]
)
def test_rows_may_name_other_inputs_or_in_another_order(rows: tuple[dict[str, InputValue], ...]) -> None:
    found = told(*rows)
    for name in ("a", "b", "c"):
        if any(name in row for row in rows):
            assert found[f"input_{name}"].to_pylist() == [row.get(name) for row in rows]


VALUES = st.none() | st.booleans() | st.integers(-9, 9) | st.floats(-9, 9) | st.sampled_from(["a", "b"])


@settings(max_examples=30, deadline=None)
@given(st.lists(st.lists(st.dictionaries(st.sampled_from("xyz"), VALUES), max_size=3), max_size=4))
def test_tables_are_alike_whatever_they_hold(groups: list[list[dict[str, InputValue]]]) -> None:
    tables = list(alike([told(*rows) for rows in groups]))
    assert len({str(table.schema) for table in tables}) == 1
    assert sum(map(len, tables)) == sum(map(len, groups))
    every = [row for rows in groups for row in rows]
    whole = pa.concat_tables(tables)
    for name in {name for row in every for name in row}:
        missing = [value is None for value in whole[f"input_{name}"].to_pylist()]
        assert missing == [row.get(name) is None for row in every]


def test_no_traffic_is_an_empty_table_with_the_columns_of_all(tmp_path: Path) -> None:
    (nothing,) = read_columns(tmp_path / "nowhere", keys=KEYS).tables
    assert (len(nothing), nothing.schema) == (0, columns())


def test_a_line_that_is_no_prediction_is_refused_by_its_file() -> None:
    with pytest.raises(DataInvalid, match="told: a line is whole but no"):
        in_columns([b"{}"], Path("told"))


def test_days_of_an_earlier_version_are_read_and_gain_columns_with_the_next_compaction(tmp_path: Path) -> None:
    folder = tmp_path / "log"
    folder.mkdir()
    said = [dataclasses.replace(ONE, id=f"p{number}", inputs={"x": number}) for number in range(3)]
    plain = pa.table(
        {
            "event_time": [AT] * 3, "at": [AT] * 3, "version": [3] * 3, "status": [200] * 3, "score": [0.5] * 3,
            "segment": ["s.log"] * 3, "prediction": [msgspec.json.encode(one) for one in said],
        }
    )  # fmt: skip
    write_day(folder, "2026-06-01", plain, {"s.log": Taken(rows=3)}, KEYS)

    def ids() -> list[str]:
        found = pa.concat_tables(read_columns(folder, AT, AT + dt.timedelta(days=1), keys=KEYS).tables)
        assert found["input_x"].to_pylist() == list(range(len(found)))
        return [str(one) for one in found["id"].to_pylist()]

    assert ids() == ["p0", "p1", "p2"]
    log = TrafficLog(folder, keys=KEYS)
    log.append([dataclasses.replace(ONE, id="p3", event_time=AT + dt.timedelta(hours=1), inputs={"x": 3})])
    log.close()
    assert ids() == ["p0", "p1", "p2", "p3"]
    compact(folder, keys=KEYS)
    assert (ids(), len(days_of(folder)), segments_of(folder)) == (["p0", "p1", "p2", "p3"], 1, [])
