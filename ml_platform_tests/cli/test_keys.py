"""`ml-platform keys` as a person uses it: look, rotate, retire, seal an old home."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from ml_platform.adapters.keys import FileKeys
from ml_platform.adapters.platform import open_platform
from ml_platform.adapters.sealed_home import sealed_files
from ml_platform.core.ports import AuditEntry
from ml_platform.settings import load_settings
from ml_platform_tests.adapters.sealed_world import FILES, KINDS, filled, filled_before, require_readable
from ml_platform_tests.cli.conftest import Run

COUNT = len(FILES) * len(KINDS) + 1


@pytest.fixture
def home(run: Run, tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    def two_hours_later() -> None:
        now = dt.datetime.now(tz=dt.UTC) + dt.timedelta(hours=2)
        monkeypatch.setattr("ml_platform.cli.keys.utc_now", lambda: now)

    return two_hours_later


def audited() -> list[AuditEntry]:
    with open_platform(load_settings()) as platform:
        return [entry for entry in platform.ledger.audit() if entry.subject == "keys"]


def test_a_home_without_keys_says_so(run: Run, home: Path) -> None:
    said = run("keys", "show")
    assert (said.code, said.out) == (0, f"{home}: no key was made yet; the first is made when something is stored\n")


def test_show_says_versions_and_what_needs_them_and_no_secret(run: Run, home: Path) -> None:
    version = filled(home).current()
    secret = json.loads((home / "keys" / "0001.key").read_bytes())["key"]
    said = run("keys", "show")
    assert said.code == 0
    assert said.out.startswith(f"{version}  made ")
    assert said.out.endswith("current  2 features, 2 models, 2 quarantine, 2 snapshots, 1 traffic\n")
    assert secret not in said.out + said.err


def test_a_key_is_rotated_and_the_old_one_retired(run: Run, home: Path, later: Callable[[], None]) -> None:
    old = filled(home).current()
    said = run("keys", "rotate", "--by", "carol")
    new = FileKeys(home).current()
    assert (said.code, said.out) == (0, f"✓ {new} is current; {COUNT} data keys were wrapped under it\n")
    require_readable(home)
    early = run("keys", "retire", old)
    assert early.code == 1
    assert "a process may still be writing under it; wait until" in early.err
    later()
    assert run("keys", "retire", old).code == 0
    require_readable(home)
    assert [each.version for each in FileKeys(home).versions()] == [new]
    assert [(entry.action, entry.actor) for entry in audited()] == [
        ("key_rotation_started", "carol"),
        ("key_rotation_finished", "carol"),
        ("key_retired", "bob"),
    ]
    assert audited()[1].payload == {"version": new, "rewrapped": COUNT, "problems": 0}
    assert run("audit", "verify").code == 0


def test_a_key_that_is_needed_is_not_retired(run: Run, home: Path, later: Callable[[], None]) -> None:
    keys = filled(home)
    old = keys.current()
    keys.add()
    (home / "snapshots" / ("0" * 64)).rename(home / "snapshots" / ".draft-1")
    later()
    said = run("keys", "retire", old)
    assert said.code == 1
    assert "it is still needed by 2 features, 2 files being written, 2 models, 2 quarantine, 1 traffic" in said.err
    assert run("keys", "retire", "0009-00000000").code == 1


def test_an_interrupted_rotation_is_finished_without_another_key(run: Run, home: Path) -> None:
    keys = filled(home)
    keys.add()
    files = list(sealed_files(home))
    for file in files[:3]:
        file.rewrap(keys)
    assert len(run("keys", "show").out.splitlines()) == 2
    said = run("keys", "rotate", "--finish")
    assert (said.code, len(keys.versions())) == (0, 2)
    assert f"{COUNT - 3} data keys were wrapped" in said.out
    require_readable(home)


def test_a_file_that_is_not_what_was_sealed_stops_only_itself(run: Run, home: Path) -> None:
    filled(home)
    file = next(sealed_files(home))
    file.path.write_bytes(file.path.read_bytes()[:100])
    said = run("keys", "rotate")
    assert said.code == 1
    assert f"{COUNT - 1} data keys" in said.out
    assert "isn't what was sealed here" in said.err


def test_a_home_of_an_earlier_version_is_sealed_by_one_command(run: Run, home: Path) -> None:
    filled_before(home)
    before = run("keys", "show")
    assert before.code == 1
    assert (
        f"plain text: {', '.join(f'2 {kind}' for kind in KINDS)}, 1 traffic; run `ml-platform keys seal`" in before.err
    )
    said = run("keys", "seal")
    assert said.code == 0
    assert said.out == f"✓ sealed: {', '.join(f'2 {kind}' for kind in KINDS)}, 1 traffic\n"
    require_readable(home)
    assert run("keys", "seal").out == "✓ sealed: nothing\n"
    assert audited()[0].payload["problems"] == 0


def test_what_is_not_what_was_stored_is_not_sealed(run: Run, home: Path) -> None:
    filled_before(home)
    next(sealed_files(home)).path.write_bytes(b"other")
    said = run("keys", "seal")
    assert said.code == 1
    assert "isn't what was stored, so it isn't sealed" in said.err


def test_lost_keys_are_said_by_every_command(run: Run, home: Path) -> None:
    filled(home)
    (home / "keys" / "0001.key").unlink()
    for command in (("show",), ("rotate",), ("seal",), ("retire", "0001-00000000")):
        said = run("keys", *command)
        assert said.code == 2
        assert "this home's keys are lost" in said.err


def test_files_of_another_home_are_named_with_the_key_they_miss(run: Run, home: Path, tmp_path: Path) -> None:
    version = filled(tmp_path / "other").current()
    FileKeys(home).current()
    (tmp_path / "other" / "models").rename(home / "models")
    said = run("keys", "show")
    assert said.code == 1
    assert f"{version}: the key is lost; 2 models; restore" in said.err
