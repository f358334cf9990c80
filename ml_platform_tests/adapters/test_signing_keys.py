"""Signing keys in files: made once, for their owner alone, rotated, retired for good, lost ones named."""

from __future__ import annotations

import datetime as dt
import stat
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from ml_platform.adapters.ed25519 import PrivateKey, holds, make_person_key, open_person_key
from ml_platform.adapters.public_keys import read_public_keys
from ml_platform.adapters.signing_keys import FileSigningKeys
from ml_platform.core.errors import DataInvalid, Unavailable
from ml_platform.core.public_keys import vouching_for, written_keys
from ml_platform.core.signing import PublicKey, key_id_of, why_not_signed

AT = dt.datetime(2013, 7, 1, tzinfo=dt.UTC)
PASSWORD = "correct horse battery"


@pytest.fixture
def keys(tmp_path: Path) -> FileSigningKeys:
    return FileSigningKeys(tmp_path / "home", clock=lambda: AT)


def test_the_first_signature_makes_the_key_for_its_owner_alone(keys: FileSigningKeys) -> None:
    assert keys.current() is None
    signature = keys.sign(b"yes")
    (key,) = keys.public_keys()
    path = keys.folder / f"signing-{key.key_id}.key"
    assert key.key_id == key_id_of(key.public) == signature.key_id
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert why_not_signed(keys, b"yes", signature, at=AT) == ""
    assert keys.sign(b"yes") == FileSigningKeys(keys.path.parent).sign(b"yes") == signature
    assert "signing_key" not in keys.path.read_text()


def test_of_many_that_sign_first_all_sign_with_one_key(tmp_path: Path) -> None:
    def sign(_: int) -> str:
        return FileSigningKeys(tmp_path).sign(b"yes").key_id

    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(sign, range(8)))) == 1


def test_a_rotated_key_signs_and_the_old_one_verifies_until_it_was_retired(keys: FileSigningKeys) -> None:
    old = keys.sign(b"yes")
    new = keys.add()
    assert keys.sign(b"yes").key_id == new.key_id
    with pytest.raises(DataInvalid, match="signs now"):
        keys.retire(new.key_id)
    assert keys.retire(old.key_id).retired_at == AT
    assert not (keys.folder / f"signing-{old.key_id}.key").exists()
    assert why_not_signed(keys, b"yes", old, at=AT - dt.timedelta(seconds=1)) == ""
    assert "was retired" in why_not_signed(keys, b"yes", old, at=AT)
    for unknown in (old.key_id, "nonsense"):
        with pytest.raises(DataInvalid, match="there is no signing key"):
            keys.retire(unknown)


def damage_none(path: Path) -> None:
    path.unlink()


def damage_open(path: Path) -> None:
    path.chmod(0o644)


def damage_other(path: Path) -> None:
    path.write_text(path.read_text().translate(str.maketrans("0123456789", "1234567890")))


def damage_all(path: Path) -> None:
    path.write_text("{}")


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (damage_none, "is lost"),
        (damage_open, "others than its owner"),
        (damage_other, "damaged"),
        (damage_all, "damaged"),
    ],
)
def test_a_key_that_is_not_as_it_was_made_signs_nothing(
    keys: FileSigningKeys, damage: Callable[[Path], None], said: str
) -> None:
    key_id = keys.sign(b"yes").key_id
    damage(keys.folder / f"signing-{key_id}.key")
    with pytest.raises(Unavailable, match=said):
        FileSigningKeys(keys.path.parent).sign(b"yes")


def test_a_person_has_one_key_and_no_two_share_one(keys: FileSigningKeys) -> None:
    key = PrivateKey.of(b"c" * 32)
    keys.add_person("carol", key.public, key.key_id)
    assert keys.current() is not None
    assert why_not_signed(keys, b"yes", key.sign(b"yes"), owner="carol", at=AT) == ""
    with pytest.raises(DataInvalid, match="has the key"):
        keys.add_person(" Carol ", b"d" * 32, key_id_of(b"d" * 32))
    with pytest.raises(DataInvalid, match="is known already"):
        keys.add_person("dora", key.public, key.key_id)
    keys.retire(key.key_id)
    keys.add_person("carol", b"d" * 32, key_id_of(b"d" * 32))


def test_a_person_s_key_opens_with_its_password_alone(tmp_path: Path) -> None:
    path = tmp_path / "carol.pem"
    with pytest.raises(DataInvalid, match="12 are needed"):
        make_person_key(path, "short")
    made = make_person_key(path, PASSWORD)
    signature = open_person_key(path, PASSWORD).sign(b"yes")
    assert holds(made.public, b"yes", signature.value)
    assert not holds(made.public[:5], b"yes", signature.value)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert b"ENCRYPTED" in path.read_bytes()
    with pytest.raises(DataInvalid, match="doesn't open"):
        open_person_key(path, "wrong horse battery")
    with pytest.raises(DataInvalid, match="is there already"):
        make_person_key(path, PASSWORD)
    path.write_text("nonsense")
    with pytest.raises(DataInvalid, match="doesn't open"):
        open_person_key(path, PASSWORD)
    with pytest.raises(Unavailable, match="can't be read"):
        open_person_key(tmp_path / "nobody.pem", PASSWORD)


def test_a_list_of_public_keys_that_can_not_be_read_is_said(keys: FileSigningKeys) -> None:
    keys.path.mkdir(parents=True)
    with pytest.raises(Unavailable, match="can't be read"):
        keys.public_keys()


def test_who_can_not_read_the_private_keys_adds_none(keys: FileSigningKeys) -> None:
    keys.sign(b"yes")
    keys.add()
    mallory = PrivateKey.of(b"m" * 32)
    forged = PublicKey(key_id=mallory.key_id, public=mallory.public, made_at=AT)
    good = tuple(keys.public_keys())
    assert [key.voucher for key in good] == [good[0].key_id] * 2
    by_herself = replace(forged, voucher=mallory.key_id, vouched=mallory.sign(vouching_for(forged)).value)
    by_a_copy = replace(forged, voucher=good[0].key_id, vouched=good[1].vouched)
    swapped = replace(good[1], owner="mallory")
    for wrong in ((*good, forged), (*good, by_herself), (*good, by_a_copy), (good[0], swapped), good[1:]):
        keys.path.write_text(written_keys(wrong))
        for read in (keys.public_keys, lambda: read_public_keys(keys.path)):
            with pytest.raises(DataInvalid, match="no earlier key of the platform vouches for the key"):
                read()
    keys.path.write_text(written_keys(good))
    assert keys.public_keys() == read_public_keys(keys.path).public_keys() == good
