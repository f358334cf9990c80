"""Who launched a run: a tag that the web server wrote for this run, and no other."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ml_platform.access.seal import LAUNCHED_BY, SEAL, launcher, launcher_tags, seal_key
from ml_platform.core.errors import Unavailable

if TYPE_CHECKING:
    from pathlib import Path


def test_only_the_runs_own_seal_names_who_launched_it(tmp_path: Path) -> None:
    tags = launcher_tags(tmp_path, "run", "rita")
    assert launcher(tmp_path, "run", tags) == "rita"
    assert launcher(tmp_path, "another run", tags) is None
    assert launcher(tmp_path, "run", {**tags, LAUNCHED_BY: "ada"}) is None
    assert launcher(tmp_path, "run", {**tags, SEAL: "ü"}) is None
    assert launcher(tmp_path, "run", {LAUNCHED_BY: "rita"}) is None
    assert launcher(tmp_path, "run", {}) is None


def test_without_a_key_nobody_is_vouched_for_and_none_is_made(tmp_path: Path) -> None:
    assert launcher(tmp_path, "run", {LAUNCHED_BY: "rita", SEAL: "0" * 64}) is None
    assert list(tmp_path.iterdir()) == []


def test_the_key_is_made_once_and_is_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "access" / "seal.key"
    assert seal_key(tmp_path) == seal_key(tmp_path)
    assert path.stat().st_mode & 0o777 == 0o600
    path.chmod(0o644)
    with pytest.raises(Unavailable, match="chmod 600"):
        seal_key(tmp_path)
    path.chmod(0o600)
    path.write_bytes(b"short")
    with pytest.raises(Unavailable, match="32 are needed"):
        seal_key(tmp_path)
