"""`ml-platform keys` about signing: the platform's keys, persons' keys, and what an auditor gets."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ml_platform.adapters.platform import open_platform
from ml_platform.adapters.signing_keys import FileSigningKeys
from ml_platform.core.public_keys import parse_keys
from ml_platform.settings import load_settings
from ml_platform_tests.cli.conftest import Run


@pytest.fixture
def home(run: Run, tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture
def password(tmp_path: Path) -> str:
    (tmp_path / "password").write_text("correct horse battery\n")
    return str(tmp_path / "password")


def test_the_platform_s_keys_are_rotated_retired_and_exported_without_a_secret(
    run: Run, home: Path, tmp_path: Path
) -> None:
    old = FileSigningKeys(home).sign(b"yes").key_id
    secret = json.loads((home / "keys" / f"signing-{old}.key").read_bytes())["signing_key"]
    said = run("keys", "rotate", "--signing", "--by", "carol")
    assert said.code == 0
    assert "signs from now on" in said.out
    assert run("keys", "retire", old, "--by", "carol").code == 0
    shown = run("keys", "show").out
    assert f"{old}  made " in shown
    assert "signs for the platform, retired" in shown
    exported = run("keys", "public").out
    assert secret not in shown + exported
    assert run("keys", "public", "--to", str(tmp_path / "public.json")).code == 0
    kept = parse_keys((tmp_path / "public.json").read_bytes(), "here")
    assert kept == parse_keys(exported.encode(), "here") == FileSigningKeys(home).public_keys()
    with open_platform(load_settings()) as platform:
        noted = [(entry.action, entry.actor) for entry in platform.ledger.audit()]
    assert noted == [("signing_key_added", "carol"), ("signing_key_retired", "carol")]


def test_a_person_s_key_lies_outside_of_the_home_and_is_made_once(
    run: Run, home: Path, tmp_path: Path, password: str
) -> None:
    inside = run("keys", "new-person", "carol", "--to", str(home / "carol.pem"), "--password-file", password)
    assert inside.code == 2
    assert "a person keeps the key elsewhere" in inside.err
    path = tmp_path / "carol.pem"
    made = run("keys", "new-person", "carol", "--to", str(path), "--password-file", password)
    assert made.code == 0
    assert "approves as carol" in made.out
    assert "signs for carol" in run("keys", "show").out
    other = tmp_path / "other.pem"
    again = run("keys", "new-person", "Carol", "--to", str(other), "--password-file", password)
    assert again.code == 2
    assert "retire it first" in again.err
    assert not other.exists()
