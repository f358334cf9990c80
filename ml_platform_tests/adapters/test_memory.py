from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import pytest
from pydantic import TypeAdapter

from ml_platform.adapters.memory import FileMemory
from ml_platform.core.errors import DataInvalid, Unavailable
from ml_platform.core.measured import Measured
from ml_platform.core.measurement import Measurement
from ml_platform.core.records import SnapshotRecord, SplitRecord

if TYPE_CHECKING:
    from pathlib import Path

KEY = "0" * 64
AS_OF = TypeAdapter(dt.datetime).validate_json('"2013-06-01T00:00:00Z"')
TAKEN = Measured(
    record=SnapshotRecord(
        model="toy", digest="d", rows=3, columns=("a", "b"), source_digest="s", contract_digest="c", as_of=AS_OF
    ),
    measurements=(
        Measurement(
            metric="row_count", value=3, n=3, facts={"seen": 4, "note": "x", "share": 0.5, "ok": True, "no": None}
        ),
        Measurement(metric="missing_share", value=None, n=0, subject="a", reason="no rows"),
    ),
)


def test_what_was_remembered_is_recalled(tmp_path: Path) -> None:
    memory = FileMemory(tmp_path)
    assert memory.recall("snapshot", KEY, SnapshotRecord) is None
    memory.remember("snapshot", KEY, TAKEN)
    assert FileMemory(tmp_path).recall("snapshot", KEY, SnapshotRecord) == TAKEN


def test_stages_and_keys_are_apart_and_the_last_word_counts(tmp_path: Path) -> None:
    memory = FileMemory(tmp_path)
    memory.remember("snapshot", KEY, TAKEN)
    memory.remember("snapshot", KEY, TAKEN.remembered())
    assert memory.recall("split", KEY, SnapshotRecord) is None
    assert memory.recall("snapshot", "1", SnapshotRecord) is None
    assert memory.recall("snapshot", KEY, SnapshotRecord) == TAKEN.remembered()
    assert [path.name for path in (tmp_path / "memory" / "snapshot").iterdir()] == [f"{KEY}.json"]


@pytest.mark.parametrize("content", [b"", b"{", b"\xff", b'{"record": 1}', b"[]"])
def test_what_can_not_be_read_any_more_counts_as_forgotten(tmp_path: Path, content: bytes) -> None:
    memory = FileMemory(tmp_path)
    memory.remember("snapshot", KEY, TAKEN)
    (tmp_path / "memory" / "snapshot" / f"{KEY}.json").write_bytes(content)
    assert memory.recall("snapshot", KEY, SnapshotRecord) is None


def test_another_record_is_not_mistaken_for_the_one_asked_for(tmp_path: Path) -> None:
    memory = FileMemory(tmp_path)
    memory.remember("snapshot", KEY, TAKEN)
    assert memory.recall("snapshot", KEY, SplitRecord) is None


@pytest.mark.parametrize(("stage", "key"), [("..", KEY), ("a/b", KEY), ("snapshot", "../x"), ("snapshot", "")])
def test_only_plain_names_are_places(tmp_path: Path, stage: str, key: str) -> None:
    with pytest.raises(DataInvalid, match="plain names are needed"):
        FileMemory(tmp_path).remember(stage, key, TAKEN)


def test_a_home_that_can_not_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "memory").write_text("a file")
    with pytest.raises(Unavailable, match="can't be written"):
        FileMemory(tmp_path).remember("snapshot", KEY, TAKEN)
    with pytest.raises(Unavailable, match="can't be read"):
        FileMemory(tmp_path).recall("snapshot", KEY, SnapshotRecord)
