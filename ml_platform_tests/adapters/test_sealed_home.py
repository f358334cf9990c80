from __future__ import annotations

import os
from pathlib import Path

import pytest

from ml_platform.adapters.artefacts import FileArtefacts
from ml_platform.adapters.keys import FileKeys
from ml_platform.adapters.sealed_home import drafts_under, seal_plain, sealed_files
from ml_platform.adapters.segments import line_of, segments_of
from ml_platform.core.errors import DataInvalid, Unavailable
from ml_platform_tests.adapters.sealed_world import FILES, KINDS, ROW, TRAFFIC, filled, filled_before, require_readable


def test_every_file_that_has_to_be_sealed_is_found_and_no_other(tmp_path: Path) -> None:
    version = filled(tmp_path).current()
    for other in ("records/late/x.json", "memory/model/key.json", "mlflow/artifacts/toy/model.txt"):
        (tmp_path / other).parent.mkdir(parents=True)
        (tmp_path / other).write_text("{}")
    found = list(sealed_files(tmp_path))
    assert [file.what for file in found] == [kind for kind in KINDS for _ in FILES] + ["traffic"]
    assert {file.versions() for file in found} == {(version,)}
    assert not any(file.is_plain() for file in found)


def test_nothing_that_is_sealed_can_be_read_from_the_disk(tmp_path: Path) -> None:
    filled(tmp_path)
    for file in sealed_files(tmp_path):
        assert b"secret" not in file.path.read_bytes()


def test_a_home_that_is_not_there_has_nothing(tmp_path: Path) -> None:
    assert list(sealed_files(tmp_path / "none")) == []
    assert drafts_under(tmp_path / "none", "0001-00000000") == []


def test_a_file_that_went_away_names_nothing(tmp_path: Path) -> None:
    keys = filled(tmp_path)
    file = next(sealed_files(tmp_path))
    file.path.unlink()
    assert (file.versions(), file.is_plain(), file.rewrap(keys)) == ((), False, False)


def test_a_file_that_cannot_be_read_is_said(tmp_path: Path) -> None:
    filled(tmp_path)
    file = next(sealed_files(tmp_path))
    file.path.unlink()
    file.path.mkdir()
    with pytest.raises(Unavailable, match="can't be read"):
        file.versions()


def test_a_home_of_an_earlier_version_is_sealed(tmp_path: Path) -> None:
    filled_before(tmp_path)
    store = FileArtefacts(tmp_path)
    with pytest.raises(DataInvalid, match="ml-platform keys seal"):
        store.read("snapshots", "0" * 64, "manifest.json")
    keys = FileKeys(tmp_path)
    for file in sealed_files(tmp_path):
        assert file.is_plain()
        assert file.versions() == ()
        assert seal_plain(file, keys) == 0
        assert file.versions() == (keys.current(),)
    require_readable(tmp_path)
    assert not list(tmp_path.rglob(".*-*"))


def test_a_plain_file_that_is_not_what_was_stored_is_not_sealed(tmp_path: Path) -> None:
    filled_before(tmp_path)
    file = next(sealed_files(tmp_path))
    file.path.write_bytes(b"other")
    with pytest.raises(DataInvalid, match="isn't what was stored, so it isn't sealed"):
        seal_plain(file, FileKeys(tmp_path))
    assert file.path.read_bytes() == b"other"
    (file.path.parent / "files.json").unlink()
    with pytest.raises(DataInvalid):
        seal_plain(file, FileKeys(tmp_path))
    assert sorted(path.name for path in file.path.parent.iterdir()) == sorted(FILES)


def test_a_disk_that_refuses_leaves_the_plain_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    filled_before(tmp_path)
    file = next(sealed_files(tmp_path))

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    keys = FileKeys(tmp_path)
    keys.current()
    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        with pytest.raises(Unavailable, match=r"can't be sealed \(No space left on device\)"):
            seal_plain(file, keys)
    assert file.path.read_bytes() == FILES[file.path.name]


def test_torn_lines_of_plain_traffic_are_left_out_and_counted(tmp_path: Path) -> None:
    filled_before(tmp_path)
    (segment,) = segments_of(tmp_path / TRAFFIC)
    segment.write_bytes(line_of(ROW) + b"00000000 altered\n" + line_of(ROW) + b"0000")
    (file,) = (file for file in sealed_files(tmp_path) if file.what == "traffic")
    assert seal_plain(file, FileKeys(tmp_path)) == 2


def test_a_draft_whose_key_is_wrapped_already_counts_as_a_use(tmp_path: Path) -> None:
    keys = filled(tmp_path)
    folder = tmp_path / "snapshots"
    (folder / ("0" * 64)).rename(folder / ".draft-1")
    assert len(drafts_under(tmp_path, keys.current())) == len(FILES)
    assert drafts_under(tmp_path, "0009-00000000") == []
