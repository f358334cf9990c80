"""What lies in place of a file is refused without waiting for it, and never fills the memory."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ml_platform.core import plain_file
from ml_platform.core.errors import DataInvalid, Unavailable
from ml_platform.core.plain_file import read_plain


def read(path: Path, most_bytes: int = 10) -> bytes:
    return read_plain(path, most_bytes=most_bytes, hint="restore it")


def test_a_plain_file_is_read_up_to_the_limit(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"0123456789")
    assert read(path) == b"0123456789"
    with pytest.raises(DataInvalid, match=r"has 10 bytes or more; at most 9 are read; restore it"):
        read(path, 9)


def test_a_file_that_grows_after_it_was_looked_at_is_too_large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"0123456789ab")
    monkeypatch.setattr(plain_file, "require_plain", lambda *_given, **_options: None)
    with pytest.raises(DataInvalid, match="11 bytes or more"):
        read(path)


def test_what_is_no_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    os.mkfifo(tmp_path / "pipe")
    for name in ("folder", "link", "pipe"):
        with pytest.raises(DataInvalid, match=f"is a {name}; a plain file is needed; restore it"):
            read(tmp_path / name)
    with pytest.raises(DataInvalid, match="is no plain file"):
        read(Path(os.devnull))


def test_a_file_that_is_gone_or_cannot_be_read_is_unavailable(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="isn't there; it is needed; restore it"):
        read(tmp_path / "none")
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(Unavailable, match="can't be read"):
        read(tmp_path / "file" / "below")
