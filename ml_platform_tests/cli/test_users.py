"""`ml-platform users`, and what changes for the other commands once there are any."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import pytest

from ml_platform.access.quota import Quota
from ml_platform.access.users import FileUsers
from ml_platform_tests.access.people import CHEAP, PASSWORD
from ml_platform_tests.cli.conftest import Run
from ml_platform_tests.cli.home import release

Typed = Callable[[str], None]
REASON = ("--env", "staging", "--reason", "first")


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch) -> Typed:
    monkeypatch.setattr("ml_platform.access.passwords.Cost", lambda: CHEAP)
    monkeypatch.setattr("ml_platform.access.users.Cost", lambda: CHEAP)
    return lambda text: monkeypatch.setattr("sys.stdin", io.StringIO(text))


@pytest.fixture
def sign_in(run: Run, typed: Typed, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Let somebody act who makes a token with their own password."""

    def sign_in(name: str) -> None:
        monkeypatch.delenv("ML_PLATFORM_TOKEN", raising=False)
        typed(PASSWORD + "\n")
        made = run("users", "token", name, "--password-stdin")
        assert made.code == 0, made.err
        monkeypatch.setenv("ML_PLATFORM_TOKEN", made.out.strip())

    return sign_in


@pytest.fixture
def admin(run: Run, typed: Typed, sign_in: Callable[[str], None]) -> None:
    typed(PASSWORD + "\n")
    assert run("users", "add", "ada", "--role", "admin", "--password-stdin").code == 0
    sign_in("ada")


def add(run: Run, typed: Typed, name: str, role: str) -> None:
    typed(PASSWORD + "\n")
    added = run("users", "add", name, "--role", role, "--password-stdin")
    assert added.code == 0, added.err


def test_the_first_user_has_to_be_an_admin(run: Run, typed: Typed) -> None:
    assert "there are no users" in run("users", "list").out
    typed(PASSWORD + "\n")
    refused = run("users", "add", "tom", "--role", "trainer", "--password-stdin")
    assert refused.code == 2
    assert "add an admin first" in refused.err


def test_a_password_is_asked_for_twice_and_never_shown(run: Run, typed: Typed, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def answer(text: str) -> str:
        asked.append(text)
        return PASSWORD

    monkeypatch.setattr("click.termui.hidden_prompt_func", answer)
    added = run("users", "add", "ada", "--role", "admin")
    assert added.code == 0, added.err
    assert len(asked) == 2
    assert PASSWORD not in added.out + added.err


@pytest.mark.usefixtures("admin")
def test_only_an_admin_manages_users(run: Run, typed: Typed, sign_in: Callable[[str], None]) -> None:
    add(run, typed, "tom", "trainer:late")
    assert "tom" in run("users", "list").out
    last = run("users", "remove", "ada")
    assert last.code == 2
    assert "last admin" in last.err
    sign_in("tom")
    for command in (["users", "add", "eve", "--role", "admin"], ["users", "remove", "ada"], ["users", "token", "ada"]):
        denied = run(*command)
        assert denied.code == 1
        assert "tom may not add and remove persons" in denied.err
    sign_in("ada")
    assert run("users", "remove", "tom").code == 0
    assert "tom" not in run("users", "list").out


@pytest.mark.usefixtures("admin")
def test_a_wrong_password_makes_no_token(run: Run, typed: Typed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ML_PLATFORM_TOKEN")
    typed("wrong\n")
    denied = run("users", "token", "ada", "--password-stdin")
    assert denied.code == 1
    assert "don't belong together" in denied.err


@pytest.mark.usefixtures("admin")
def test_a_service_has_tokens_only_and_they_can_be_revoked(run: Run) -> None:
    assert "ml-platform users token bot" in run("users", "add", "bot", "--role", "retraining", "--service").out
    made = run("users", "token", "bot", "--label", "ci", "--days", "7")
    token = made.out.split()[0]
    listed = run("users", "list").out
    name = token.split("_")[1]
    assert f"token {name}" in listed
    assert "tokens only" in listed
    assert token not in listed
    assert run("users", "token", "bot", "--revoke", name).code == 0
    assert f"token {name}" not in run("users", "list").out


@pytest.mark.usefixtures("admin")
def test_deciding_needs_the_role_and_denials_are_audited(
    run: Run, typed: Typed, defs: Path, sign_in: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, role in (("vera", "viewer"), ("val", "validator:late"), ("aud", "auditor")):
        add(run, typed, name, role)
    release(defs)
    for name in ("ada", "vera"):
        sign_in(name)
        for command in (["promote", "late", *REASON], ["approve", "late", "--env", "production"],
                        ["rollback", "late", *REASON], ["forget", "late", "--subject", "7"]):  # fmt: skip
            denied = run(*command)
            assert denied.code == 1, denied.err
            assert f"{name} may not" in denied.err
    assert run("keys", "rotate").code == 1
    assert run("audit", "show").code == 1
    sign_in("val")
    approved = run("approve", "late", "--env", "production")
    assert approved.code == 0, approved.err
    assert "val approves late v1" in approved.out
    sign_in("aud")
    told = run("audit", "show", "--last", "100").out
    assert told.count("access_denied") == 10
    assert PASSWORD not in told
    assert "argon2" not in told
    monkeypatch.delenv("ML_PLATFORM_TOKEN")
    assert run("promote", "late", *REASON, "--by", "rita").code == 2
    assert run("audit", "verify").code == 0


def test_the_web_server_refuses_to_start_without_users_and_says_the_command(run: Run) -> None:
    refused = run("web")
    assert refused.code == 2
    assert "ml-platform users add NAME --role admin" in refused.err


@pytest.mark.usefixtures("admin")
def test_limits_of_what_a_client_may_have_scored_are_kept_and_listed(run: Run, tmp_path: Path) -> None:
    added = run("users", "add", "shop", "--role", "client:flights", "--service", "--requests-per-minute", "60")
    assert added.code == 0, added.err
    assert "tokens only, 60 requests a minute" in run("users", "list").out
    person = FileUsers(tmp_path / "home").person("shop")
    assert person is not None
    assert person.quota == Quota(requests_per_minute=60)


def test_everybody_makes_their_own_key_once_and_nobody_elses(
    run: Run, typed: Typed, sign_in: Callable[[str], None], admin: None, tmp_path: Path
) -> None:
    add(run, typed, "kim", "validator")
    sign_in("kim")
    (tmp_path / "password").write_text("correct horse battery\n")
    more = ("--password-file", str(tmp_path / "password"))
    other = run("keys", "new-person", "ada", "--to", str(tmp_path / "ada.pem"), *more)
    assert other.code == 1
    assert "kim may not rotate, retire and seal keys" in other.err
    own = run("keys", "new-person", "kim", "--to", str(tmp_path / "kim.pem"), *more)
    assert own.code == 0, own.err
    again = run("keys", "new-person", "kim", "--to", str(tmp_path / "kim2.pem"), *more)
    assert again.code != 0
    gone = run("approve", "late/1", "--env", "staging", "--key", str(tmp_path / "tom.pem"), *more)
    assert "there is no such file; the key that `ml-platform keys new-person` made is needed" in gone.err
