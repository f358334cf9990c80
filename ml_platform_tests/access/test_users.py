"""The users' file: for its owner alone, read anew when it has changed, closed when it is damaged."""

from __future__ import annotations

import datetime as dt
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from ml_platform.access.passwords import Cost, hash_password
from ml_platform.access.tokens import new_token, token_id
from ml_platform.access.users import FileUsers
from ml_platform.core.errors import DataInvalid, Unavailable
from ml_platform_tests.access.people import CHEAP, NOW, PASSWORD, people, user

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def users(tmp_path: Path) -> FileUsers:
    return people(tmp_path)


def test_without_a_file_nobody_is_there_and_nobody_is_let_in(tmp_path: Path) -> None:
    users = FileUsers(tmp_path, cost=CHEAP)
    assert not users.exist()
    assert users.by_password("vera", PASSWORD) is None
    assert users.all() == {}


def test_name_and_password_have_to_belong_together(users: FileUsers) -> None:
    found = users.by_password("vera", PASSWORD)
    assert found is not None
    assert found.name == "vera"
    assert users.by_password("vera", PASSWORD + "x") is None
    assert users.by_password("nobody", PASSWORD) is None
    assert users.by_password("vera", "") is None
    assert users.by_password("vera", "x" * 10_000) is None


def test_the_password_of_nobody_opens_nothing(users: FileUsers) -> None:
    assert users.by_password("nobody", "the password of nobody") is None
    users.add(user("bot", "retraining", password=""))
    assert users.by_password("bot", "the password of nobody") is None


def test_a_password_is_kept_as_argon2id_with_the_recommended_cost() -> None:
    assert hash_password(PASSWORD, Cost()).startswith("$argon2id$v=19$m=65536,t=3,p=4$")


@pytest.mark.parametrize("password", ["", "short", "x" * 11, "x" * 1001])
def test_a_short_password_is_refused_without_being_repeated(password: str) -> None:
    with pytest.raises(DataInvalid, match="12 to 1000") as refused:
        hash_password(password, CHEAP)
    assert not password or password not in str(refused.value)


def test_the_file_is_for_its_owner_alone_and_holds_no_secret(users: FileUsers) -> None:
    text, kept = new_token("ci", now=NOW, days=1)
    users.add_token("tom", kept)
    content = users.path.read_text()
    assert users.path.stat().st_mode & 0o777 == 0o600
    assert users.folder.stat().st_mode & 0o777 == 0o700
    assert PASSWORD not in content
    assert text.split("_", 2)[2] not in content
    assert PASSWORD not in repr(users.all())
    assert "argon2" not in repr(users.all())


def test_a_file_that_others_can_open_lets_nobody_in(users: FileUsers) -> None:
    users.path.chmod(0o640)
    with pytest.raises(Unavailable, match="chmod 600"):
        FileUsers(users.folder.parent).all()


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b'"schema_version"', b'"version"'),
        (b'"schema_version": 1', b'"schema_version": 2'),
        (b'"role": "viewer"', b'"role": "god"'),
        (b'"vera"', b'"tom"'),
        (b"{", b"["),
    ],
)
def test_a_damaged_file_lets_nobody_in(users: FileUsers, before: bytes, after: bytes) -> None:
    content = users.path.read_bytes()
    assert before in content
    users.path.write_bytes(content.replace(before, after, 1))
    with pytest.raises(Unavailable, match="nobody is let in"):
        users.by_password("vera", PASSWORD)


def test_who_is_removed_is_out_at_once_in_every_process(users: FileUsers) -> None:
    other = FileUsers(users.folder.parent, cost=CHEAP)
    assert other.person("vera") is not None
    users.remove("vera")
    assert other.person("vera") is None
    with pytest.raises(DataInvalid, match="known: ada, flo"):
        users.remove("vera")


def test_a_name_is_given_once(users: FileUsers) -> None:
    with pytest.raises(DataInvalid, match="is there already"):
        users.add(user("vera", "admin"))


def test_a_token_is_its_owners_until_it_expires_or_is_revoked(users: FileUsers) -> None:
    text, kept = new_token("ci", now=NOW, days=1)
    users.add_token("tom", kept)
    found = users.by_token(text, now=NOW)
    assert found is not None
    assert found.name == "tom"
    assert users.by_token(text, now=NOW + dt.timedelta(days=1)) is None
    users.revoke("tom", token_id(text) or "")
    assert users.by_token(text, now=NOW) is None
    with pytest.raises(DataInvalid, match="there are: none"):
        users.revoke("tom", kept.id)


def test_a_token_that_is_almost_right_is_nobodys(users: FileUsers) -> None:
    text, kept = new_token("ci", now=NOW, days=1)
    other, _ = new_token("ci", now=NOW, days=1)
    users.add_token("tom", kept)
    wrong = ["", "mlp_", text[:-1], text + "A", text.upper(), f"mlp_{kept.id}_{other[17:]}", f" {text}", other]
    assert [users.by_token(one, now=NOW) for one in wrong] == [None] * len(wrong)
    users.remove("tom")
    users.add(replace(user("tom", "trainer"), tokens=()))
    assert users.by_token(text, now=NOW) is None


def test_changes_made_at_once_are_all_kept(users: FileUsers) -> None:
    with ThreadPoolExecutor(8) as pool:
        for done in [pool.submit(FileUsers(users.folder.parent).add, user(f"p{at}", "viewer")) for at in range(16)]:
            done.result()
    assert {f"p{at}" for at in range(16)} <= users.all().keys()
