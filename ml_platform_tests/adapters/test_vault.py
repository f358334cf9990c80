from __future__ import annotations

import datetime as dt
import sqlite3
import stat
from pathlib import Path

import pytest

from ml_platform.adapters.keys import FileKeys
from ml_platform.adapters.vault import FileVault
from ml_platform.core.errors import DataInvalid, Unavailable
from ml_platform.core.vault import Original

AT = dt.datetime(2024, 5, 1, tzinfo=dt.UTC)
NAME = "Xanthippe Unmistakable"


@pytest.fixture
def vault(tmp_path: Path) -> FileVault:
    return FileVault(tmp_path, FileKeys(tmp_path))


def kept(vault: FileVault, text: str = NAME) -> str:
    (token,) = vault.tokens("parcels", "name", [text])
    vault.keep("parcels", [Original(column="name", token=token, subject="s1", text=text)])
    return token


def test_nothing_is_written_before_it_is_used(vault: FileVault) -> None:
    assert vault.forgotten("parcels") == frozenset()
    assert vault.rewrap(FileKeys(vault.path.parent)) == 0
    assert vault.versions() == ()
    assert not vault.path.exists()


def test_tokens_outlive_the_process_and_differ_between_homes(vault: FileVault, tmp_path: Path) -> None:
    token = vault.tokens("parcels", "name", [NAME])
    assert FileVault(tmp_path, FileKeys(tmp_path)).tokens("parcels", "name", [NAME]) == token
    other = tmp_path / "other"
    assert FileVault(other, FileKeys(other)).tokens("parcels", "name", [NAME]) != token


def test_the_file_is_its_owners_and_holds_no_original_before_or_after_forgetting(vault: FileVault) -> None:
    kept(vault)
    assert stat.S_IMODE(vault.path.stat().st_mode) == 0o600
    with sqlite3.connect(vault.path) as database:
        ((wrapped,),) = database.execute("SELECT wrapped FROM persons WHERE subject = 's1'")
        ((sealed,),) = database.execute("SELECT sealed FROM originals")
    content = vault.path.read_bytes()
    assert wrapped in content
    assert sealed in content
    assert NAME.encode() not in content
    vault.forget("parcels", "s1", at=AT)
    content = vault.path.read_bytes()
    assert wrapped not in content
    assert sealed not in content
    assert not list(vault.path.parent.glob("vault.sqlite-*"))


def test_keys_are_wrapped_anew_when_the_wrapping_key_changes(vault: FileVault, tmp_path: Path) -> None:
    token, keys = kept(vault), FileKeys(tmp_path)
    vault.forget("parcels", "s2", at=AT)
    old = keys.current()
    assert vault.versions() == (old,)
    new = keys.add()
    assert (vault.rewrap(keys), vault.rewrap(keys), vault.versions()) == (2, 0, (new,))
    keys.retire(old)
    fresh = FileVault(tmp_path, FileKeys(tmp_path))
    assert fresh.tokens("parcels", "name", [NAME]) == [token]
    assert fresh.reveal("parcels", "name", token) == NAME


@pytest.mark.parametrize("change", ["sealed = zeroblob(40)", "sealed = x'00'", "token = 'p_0'"])
def test_an_altered_vault_is_said_to_be_one(vault: FileVault, change: str) -> None:
    token = kept(vault)
    with sqlite3.connect(vault.path) as database:
        database.execute("UPDATE originals SET " + change)  # noqa: S608  (from the list above)
    with pytest.raises(DataInvalid, match="isn't what was stored"):
        vault.reveal("parcels", "name", "p_0" if "token" in change else token)


def test_a_vault_that_is_none_is_said_in_words(vault: FileVault) -> None:
    vault.path.write_bytes(b"not a database" * 100)
    with pytest.raises(Unavailable, match="the vault can't be used"):
        vault.tokens("parcels", "name", [NAME])
