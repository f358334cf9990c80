"""Signing in through the identity provider: begun in a browser, answered in the same one, once, within ten minutes."""

from __future__ import annotations

import datetime as dt
import hashlib
import secrets
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ml_platform.access.oidc_provider import Asked, Provider
from ml_platform.access.person import Grant, Person, valid_name
from ml_platform.access.users import FileUsers
from ml_platform.core.errors import DataInvalid

LONGEST = dt.timedelta(minutes=10)
MOST = 1_000
LONGEST_CODE = 4_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """A sign-in on its way. `browser` is the hash of what its browser alone was given."""

    asked: Asked
    browser: bytes
    onward: str
    at: dt.datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Came:
    """Who came in; `grants` are those of their groups, None when the users' file says what they may do."""

    name: str
    grants: tuple[Grant, ...] | None
    onward: str


@dataclass(slots=True)
class Oidc:
    """Begins sign-ins and answers them."""

    provider: Provider
    users: FileUsers
    clock: Callable[[], dt.datetime]
    _begun: dict[bytes, Begun] = field(default_factory=dict, init=False, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False, repr=False)

    def begin(self, *, redirect_uri: str, onward: str) -> tuple[str, str]:
        """Return where to send the browser, and the secret that only it is to hold; raises Unavailable."""
        state, browser, now = secrets.token_urlsafe(32), secrets.token_urlsafe(32), self.clock()
        asked = Asked(nonce=secrets.token_urlsafe(32), verifier=secrets.token_urlsafe(64), redirect_uri=redirect_uri)
        url = self.provider.address(asked, state=state)
        with self._lock:
            for key in [key for key, one in self._begun.items() if now - one.at >= LONGEST]:
                del self._begun[key]
            while len(self._begun) >= MOST:
                del self._begun[next(iter(self._begun))]
            self._begun[_hash(state)] = Begun(asked=asked, browser=_hash(browser), onward=onward, at=now)
        return url, browser

    def finish(self, said: Mapping[str, str], *, browser: str) -> Came:
        """Return who came back; raises DataInvalid when nobody may be let in, Unavailable when nobody can say."""
        begun = self._take(said.get("state", ""), browser)
        if "error" in said:
            raise DataInvalid(f"sign-in: the provider says {said['error'][:60]!r}; nobody was signed in; begin again")
        if said.get("iss", self.provider.settings.issuer) != self.provider.settings.issuer:
            raise DataInvalid("sign-in: another provider answered than was asked; nobody was signed in; begin again")
        code = said.get("code", "")
        if not code or len(code) > LONGEST_CODE:
            raise DataInvalid("sign-in: the provider sent no code; nobody was signed in; begin again at /login")
        claims = self.provider.claims(begun.asked, code)
        name = self._name(claims)
        return Came(name=name, grants=self._grants(name, claims), onward=begun.onward)

    def _take(self, state: str, browser: str) -> Begun:
        """Return the sign-in that a state belongs to, which can be answered once, by the browser that began it."""
        with self._lock:
            begun = self._begun.get(_hash(state))
            if begun is not None and secrets.compare_digest(begun.browser, _hash(browser)):
                del self._begun[_hash(state)]
                if self.clock() - begun.at < LONGEST:
                    return begun
        message = (
            "sign-in: the answer belongs to no sign-in that this browser has begun in the last 10 minutes; nobody was "
            "signed in; begin again at /login"
        )
        raise DataInvalid(message)

    def _name(self, claims: Mapping[str, Any]) -> str:
        claim = self.provider.settings.name_claim
        name = claims.get(claim)
        if not isinstance(name, str):
            raise DataInvalid(f"sign-in: the provider didn't say {claim}; it is needed to know who came; ask its owner")
        if claim == "email" and claims.get("email_verified") is not True:
            raise DataInvalid(
                "sign-in: the provider hasn't verified the e-mail address; only a verified one says who came; verify "
                "it there"
            )
        return valid_name(name)

    def _grants(self, name: str, claims: Mapping[str, Any]) -> tuple[Grant, ...] | None:
        known = self.users.all().get(name)
        if known is not None and not known.password:
            raise DataInvalid(
                f"{name}: is a service, which signs in by token only; nobody was signed in; use its token"
            )
        if known is not None:
            return None
        settings = self.provider.settings
        said = claims.get(settings.groups_claim)
        groups = [one for one in said if isinstance(one, str)] if isinstance(said, list) else []
        grants = tuple(dict.fromkeys(grant for group in groups for grant in settings.groups.get(group, ())))
        if not grants:
            raise DataInvalid(
                f"{name}: the provider knows who this is, but no role was given here; ask an admin to add this name"
            )
        return grants


def person_of(users: FileUsers, name: str, grants: tuple[Grant, ...] | None) -> Person | None:
    """Return who a session belongs to now: what the users' file says comes before any group."""
    found = users.person(name)
    return found if found is not None or grants is None else Person(name=name, grants=grants)


def _hash(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()
