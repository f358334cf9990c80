"""An identity provider (OpenID Connect): where to send who signs in, and what its signed answer says.

Authlib makes the requests and checks the claims, joserfc the signature. Only signatures by asymmetric keys of the
provider's published set count: never none, never a code made with a secret or with a public key's text.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ml_platform.access.oidc_settings import OidcSettings
from ml_platform.core.errors import DataInvalid, Unavailable

if TYPE_CHECKING:
    from authlib.integrations.requests_client import OAuth2Session
    from joserfc.jwk import KeySet
    from joserfc.jwt import Token

ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512")
KEY_TYPES = {"RSA", "EC"}
PATIENCE_SECONDS = 10
KEPT_SECONDS = 3_600
LEEWAY_SECONDS = 60
OLDEST_SECONDS = 600
LONGEST_TOKEN = 50_000
_ENDPOINTS = ("authorization_endpoint", "token_endpoint", "jwks_uri")


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What one sign-in was begun with; the answer has to fit it."""

    nonce: str = field(repr=False)
    verifier: str = field(repr=False)
    redirect_uri: str


@dataclass(slots=True)
class Provider:
    """Speaks with one provider; what it says of itself is kept for an hour."""

    settings: OidcSettings
    clock: Callable[[], float] = time.time
    _said: tuple[float, Mapping[str, Any]] | None = field(default=None, init=False)
    _keys: tuple[float, Any] | None = field(default=None, init=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False)

    def address(self, asked: Asked, *, state: str) -> str:
        """Return where to send who signs in; raises Unavailable."""
        with self._session(asked) as session:
            url: str = session.create_authorization_url(
                self._metadata()["authorization_endpoint"], state=state, nonce=asked.nonce, code_verifier=asked.verifier
            )[0]
        return url

    def claims(self, asked: Asked, code: str) -> Mapping[str, Any]:
        """Return what the provider signed about who came back with a code; raises Unavailable, or DataInvalid."""
        from authlib.common.errors import AuthlibBaseError
        from requests import RequestException

        endpoint = self._metadata()["token_endpoint"]
        try:
            with self._session(asked) as session:
                answer = session.fetch_token(
                    endpoint, grant_type="authorization_code", code=code, code_verifier=asked.verifier,
                    timeout=PATIENCE_SECONDS, allow_redirects=False,
                )  # fmt: skip
        except (RequestException, ValueError) as error:
            raise Unavailable(self._silent(endpoint, error)) from error
        except AuthlibBaseError as error:
            raise DataInvalid(_refused("the provider refused its code", str(error.error))) from None
        token = answer.get("id_token")
        if not isinstance(token, str) or len(token) > LONGEST_TOKEN:
            raise DataInvalid(_refused("the provider signed nothing", "no id_token"))
        return self._checked(token, asked, access_token=answer.get("access_token"))

    def _checked(self, token: str, asked: Asked, *, access_token: object) -> Mapping[str, Any]:
        from authlib.oidc.core import CodeIDToken
        from joserfc.errors import JoseError

        settings = self.settings
        try:
            signed = self._signed(token)
            claims = CodeIDToken(
                signed.claims,
                signed.header,
                options={
                    "iss": {"essential": True, "value": settings.issuer},
                    "aud": {"essential": True, "value": settings.client_id},
                    "nonce": {"essential": True, "value": asked.nonce},
                },
                params={"nonce": asked.nonce, "client_id": settings.client_id, "access_token": access_token},
            )
            now = int(self.clock())
            claims.validate(now=now, leeway=LEEWAY_SECONDS)
            if not now - OLDEST_SECONDS <= claims["iat"] <= now + LEEWAY_SECONDS:
                raise DataInvalid(_refused("what the provider signed is too old", "iat"))
        except (JoseError, ValueError, TypeError) as error:
            raise DataInvalid(_refused("what came back isn't what was asked for", _first_line(error))) from None
        return dict(claims)

    def _signed(self, token: str) -> Token:
        from joserfc import jwt
        from joserfc.errors import InvalidKeyIdError

        try:
            return jwt.decode(token, self._key_set(), algorithms=ALGORITHMS)
        except InvalidKeyIdError:  # the provider may have changed its keys since
            self._keys = None
            return jwt.decode(token, self._key_set(), algorithms=ALGORITHMS)

    def _session(self, asked: Asked) -> OAuth2Session:
        from authlib.integrations.requests_client import OAuth2Session

        session = OAuth2Session(
            self.settings.client_id, self.settings.secret, redirect_uri=asked.redirect_uri,
            scope="openid email" if self.settings.name_claim == "email" else "openid", code_challenge_method="S256",
        )  # fmt: skip
        session.trust_env = False  # no proxy and no password file of the account this runs under
        return session

    def _metadata(self) -> Mapping[str, Any]:
        with self._lock:
            if self._said is None or self.clock() - self._said[0] > KEPT_SECONDS:
                said = self._get(f"{self.settings.issuer.rstrip('/')}/.well-known/openid-configuration")
                self._require_its_own(said)
                self._said = (self.clock(), said)
            return self._said[1]

    def _require_its_own(self, said: Mapping[str, Any]) -> None:
        issuer = self.settings.issuer
        if said.get("issuer") != issuer:
            raise Unavailable(
                f"{issuer}: says that it is {str(said.get('issuer'))[:100]!r}; the two have to be equal, character "
                "by character; correct ML_PLATFORM_OIDC_ISSUER"
            )
        for name in _ENDPOINTS:
            url = said.get(name)
            if not isinstance(url, str) or not self.settings.may_reach(url):
                raise Unavailable(
                    f"{issuer}: its {name} is {str(url)[:100]!r}; an address with https:// is needed; ask its owner"
                )

    def _key_set(self) -> KeySet:
        from joserfc.jwk import KeySet

        url = self._metadata()["jwks_uri"]
        with self._lock:
            if self._keys is None or self.clock() - self._keys[0] > KEPT_SECONDS:
                said = self._get(url).get("keys")
                public = [one for one in said if isinstance(one, dict)] if isinstance(said, list) else []
                fit = [one for one in public if one.get("kty") in KEY_TYPES and one.get("use", "sig") == "sig"]
                if not fit:
                    raise Unavailable(
                        f"{url}: holds no key that can verify a signature; RSA or EC is needed; ask its owner"
                    )
                self._keys = (self.clock(), KeySet.import_key_set({"keys": fit}))
            found: KeySet = self._keys[1]
            return found

    def _get(self, url: str) -> Mapping[str, Any]:
        import requests

        try:
            with requests.Session() as session:
                session.trust_env = False
                answer = session.get(url, timeout=PATIENCE_SECONDS, allow_redirects=False)
            if answer.status_code != 200:
                raise Unavailable(self._silent(url, f"status {answer.status_code}"))
            found = answer.json()
        except (requests.RequestException, ValueError) as error:
            raise Unavailable(self._silent(url, error)) from error
        if not isinstance(found, dict):
            raise Unavailable(self._silent(url, "no JSON object"))
        return found

    def _silent(self, url: str, why: object) -> str:
        seen = type(why).__name__ if isinstance(why, Exception) else why
        return (
            f"{url}: the identity provider doesn't answer as it should ({seen}); sign-in through it has to wait; sign "
            "in with name and password, or try again"
        )


def _refused(what: str, seen: str) -> str:
    return f"sign-in: {what} ({seen[:100]}); nobody was signed in; begin again at /login"


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]
