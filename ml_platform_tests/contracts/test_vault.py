"""The Vault port: one suite for the fake and for the vault in a file."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from ml_platform.adapters.vault import FileVault
from ml_platform.core.vault import Original, Vault
from ml_platform_tests.fakes.keys import FakeKeys
from ml_platform_tests.fakes.vault import FakeVault

AT = dt.datetime(2024, 5, 1, tzinfo=dt.UTC)


@pytest.fixture(params=["fake", "file"])
def vault(request: pytest.FixtureRequest, tmp_path: Path) -> Vault:
    return FakeVault() if request.param == "fake" else FileVault(tmp_path / "home", FakeKeys())


def originals(vault: Vault, texts: list[str], *, subject: str = "") -> list[Original]:
    tokens = vault.tokens("parcels", "name", texts)
    return [
        Original(column="name", token=token, subject=subject or token, text=text)
        for token, text in zip(tokens, texts, strict=True)
    ]


def test_a_token_is_the_same_for_the_same_text_and_another_elsewhere(vault: Vault) -> None:
    first, second, again = vault.tokens("parcels", "name", ["Ann", "Bob", "Ann"])
    assert first == again != second
    assert first not in {*vault.tokens("parcels", "email", ["Ann"]), *vault.tokens("toys", "name", ["Ann"])}
    assert len(first) == 34
    assert "Ann" not in first
    assert vault.tokens("parcels", "name", []) == []


def test_what_was_kept_is_revealed_and_kept_once(vault: Vault) -> None:
    kept = originals(vault, ["Ann", "Zoë"])
    assert vault.keep("parcels", kept) == 2
    assert vault.keep("parcels", kept) == 0
    assert [vault.reveal("parcels", "name", one.token) for one in kept] == ["Ann", "Zoë"]
    assert vault.reveal("parcels", "email", kept[0].token) is None
    assert vault.reveal("toys", "name", kept[0].token) is None


def test_a_forgotten_person_is_gone_and_not_kept_again(vault: Vault) -> None:
    assert vault.forgotten("parcels") == frozenset()
    kept = originals(vault, ["Ann", "Annie"], subject="s1") + originals(vault, ["Bob"], subject="s2")
    vault.keep("parcels", kept)
    assert vault.forget("parcels", "s1", at=AT) == 2
    assert vault.forgotten("parcels") == {"s1"}
    assert vault.forgotten("toys") == frozenset()
    assert [vault.reveal("parcels", "name", one.token) for one in kept] == [None, None, "Bob"]
    assert vault.keep("parcels", kept) == 0
    assert vault.forget("parcels", "s1", at=AT) == 0
    assert vault.tokens("parcels", "name", ["Ann"]) == [kept[0].token]


def test_a_person_who_never_came_can_be_forgotten_in_advance(vault: Vault) -> None:
    assert vault.forget("parcels", "s9", at=AT) == 0
    assert vault.keep("parcels", originals(vault, ["Ann"], subject="s9")) == 0


def test_two_persons_may_share_an_original(vault: Vault) -> None:
    first, second = originals(vault, ["+49 30 1"], subject="s1"), originals(vault, ["+49 30 1"], subject="s2")
    assert vault.keep("parcels", first + second) == 2
    vault.forget("parcels", "s1", at=AT)
    assert vault.reveal("parcels", "name", first[0].token) == "+49 30 1"


def test_words_hold_no_original(vault: Vault) -> None:
    assert "Ann" not in repr(originals(vault, ["Ann"]))
