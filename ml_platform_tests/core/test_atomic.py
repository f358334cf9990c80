"""A file is replaced whole or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from ml_platform.core.atomic import write_atomically
from ml_platform.core.errors import Unavailable


def test_a_file_is_replaced_and_nothing_else_is_left(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "file.json"
    write_atomically(path, b"first")
    write_atomically(path, b"second")
    assert path.read_bytes() == b"second"
    assert [one.name for one in path.parent.iterdir()] == ["file.json"]


def test_where_nothing_can_be_written_the_path_the_reason_and_what_to_do_are_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(Unavailable, match=r"can't be written .*nothing was left half-written. Buy a disk."):
        write_atomically(tmp_path / "file" / "below.json", b"x", hint="Buy a disk.")


def test_a_failed_replacement_leaves_the_old_file_and_no_draft(tmp_path: Path) -> None:
    path = tmp_path / "taken"
    (path / "child").mkdir(parents=True)
    with pytest.raises(Unavailable):
        write_atomically(path, b"x")
    assert [one.name for one in tmp_path.iterdir()] == ["taken"]


def test_a_file_may_be_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    write_atomically(path, b"x", mode=0o600)
    assert path.stat().st_mode & 0o777 == 0o600
