"""Signing in through an identity provider over real HTTP: who comes in, and every answer that lets nobody in."""

from __future__ import annotations

import base64
import datetime as dt
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest
from joserfc.jwk import RSAKey

from ml_platform.access.oidc import LONGEST, Oidc
from ml_platform.access.oidc_provider import Provider
from ml_platform.access.oidc_settings import OidcSettings, read_oidc_settings
from ml_platform.access.person import parse_grant
from ml_platform.access.web import _oidc
from ml_platform.core.errors import PolicyInvalid
from ml_platform_tests.access.identity_provider import (
    CLIENT,
    KEY,
    OTHER,
    SECRET,
    Idp,
    provider,
    sign,
    unsigned,
    with_the_public_key_as_secret,
)
from ml_platform_tests.access.people import user
from ml_platform_tests.access.world import World, sign_in

if TYPE_CHECKING:
    from starlette.testclient import TestClient

MAIL = {"email": "vera@example.org", "email_verified": True}


@pytest.fixture(scope="module")
def served() -> Iterator[Idp]:
    with provider() as idp:
        yield idp


@pytest.fixture
def idp(served: Idp, web: World, monkeypatch: pytest.MonkeyPatch) -> Iterator[Idp]:
    served.who, served.change, served.sign, served.said, served.status = dict(MAIL), lambda _: None, None, {}, 200
    served.keys = [KEY]
    groups = {"pilots": (parse_grant("trainer:parcels"), parse_grant("viewer"))}
    settings = OidcSettings(issuer=served.url, client_id=CLIENT, secret=SECRET, groups=groups, http=True)
    monkeypatch.setattr(web.door, "oidc", Oidc(Provider(settings), web.door.users, web.door.clock))
    if "vera@example.org" not in web.door.users.all():
        web.door.users.add(user("vera@example.org", "viewer"))
        web.door.users.add(user("nightly@example.org", "retraining", password=""))
    yield served
    web.door._by_address.succeeded("testclient")


def begin(client: TestClient, onward: str = "/runs") -> str:
    answer = client.get("/login/oidc", params={"next": onward})
    assert answer.status_code == 303, answer.text
    return str(answer.headers["location"])


def come_back(client: TestClient, query: str) -> Any:
    return client.get(f"/login/oidc/callback?{query}")


def through(web: World, idp: Idp, onward: str = "/runs") -> tuple[TestClient, Any]:
    client = web.browser()
    return client, come_back(client, idp.approve(begin(client, onward)))


def nobody(client: TestClient, answer: Any, said: str, status: int = 401) -> None:
    text = answer.text.replace("&#39;", "'").replace("&#34;", '"')
    assert answer.status_code == status, text
    assert said in text, text
    assert "ml_platform_session" not in answer.headers.get("set-cookie", "")
    assert client.get("/whoami").status_code == 401


def test_a_known_person_comes_in_with_the_roles_of_the_users_file(web: World, idp: Idp) -> None:
    idp.who |= {"groups": ["pilots"]}
    client, answer = through(web, idp)
    assert (answer.status_code, answer.headers["location"]) == (303, "/runs")
    assert client.get("/whoami").json()["roles"] == ["viewer"]
    assert web.audited("signed_in", "vera@example.org")[-1] == {"source": "testclient", "by": "identity provider"}
    csrf = (
        client.get("/whoami", headers={"accept": "text/html"})
        .text.partition('name="csrf" value="')[2]
        .partition('"')[0]
    )
    client.post("/logout", data={"csrf": csrf}, headers={"origin": "http://testserver"})
    assert client.get("/whoami").status_code == 401


def test_the_form_shows_the_way_and_passwords_go_on(web: World, idp: Idp) -> None:
    client = web.browser()
    page = client.get("/login?next=/runs").text
    assert 'href="/login/oidc?next=%2Fruns"' in page
    assert "Sign in through 127.0.0.1" in page
    assert sign_in(client, "vera").status_code == 303
    address = urlsplit(begin(web.browser()))
    said = {name: values[0] for name, values in parse_qs(address.query).items()}
    assert said["scope"] == "openid email"
    assert said["redirect_uri"] == "http://testserver/login/oidc/callback"
    assert len(said["state"]) > 40
    assert len(said["nonce"]) > 40


