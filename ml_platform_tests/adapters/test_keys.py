"""Keys in files: what the contract suite can't say for the fake."""

from __future__ import annotations

import datetime as dt
import json
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from ml_platform.adapters.keys import NEEDED, FileKeys
from ml_platform.core.errors import DataInvalid, Unavailable

NOW = dt.datetime(2024, 5, 1, 12, tzinfo=dt.UTC)
DATA_KEY = bytes(32)
FIRST_USE = """
import pathlib, sys
from ml_platform.adapters.keys import FileKeys
print(FileKeys(pathlib.Path(sys.argv[1])).current())
"""


@pytest.fixture
def keys(tmp_path: Path) -> FileKeys:
    return FileKeys(tmp_path, clock=lambda: NOW)


def only_file(keys: FileKeys) -> Path:
    (path,) = keys.folder.iterdir()
    return path


def test_a_key_file_is_for_its_owner_alone(keys: FileKeys) -> None:
    keys.current()
    assert only_file(keys).stat().st_mode & 0o777 == 0o600
    assert keys.folder.stat().st_mode & 0o777 == 0o700
    assert keys.versions()[0].made_at == NOW


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o601, 0o666])
def test_a_key_that_others_may_open_is_refused(keys: FileKeys, mode: int) -> None:
    keys.current()
    path = only_file(keys)
    path.chmod(mode)
    with pytest.raises(Unavailable, match=rf"mode {mode:04o}.*chmod 600"):
        keys.current()
    path.chmod(0o600)
    assert keys.current()


DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda _: b"",
    "cut": lambda content: content[:-4],
    "no text": lambda content: b"\xff" + content,
    "another document": lambda _: b"[]",
    "no number": lambda content: content.replace(b'"key":"', b'"key":"zz'),
    "a byte more": lambda content: content.replace(b'"key":"', b'"key":"00'),
    "another number": lambda content: content.replace(b'"version":"0001', b'"version":"0002'),
    "another key": lambda content: json.dumps({**json.loads(content), "key": "00" * 32}).encode(),
    "no time": lambda content: json.dumps({**json.loads(content), "made_at": "soon"}).encode(),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_key_is_refused_without_telling_it(keys: FileKeys, damage: str) -> None:
    keys.current()
    path = only_file(keys)
    secret = json.loads(path.read_bytes())["key"]
    path.write_bytes(DAMAGES[damage](path.read_bytes()))
    with pytest.raises(Unavailable, match=r"damaged.*restore the folder from its backup") as caught:
        FileKeys(keys.home).current()
    assert secret not in str(caught.value)
    assert caught.value.__cause__ is None


def test_lost_keys_are_named_and_no_new_one_hides_it(keys: FileKeys) -> None:
    version = keys.current()
    wrapped = keys.wrap(DATA_KEY, version=version, context=b"")
    path = only_file(keys)
    content = path.read_bytes()
    path.unlink()
    for use in (keys.current, keys.add, keys.versions, lambda: keys.unwrap(wrapped, version=version, context=b"")):
        with pytest.raises(Unavailable, match=f"this home's keys are lost: {version}"):
            use()
    keys.folder.rmdir()
    with pytest.raises(Unavailable, match="keys are lost"):
        keys.current()
    keys.folder.mkdir()
    path.write_bytes(content)
    path.chmod(0o600)
    assert keys.unwrap(wrapped, version=version, context=b"") == DATA_KEY


def test_a_list_of_needed_keys_that_cannot_be_read_is_said(keys: FileKeys) -> None:
    keys.current()
    (keys.home / NEEDED).write_text("[1")
    with pytest.raises(Unavailable, match="isn't the list of the keys"):
        keys.current()


def test_a_key_made_by_a_process_that_was_killed_then_is_used(keys: FileKeys) -> None:
    version = keys.current()
    (keys.home / NEEDED).unlink()
    assert keys.current() == version
    assert version in (keys.home / NEEDED).read_text()


def test_a_folder_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "keys").write_text("in the way")
    with pytest.raises(Unavailable, match="keys: can't be "):
        FileKeys(tmp_path).current()


def test_other_files_in_the_folder_are_left_alone(keys: FileKeys) -> None:
    version = keys.current()
    for name in ("README", ".draft-77", "old.key", "0002.key.bak"):
        (keys.folder / name).write_text("?")
    assert [each.version for each in keys.versions()] == [version]


def test_many_first_uses_at_once_make_one_key(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        seen = set(pool.map(lambda _: FileKeys(tmp_path).current(), range(16)))
    assert len(seen) == 1
    assert len(list((tmp_path / "keys").iterdir())) == 1


def test_first_uses_by_several_processes_make_one_key(tmp_path: Path) -> None:
    command = [sys.executable, "-c", FIRST_USE, str(tmp_path)]
    children = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    said = {child.communicate()[0] for child in children}
    assert said == {FileKeys(tmp_path).current() + "\n"}


def test_new_versions_made_at_once_are_all_kept(tmp_path: Path) -> None:
    with ThreadPoolExecutor(4) as pool:
        made = list(pool.map(lambda _: FileKeys(tmp_path).add(), range(4)))
    keys = FileKeys(tmp_path)
    assert set(made) < {each.version for each in keys.versions()}
    assert keys.current() == max(made)


def test_keys_are_added_and_retired_beside_everything_else(tmp_path: Path) -> None:
    def change() -> None:
        keys = FileKeys(tmp_path)
        for _ in range(8):
            old = keys.current()
            keys.add()
            keys.retire(old)

    def use(_: int) -> None:
        keys = FileKeys(tmp_path)
        while not done.done():
            assert keys.current()

    FileKeys(tmp_path).current()
    with ThreadPoolExecutor(3) as pool:
        done = pool.submit(change)
        for used in [pool.submit(use, number) for number in range(2)]:
            used.result()
        done.result()


def test_a_retired_key_is_no_lost_key(keys: FileKeys) -> None:
    old = keys.current()
    keys.add()
    keys.retire(old)
    assert keys.current() != old
    with pytest.raises(Unavailable, match=f"key '{old}' isn't there"):
        keys.wrap(DATA_KEY, version=old, context=b"")


def test_the_words_of_an_error_hold_no_data_key(keys: FileKeys) -> None:
    version = keys.current()
    data_key = b"k" * 31
    with pytest.raises(DataInvalid) as caught:
        keys.wrap(data_key, version=version, context=b"")
    assert "kkk" not in str(caught.value)
