"""Watching a source costs little, and what is remembered is never trusted for a snapshot."""

from __future__ import annotations

import datetime as dt
import os
from pathlib import Path
from typing import Any

import pytest

from ml_platform.adapters.memory import FileMemory
from ml_platform.policy.spec import ModelSpec
from ml_platform.sources import files
from ml_platform.sources.read import fingerprint
from ml_platform_tests.stages.toy import toy_spec

NOW = dt.datetime.now(tz=dt.UTC) + dt.timedelta(hours=1)


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the files that are really read."""
    names: list[str] = []
    real = files._bytes

    def counted(where: str, path: Path) -> bytes:
        names.append(path.name)
        return real(where, path)

    monkeypatch.setattr(files, "_bytes", counted)
    return names


def of(folder: Path, **said: Any) -> ModelSpec:
    tables = {"rows": {"kind": "file", "path": str(folder), **said}}
    return toy_spec(source={"tables": tables, "licence": "CC0-1.0", "description": "Invented."})


def test_only_files_with_another_mark_are_read_again(tmp_path: Path, read: list[str]) -> None:
    rows = tmp_path / "rows"
    rows.mkdir()
    for name in ("a", "b", "c"):
        (rows / f"{name}.csv").write_text(f"load\n{ord(name)}\n")
    memory, spec = FileMemory(tmp_path), of(rows)
    first = fingerprint(spec, now=NOW, memory=memory, watching=True)
    again = fingerprint(spec, now=NOW, memory=memory, watching=True)
    assert (read, again) == (["a.csv", "b.csv", "c.csv"], first)
    (rows / "b.csv").write_text("load\n9\n")
    (rows / "d.csv").write_text("load\n8\n")
    (rows / "c.csv").unlink()
    read.clear()
    later = fingerprint(spec, now=NOW, memory=memory, watching=True)
    assert read == ["b.csv", "d.csv"]
    assert later.record == fingerprint(spec, now=NOW).record
    read.clear()
    fingerprint(of(rows, csv={"delimiter": ";"}), now=NOW, memory=memory, watching=True)
    assert read == ["a.csv", "b.csv", "d.csv"]


def test_a_file_that_changed_just_now_is_not_taken_for_known(tmp_path: Path, read: list[str]) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("load\n1\n")
    just = dt.datetime.fromtimestamp(path.stat().st_mtime, tz=dt.UTC) + dt.timedelta(seconds=1)
    for _ in range(2):
        fingerprint(of(path), now=just, memory=FileMemory(tmp_path))
    assert read == ["rows.csv"] * 2


def test_another_content_under_the_same_size_and_time_is_noticed(tmp_path: Path) -> None:
    path, memory = tmp_path / "rows.csv", FileMemory(tmp_path)
    path.write_text("load\n1\n")
    os.utime(path, (0, 0))
    before = fingerprint(of(path), now=NOW, memory=memory, watching=True).record.digest
    path.write_text("load\n2\n")
    os.utime(path, (0, 0))
    assert fingerprint(of(path), now=NOW, memory=memory, watching=True).record.digest != before


def test_a_memory_that_lies_deceives_no_snapshot(tmp_path: Path) -> None:
    path, memory = tmp_path / "rows.csv", FileMemory(tmp_path)
    path.write_text("load\n1\n")
    spec = of(path)
    true = fingerprint(spec, now=NOW, memory=memory, watching=True).record.tables["rows"]
    remembered = next((tmp_path / "memory" / "toy.source").glob("*.json"))
    remembered.write_text(remembered.read_text().replace(true, "0" * 64))
    assert fingerprint(spec, now=NOW, memory=memory, watching=True).record.tables["rows"] == "0" * 64
    assert fingerprint(spec, now=NOW).record.tables["rows"] == true