def test_who_isnt_a_user_comes_in_by_groups_that_were_given_roles_only(web: World, idp: Idp) -> None:
    idp.who |= {"email": "new@example.org"}
    for groups in (None, "pilots", [], ["others"], [["pilots"]], [1]):
        idp.who["groups"] = groups
        nobody(*through(web, idp), "no role was given here")
        web.door._by_address.succeeded("testclient")
    idp.change = lambda claims: claims.update(groups=["others", "pilots", "pilots"])
    client, answer = through(web, idp)
    assert answer.status_code == 303
    assert client.get("/whoami").json()["roles"] == ["trainer:parcels", "viewer"]
    assert web.audited("signed_in", "new@example.org")[-1]["roles"] == "trainer:parcels, viewer"
    web.door.users.add(user("new@example.org", "viewer"))  # from now on the file says it
    assert client.get("/whoami").json()["roles"] == ["viewer"]
    web.door.users.remove("new@example.org")


Wrong = Callable[[Idp], object]


def claims(**changed: object) -> Wrong:
    def change(idp: Idp) -> None:
        idp.change = lambda found: found.update(changed)

    return change


def without(name: str) -> Wrong:
    def change(idp: Idp) -> None:
        idp.change = lambda found: found.pop(name, None)

    return change


def signed(by: Callable[[dict[str, Any]], str]) -> Wrong:
    def change(idp: Idp) -> None:
        idp.sign = by

    return change


def tampered(found: dict[str, Any]) -> str:
    head, _, code = sign(found).split(".")
    body = base64.urlsafe_b64encode(json.dumps({**found, "email": "ada"}).encode()).decode().rstrip("=")
    return f"{head}.{body}.{code}"


