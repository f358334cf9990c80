from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest

from ml_platform.core.errors import DataInvalid
from ml_platform.sources.sql_rows import Tally, as_table

UTC = dt.UTC
DAY = dt.datetime(2030, 1, 2, 3, 4, 5)  # noqa: DTZ001
AWARE = DAY.replace(tzinfo=dt.timezone(dt.timedelta(hours=2)))


@pytest.mark.parametrize(
    ("values", "kind", "read"),
    [
        ([1, None], "int64", [1, None]),
        ([1, 2.5], "double", [1.0, 2.5]),
        ([None, None], "null", [None, None]),
        ([True, None], "bool", [True, None]),
        ([Decimal(2), Decimal("3.00"), 1], "int64", [2, 3, 1]),
        ([Decimal("2.5"), None, 1], "double", [2.5, None, 1.0]),
        ([Decimal("NaN"), 1.5], "double", [None, 1.5]),
        ([DAY, dt.date(2030, 1, 2)], "timestamp[us]", [DAY, dt.datetime(2030, 1, 2)]),  # noqa: DTZ001
        ([AWARE, None], "timestamp[us, tz=UTC]", [AWARE.astimezone(UTC), None]),
        ([DAY, AWARE], "string", [DAY.isoformat(), AWARE.isoformat()]),
        (["x", 1, True, 2.5, None, dt.time(3, 4)], "string", ["x", "1", "true", "2.5", None, "03:04:00"]),
        ([False, 1], "string", ["false", "1"]),
        ([2**70, 1], "string", [str(2**70), "1"]),
        ([dt.timedelta(days=1), "x"], "string", ["1 day, 0:00:00", "x"]),
    ],
)
def test_values_keep_what_they_say(values: list[Any], kind: str, read: list[Any]) -> None:
    found = as_table("t", ["a"], iter([[(value,) for value in values]]))["a"]
    assert str(getattr(found.type, "value_type", found.type)) == kind
    seen = [None if value != value else value for value in found.to_pylist()]  # noqa: PLR0124
    assert seen == read


def test_times_keep_their_zone_after_pandera_was_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYARROW_IGNORE_TIMEZONE", "1")  # what `import pandera` sets for the whole process
    assert as_table("t", ["a"], iter([[(AWARE,)]]))["a"].to_pylist() == [AWARE]


def test_batches_of_other_types_are_joined_without_loss() -> None:
    batches: list[list[tuple[object, ...]]] = [[(1, DAY)], [(2.5, None)], [("x", DAY)]]
    found = as_table("t", ["a", "b"], iter(batches)).to_pydict()
    assert found == {"a": ["1", "2.5", "x"], "b": [DAY, None, DAY]}


@pytest.mark.parametrize("value", [b"x", [1], {"a": 1}, (1, 2)])
def test_bytes_and_nested_values_are_refused(value: object) -> None:
    with pytest.raises(DataInvalid, match="column a holds bytes or nested values"):
        as_table("t", ["a"], iter([[(value,)]]))


def test_no_batch_is_a_table_without_rows() -> None:
    assert as_table("t", ["a"], iter([])).num_rows == 0


def test_a_tally_counts_rows_and_their_repetitions() -> None:
    def digest(*rows: tuple[object, ...]) -> str:
        tally = Tally()
        tally.add(rows)
        return tally.digest

    assert digest((1, "a"), (2, "b")) == digest((2, "b"), (1, "a"))
    assert len({digest((1,)), digest((1,), (1,)), digest(("1",)), digest(), digest((1,), (2,)), digest((1, 2))}) == 6
