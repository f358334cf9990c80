"""What has come since the live version's rows end is told by records: traffic's outcomes, and the source's size."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from ml_platform.core.records import SnapshotRecord, SourceFingerprint, WindowRecord
from ml_platform.orchestration.records import keep_record
from ml_platform.orchestration.what_came import grown_rows, labelled_since

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ml_platform.core.measurement import Fact

THEN, NOW = "a" * 64, "b" * 64
AS_OF = dt.datetime(2025, 10, 1, tzinfo=dt.UTC)


def snapshot(as_of: dt.datetime | None = AS_OF) -> SnapshotRecord:
    return SnapshotRecord(
        model="parcels", digest="c" * 64, rows=1_000, columns=(), source_digest=THEN, contract_digest="", as_of=as_of
    )


def seen(home: Path, digest: str, size: int, facts: Mapping[str, Mapping[str, Fact]] | None = None) -> None:
    record = SourceFingerprint(
        model="parcels", digest=digest, tables={}, size_bytes=size, modified_at=None, facts=facts or {}
    )
    keep_record(home, ("parcels", "source"), record)


def test_a_source_that_was_never_looked_at_or_is_as_it_was_has_no_new_rows(tmp_path: Path) -> None:
    assert grown_rows(tmp_path, snapshot()) == 0
    seen(tmp_path, THEN, 500)
    assert grown_rows(tmp_path, snapshot()) == 0


@pytest.mark.parametrize(("size", "rows"), [(750, 500), (501, 2), (500, 0), (400, 0)])
def test_a_source_that_grew_holds_as_many_rows_more(tmp_path: Path, size: int, rows: int) -> None:
    seen(tmp_path, THEN, 500)
    seen(tmp_path, NOW, size)
    assert grown_rows(tmp_path, snapshot()) == rows


def test_where_the_size_says_nothing_of_the_rows_it_is_not_known(tmp_path: Path) -> None:
    seen(tmp_path, NOW, 750)
    assert grown_rows(tmp_path, snapshot()) is None  # what it was like then isn't known
    seen(tmp_path, THEN, 500, {"sales": {"size": "at least (one row)"}})
    seen(tmp_path, NOW, 750)
    assert grown_rows(tmp_path, snapshot()) is None


def test_outcomes_count_of_windows_that_began_after_the_rows_end(tmp_path: Path) -> None:
    for month, labelled in (("2025-09", 5), ("2025-10", 7), ("2025-11", 11)):
        record = WindowRecord(
            model="parcels", environment="production", window=month, digest=month.replace("-", "0") + "d" * 57,
            predictions=20, labelled=labelled, errors=0, versions={},
        )  # fmt: skip
        keep_record(tmp_path, ("parcels", "traffic"), record, month)
    assert labelled_since(tmp_path, snapshot()) == 18
    assert labelled_since(tmp_path, snapshot(None)) == 0