WRONG: dict[str, tuple[Wrong, str]] = {
    "wrong nonce": (claims(nonce="another"), "nonce"),
    "no nonce": (without("nonce"), "nonce"),
    "wrong audience": (claims(aud="another"), "aud"),
    "several audiences, another's": (claims(aud=[CLIENT, "another"], azp="another"), "azp"),
    "wrong issuer": (claims(iss="https://elsewhere.example"), "iss"),
    "expired": (claims(exp=int(time.time()) - 3600), "expired"),
    "no expiry": (without("exp"), "exp"),
    "from the future": (claims(iat=int(time.time()) + 3600), ""),
    "long ago": (claims(iat=int(time.time()) - 3600), "too old"),
    "iat is text": (claims(iat="now"), ""),
    "unsigned": (signed(unsigned), "isn't what was asked for"),
    "public key as secret": (signed(with_the_public_key_as_secret), "isn't what was asked for"),
    "another's key": (signed(lambda found: sign(found, OTHER)), "isn't what was asked for"),
    "unknown key": (signed(lambda found: sign(found, OTHER, kid="two")), "isn't what was asked for"),
    "tampered": (signed(tampered), "isn't what was asked for"),
    "no token": (signed(lambda _: ""), "isn't what was asked for"),
    "too long": (signed(lambda _: "x" * 60_000), "signed nothing"),
    "unverified e-mail": (claims(email_verified=False), "hasn't verified"),
    "verified is text": (claims(email_verified="true"), "hasn't verified"),
    "nothing of verified": (without("email_verified"), "hasn't verified"),
    "no e-mail": (without("email"), "didn't say email"),
    "a name that can't be": (claims(email="ada\nadmin"), "can't be a person's name"),
    "a service": (claims(email="nightly@example.org"), "is a service"),
    "a stranger": (claims(email="mallory@example.org"), "no role was given here"),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_what_isnt_exactly_right_lets_nobody_in(web: World, idp: Idp, wrong: str) -> None:
    before = len(web.audited("sign_in_failed", "unknown"))
    change, said = WRONG[wrong]
    change(idp)
    nobody(*through(web, idp), said)
    assert len(web.audited("sign_in_failed", "unknown")) == before + 1


def test_an_answer_counts_once_and_in_the_browser_that_asked(web: World, idp: Idp) -> None:
    client, other = web.browser(), web.browser()
    query = idp.approve(begin(client))
    nobody(other, come_back(other, query), "belongs to no sign-in that this browser has begun")
    begin(other)
    nobody(other, come_back(other, query), "belongs to no sign-in")  # mallory's code in vera's browser, or the reverse
    assert come_back(client, query).status_code == 303  # nobody else could use it up
    client.cookies.clear()
    nobody(client, come_back(client, query), "belongs to no sign-in")


def test_a_missing_a_strange_or_an_old_state_lets_nobody_in(
    web: World, idp: Idp, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = web.browser()
    query = idp.approve(begin(client))
    code = parse_qs(query)["code"][0]
    for strange in (f"code={code}", f"code={code}&state=", f"code={code}&state=x", "", "state=%00&code=%FF"):
        nobody(client, come_back(client, strange), "belongs to no sign-in")
    later = web.door.clock() + LONGEST
    assert web.door.oidc is not None
    monkeypatch.setattr(web.door.oidc, "clock", lambda: later)
    nobody(client, come_back(client, query), "belongs to no sign-in")


def test_another_code_another_verifier_or_a_refusal_lets_nobody_in(web: World, idp: Idp) -> None:
    first, second = web.browser(), web.browser()
    one, two = (parse_qs(idp.approve(begin(client))) for client in (first, second))
    nobody(first, come_back(first, f"code={two['code'][0]}&state={one['state'][0]}"), "invalid_grant")
    for added, said in (("&error=access_denied", "access_denied"), ("&iss=https://x.example", "another provider")):
        client = web.browser()
        nobody(client, come_back(client, idp.approve(begin(client)) + added), said)
    client = web.browser()
    state = parse_qs(urlsplit(begin(client)).query)["state"][0]
    nobody(client, come_back(client, f"state={state}"), "no code")


@pytest.mark.parametrize("onward", ["//elsewhere.example/", "https://elsewhere.example", "/\\elsewhere.example", "x"])
def test_the_way_back_leads_nowhere_else(web: World, idp: Idp, onward: str) -> None:
    _, answer = through(web, idp, onward)
    assert answer.headers["location"] == "/"


def test_a_provider_that_is_down_or_strange_is_said_and_passwords_go_on(
    web: World, idp: Idp, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = web.browser()
    for said, status, seen in (
        ({}, 500, "status 500"),
        ({"issuer": "https://elsewhere.example"}, 200, "says that it is 'https://elsewhere.example'"),
        ({"token_endpoint": "http://elsewhere.example/token"}, 200, "its token_endpoint is"),
        ({"jwks_uri": None}, 200, "its jwks_uri is"),
    ):
        idp.said, idp.status = said, status
        nobody(client, client.get("/login/oidc"), seen, 503)
    idp.said, idp.status = {}, 200
    query = idp.approve(begin(client))
    idp.keys = []
    nobody(client, come_back(client, query), "holds no key", 503)
    with monkeypatch.context() as patch:
        patch.setattr("ml_platform.access.door.MOST_ASKING", 0)
        nobody(client, client.get("/login/oidc"), "Too many sign in through the provider", 503)
    assert web.door.oidc is not None
    gone = OidcSettings(issuer="http://127.0.0.1:9", client_id=CLIENT, secret=SECRET, http=True)
    web.door.oidc.provider = Provider(gone)
    nobody(client, client.get("/login/oidc"), "doesn't answer as it should (ConnectionError)", 503)
    assert sign_in(client, "vera").status_code == 303


def test_a_key_that_the_provider_has_changed_is_fetched(web: World, idp: Idp) -> None:
    assert through(web, idp)[1].status_code == 303
    new = RSAKey.generate_key(2048, {"kid": "two", "use": "sig"})
    idp.keys, idp.sign = [new], lambda found: sign(found, new, kid="two")
    assert through(web, idp)[1].status_code == 303


def test_without_a_provider_there_is_no_such_way(web: World) -> None:
    client = web.browser()
    for path in ("/login/oidc", "/login/oidc/callback?code=a&state=b"):
        nobody(client, client.get(path), "no identity provider here", 404)
    assert "Sign in through" not in client.get("/login").text


@pytest.fixture
def variables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    secret = tmp_path / "secret"
    secret.write_text("s3cret\n")
    secret.chmod(0o600)

    def set_all(**changed: str | None) -> None:
        said = {"ISSUER": "https://id.example", "CLIENT_ID": "x", "CLIENT_SECRET_FILE": str(secret), **changed}
        for name, value in said.items():
            if value is None:
                monkeypatch.delenv(f"ML_PLATFORM_OIDC_{name}", raising=False)
            else:
                monkeypatch.setenv(f"ML_PLATFORM_OIDC_{name}", value)

    return set_all


def test_settings_are_read_once_and_the_secret_is_shown_nowhere(variables: Callable[..., None], web: World) -> None:
    assert read_oidc_settings() is None
    assert _oidc(web.door.users) is None
    variables(NAME_CLAIM="sub", GROUPS_CLAIM="teams")
    found = read_oidc_settings()
    assert found is not None
    assert (found.name_claim, found.groups_claim, found.secret) == ("sub", "teams", "s3cret")
    assert "s3cret" not in repr(found)
    assert found.may_reach("https://id.example/token")
    assert not found.may_reach("http://127.0.0.1/token")
    assert _oidc(web.door.users) is not None


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"ISSUER": "http://id.example"}, "ISSUER: is 'http://id.example'"),
        ({"ISSUER": "http://id.example", "ALLOW_HTTP": "1"}, "ISSUER: is"),
        ({"ISSUER": "https://id.example?x=y"}, "ISSUER: is"),
        ({"CLIENT_ID": None}, "CLIENT_ID: is not set"),
        ({"CLIENT_SECRET_FILE": "/nowhere"}, "No such file"),
        ({"NAME_CLAIM": "name"}, "NAME_CLAIM: is 'name'"),
        ({"ALLOW_HTTP": "yes"}, "ALLOW_HTTP: is 'yes'"),
        ({"GROUPS_FILE": "/nowhere"}, "No such file"),
    ],
)
def test_wrong_settings_are_named(variables: Callable[..., None], changed: dict[str, str | None], said: str) -> None:
    variables(**changed)
    with pytest.raises(PolicyInvalid, match=said):
        read_oidc_settings()


