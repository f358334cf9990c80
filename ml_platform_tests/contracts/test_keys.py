"""The Keys port: one suite for the fake and for the keys in files."""

from __future__ import annotations

import secrets
from pathlib import Path

import pytest

from ml_platform.adapters.keys import FileKeys
from ml_platform.core.errors import DataInvalid, Unavailable
from ml_platform.core.keys import DATA_KEY_BYTES, LONGEST_VERSION, LONGEST_WRAPPED, Keys
from ml_platform_tests.fakes.keys import FakeKeys

DATA_KEY = bytes(range(DATA_KEY_BYTES))


@pytest.fixture(params=["fake", "files"])
def keys(request: pytest.FixtureRequest, tmp_path: Path) -> Keys:
    return FakeKeys() if request.param == "fake" else FileKeys(tmp_path)


def test_the_first_version_is_made_on_first_use(keys: Keys) -> None:
    assert list(keys.versions()) == []
    version = keys.current()
    assert [each.version for each in keys.versions()] == [version]
    assert keys.current() == version


def test_what_was_wrapped_is_unwrapped(keys: Keys) -> None:
    version = keys.current()
    wrapped = keys.wrap(DATA_KEY, version=version, context=b"here")
    assert keys.unwrap(wrapped, version=version, context=b"here") == DATA_KEY
    assert DATA_KEY not in wrapped
    assert keys.wrap(DATA_KEY, version=version, context=b"here") != wrapped


def test_versions_and_wrapped_keys_are_short(keys: Keys) -> None:
    version = keys.current()
    assert version.isascii()
    assert len(version) <= LONGEST_VERSION
    assert len(keys.wrap(DATA_KEY, version=version, context=b"x" * 500)) <= LONGEST_WRAPPED


def test_another_context_is_refused(keys: Keys) -> None:
    version = keys.current()
    wrapped = keys.wrap(DATA_KEY, version=version, context=b"here")
    with pytest.raises(DataInvalid):
        keys.unwrap(wrapped, version=version, context=b"there")


def test_another_version_is_refused(keys: Keys) -> None:
    version = keys.current()
    wrapped = keys.wrap(DATA_KEY, version=version, context=b"here")
    with pytest.raises(DataInvalid):
        keys.unwrap(wrapped, version=keys.add(), context=b"here")


@pytest.mark.parametrize("at", [0, 13, -1])
def test_an_altered_wrapped_key_is_refused(keys: Keys, at: int) -> None:
    version = keys.current()
    wrapped = bytearray(keys.wrap(DATA_KEY, version=version, context=b""))
    wrapped[at] ^= 1
    with pytest.raises(DataInvalid):
        keys.unwrap(bytes(wrapped), version=version, context=b"")


@pytest.mark.parametrize("length", [0, 5, 40])
def test_a_cut_wrapped_key_is_refused(keys: Keys, length: int) -> None:
    version = keys.current()
    wrapped = keys.wrap(DATA_KEY, version=version, context=b"")
    with pytest.raises(DataInvalid):
        keys.unwrap(wrapped[:length], version=version, context=b"")


@pytest.mark.parametrize("length", [0, 16, 31, 33])
def test_a_data_key_has_one_length(keys: Keys, length: int) -> None:
    version = keys.current()
    with pytest.raises(DataInvalid):
        keys.wrap(bytes(length), version=version, context=b"")


def test_an_unknown_version_is_said(keys: Keys) -> None:
    keys.current()
    for use in (
        lambda: keys.wrap(DATA_KEY, version="9999-gone", context=b""),
        lambda: keys.unwrap(bytes(92), version="9999-gone", context=b""),
        lambda: keys.retire("9999-gone"),
    ):
        with pytest.raises(Unavailable):
            use()


def test_a_new_version_is_current_and_the_old_one_still_unwraps(keys: Keys) -> None:
    old = keys.current()
    wrapped = keys.wrap(DATA_KEY, version=old, context=b"")
    new = keys.add()
    assert keys.current() == new != old
    assert [each.version for each in keys.versions()] == [old, new]
    assert keys.unwrap(wrapped, version=old, context=b"") == DATA_KEY


def test_the_current_version_is_not_retired(keys: Keys) -> None:
    version = keys.current()
    with pytest.raises(DataInvalid):
        keys.retire(version)
    assert keys.current() == version


def test_a_retired_version_is_gone_for_good(keys: Keys) -> None:
    old = keys.current()
    wrapped = keys.wrap(DATA_KEY, version=old, context=b"")
    new = keys.add()
    keys.retire(old)
    assert [each.version for each in keys.versions()] == [new]
    assert keys.current() == new
    with pytest.raises(Unavailable):
        keys.unwrap(wrapped, version=old, context=b"")


def test_a_version_is_never_used_again(keys: Keys) -> None:
    seen = {keys.current(), keys.add()}
    keys.retire(min(seen))
    assert keys.add() not in seen


def test_nothing_shown_holds_a_secret(keys: Keys) -> None:
    data_key = secrets.token_bytes(DATA_KEY_BYTES)
    version = keys.current()
    keys.wrap(data_key, version=version, context=b"")
    shown = f"{keys!r} {keys.versions()!r}"
    assert data_key.hex() not in shown
    assert repr(data_key) not in shown
