from __future__ import annotations

from pathlib import Path

import dagster as dg
import pytest

from ml_platform.core.errors import DataInvalid, Unavailable
from ml_platform.core.records import QuarantineRecord, SplitRecord
from ml_platform.orchestration.records import (
    RECORDS,
    RecordIOManager,
    keep_record,
    read_partitions,
    read_record,
    record_path,
    write_record,
)

DIGEST = "ab" * 32
SPLIT = SplitRecord(model="parcels", digest=DIGEST, snapshot_digest="cd" * 32, rows={"train": 3}, boundaries={"a": "b"})
KEY = ("parcels", "split")


def test_what_was_put_on_the_shelf_is_read_back(tmp_path: Path) -> None:
    write_record(tmp_path, KEY, SPLIT)
    assert read_record(tmp_path, KEY, SplitRecord) == SPLIT


def test_a_shelf_without_the_record_gives_none(tmp_path: Path) -> None:
    assert read_record(tmp_path, KEY, SplitRecord) is None
    assert read_partitions(tmp_path, KEY, SplitRecord) == []


def test_a_kept_record_is_found_by_its_digest_after_a_newer_one_came(tmp_path: Path) -> None:
    newer = SplitRecord(model="parcels", digest="ef" * 32, snapshot_digest="cd" * 32, rows={"train": 4})
    keep_record(tmp_path, KEY, SPLIT)
    keep_record(tmp_path, KEY, newer)
    assert read_record(tmp_path, KEY, SplitRecord) == newer
    assert read_record(tmp_path, KEY, SplitRecord, DIGEST) == SPLIT


def test_partitions_are_listed_without_the_copies_by_digest(tmp_path: Path) -> None:
    for month in ("2025-10", "2025-09"):
        keep_record(tmp_path, KEY, SPLIT, month)
    assert [path.stem for path in sorted(record_path(tmp_path, KEY).parent.glob("*.json"))] == [
        "2025-09", "2025-10", DIGEST,
    ]  # fmt: skip
    assert len(read_partitions(tmp_path, KEY, SplitRecord)) == 2


def test_writing_leaves_no_draft_behind(tmp_path: Path) -> None:
    path = write_record(tmp_path, KEY, SPLIT)
    assert [each.name for each in path.parent.iterdir()] == ["latest.json"]


@pytest.mark.parametrize("thing", [None, {"digest": DIGEST}, "text", SplitRecord])
def test_only_a_dataclass_is_a_record(tmp_path: Path, thing: object) -> None:
    with pytest.raises(DataInvalid, match="is no record"):
        write_record(tmp_path, KEY, thing)


@pytest.mark.parametrize("content", [b"", b"{", b'{"model": 1}', b"\x80\x04N."])
def test_something_else_on_the_shelf_is_refused(tmp_path: Path, content: bytes) -> None:
    path = record_path(tmp_path, KEY)
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    with pytest.raises(DataInvalid, match="materialise parcels/split again"):
        read_record(tmp_path, KEY, SplitRecord)


def test_a_record_of_another_schema_version_is_refused(tmp_path: Path) -> None:
    path = write_record(tmp_path, KEY, SPLIT)
    path.write_text(path.read_text().replace('"schema_version": 1', '"schema_version": 2'))
    with pytest.raises(DataInvalid, match="schema version 2, known: 1"):
        read_record(tmp_path, KEY, SplitRecord)


@pytest.mark.parametrize("key", [("parcels", "../split"), ("parcels", ""), ("..", "split")])
def test_a_key_cannot_leave_the_shelf(tmp_path: Path, key: tuple[str, str]) -> None:
    with pytest.raises(DataInvalid, match="names no asset"):
        record_path(tmp_path, key)


def test_an_unwritable_shelf_says_so(tmp_path: Path) -> None:
    (tmp_path / "records").write_text("a file where a folder belongs")
    with pytest.raises(Unavailable, match="can't be written"):
        write_record(tmp_path, KEY, SPLIT)


def test_assets_hand_on_records_through_the_io_manager(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ML_PLATFORM_HOME", str(tmp_path))

    @dg.asset(key=["parcels", "split"], io_manager_key="records")
    def split() -> SplitRecord:
        return SPLIT

    @dg.asset(ins={"split": dg.AssetIn(["parcels", "split"])}, io_manager_key="records")
    def quarantine(split: SplitRecord) -> QuarantineRecord:
        return QuarantineRecord(
            model=split.model, digest="12" * 32, rows=split.rows["train"], rows_seen=3, reasons={"late": 1}
        )

    with dg.instance_for_test() as instance:
        done = dg.materialize([split, quarantine], instance=instance, resources={"records": RECORDS})
    assert done.success
    assert read_record(tmp_path, KEY, SplitRecord) == SPLIT
    assert [path for path in tmp_path.rglob("*") if path.is_file() and path.suffix != ".json"] == []


def test_an_input_that_was_never_materialised_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ML_PLATFORM_HOME", str(tmp_path))
    context = dg.build_input_context(asset_key=dg.AssetKey(["parcels", "split"]), dagster_type=_type())
    with pytest.raises(Unavailable, match="parcels/split: there is no record yet"):
        RecordIOManager().load_input(context)


def _type() -> dg.DagsterType:
    return dg.PythonObjectDagsterType(SplitRecord)