def test_files_that_others_could_read_or_write_are_refused(variables: Callable[..., None], tmp_path: Path) -> None:
    secret, groups = tmp_path / "secret", tmp_path / "groups.json"
    for text, mode, said in (("x", 0o640, "mode 0640"), ("", 0o600, "is empty")):
        secret.write_text(text)
        secret.chmod(mode)
        variables()
        with pytest.raises(PolicyInvalid, match=said):
            read_oidc_settings()
    secret.write_text("x")
    for text, mode, said in (
        ("{}", 0o666, "others than its owner may write"), ("[]", 0o644, "isn't a mapping"),
        ('{"g": ["king"]}', 0o644, "'king' is unknown"),
    ):  # fmt: skip
        groups.write_text(text)
        groups.chmod(mode)
        variables(GROUPS_FILE=str(groups))
        with pytest.raises(PolicyInvalid, match=said):
            read_oidc_settings()
    groups.write_text('{"pilots": ["trainer:parcels", "viewer"]}')
    found = read_oidc_settings()
    assert found is not None
    assert list(map(str, found.groups["pilots"])) == ["trainer:parcels", "viewer"]


def test_what_was_begun_long_ago_or_too_often_is_forgotten(
    web: World, idp: Idp, monkeypatch: pytest.MonkeyPatch
) -> None:
    oidc = web.door.oidc
    assert oidc is not None
    monkeypatch.setattr("ml_platform.access.oidc.MOST", 2)
    for _ in range(4):
        begin(web.browser())
    assert len(oidc._begun) == 2
    later = web.door.clock() + LONGEST + dt.timedelta(seconds=1)
    monkeypatch.setattr(oidc, "clock", lambda: later)
    begin(web.browser())
    assert len(oidc._begun) == 1
