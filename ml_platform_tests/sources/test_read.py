from __future__ import annotations

import datetime as dt
import os
from typing import TYPE_CHECKING

import pytest

from ml_platform.core.errors import Unavailable
from ml_platform.sources.read import fingerprint, read_tables
from ml_platform_tests.stages.toy import toy_spec

if TYPE_CHECKING:
    from pathlib import Path

NOW = dt.datetime(2030, 1, 31, tzinfo=dt.UTC)


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    path = tmp_path / "rows.csv"
    path.write_text("load,site,late\n1.5,02,true\n,north,false\n")
    os.utime(path, (dt.datetime(2030, 1, 1, tzinfo=dt.UTC).timestamp(),) * 2)
    return path


def of(*paths: Path) -> dict[str, object]:
    tables = {f"rows_{place}": {"kind": "file", "path": str(path)} for place, path in enumerate(paths)}
    return {"tables": tables, "licence": "CC0-1.0", "description": "Invented."}


def test_a_fingerprint_names_bytes_and_tells_size_and_age(rows: Path) -> None:
    found = fingerprint(toy_spec(source=of(rows)), now=NOW)
    measured = {each.metric: each.value for each in found.measurements}
    assert measured == {"source_age_days": 30.0, "source_size_bytes": rows.stat().st_size, "source_tables": 1}
    assert found.record.facts["rows_0"]["encoding"] == "utf-8 (detected)"
    assert found.record.modified_at == dt.datetime(2030, 1, 1, tzinfo=dt.UTC)


def test_only_another_content_changes_the_digest(rows: Path) -> None:
    spec = toy_spec(source=of(rows))
    before = fingerprint(spec, now=NOW).record
    os.utime(rows)
    assert fingerprint(spec, now=NOW).record.digest == before.digest
    rows.write_text(rows.read_text() + "2,north,true\n")
    assert fingerprint(spec, now=NOW).record.digest != before.digest


def test_the_age_is_that_of_the_newest_table(rows: Path, tmp_path: Path) -> None:
    older = tmp_path / "older.csv"
    older.write_text("a\n1\n")
    os.utime(older, (0, 0))
    found = fingerprint(toy_spec(source=of(older, rows)), now=NOW).measurements[0]
    assert (found.value, found.n) == (30.0, 2)


def test_columns_declared_as_category_are_read_as_text(rows: Path) -> None:
    frame = read_tables(toy_spec(source=of(rows)))["rows_0"]
    assert frame["site"].tolist() == ["02", "north"]
    assert frame["load"].isna().tolist() == [False, True]


def test_a_table_that_is_gone_is_named(rows: Path) -> None:
    spec = toy_spec(source=of(rows))
    rows.unlink()
    with pytest.raises(Unavailable, match=r"toy: source\.tables\.rows_0: nothing is at"):
        fingerprint(spec, now=NOW)
    with pytest.raises(Unavailable, match=r"toy: source\.tables\.rows_0: nothing is at"):
        read_tables(spec)
