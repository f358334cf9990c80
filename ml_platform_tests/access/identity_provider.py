"""A small identity provider over real HTTP: code flow with PKCE, signed ID tokens, and every way to be wrong."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import KeySet, OctKey, RSAKey

CLIENT, SECRET = "ml-platform", "the client's secret"
KEY = RSAKey.generate_key(2048, {"kid": "one", "use": "sig", "alg": "RS256"})
OTHER = RSAKey.generate_key(2048, {"kid": "one"})


@dataclass
class Idp:
    """Who signs in there is `who`; `change` alters claims, `sign` the way a token is signed, `said` the metadata."""

    url: str = ""
    who: dict[str, Any] = field(default_factory=dict)
    change: Callable[[dict[str, Any]], None] = lambda _claims: None
    sign: Callable[[dict[str, Any]], str] | None = None
    said: dict[str, Any] = field(default_factory=dict)
    status: int = 200
    asked: list[str] = field(default_factory=list)
    codes: dict[str, tuple[dict[str, str], dict[str, Any]]] = field(default_factory=dict)
    keys: list[Any] = field(default_factory=lambda: [KEY])

    def metadata(self) -> dict[str, Any]:
        return {
            "issuer": self.url, "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": f"{self.url}/token", "jwks_uri": f"{self.url}/jwks", **self.said,
        }  # fmt: skip

    def approve(self, address: str) -> str:
        """Sign `who` in at the address a browser was sent to, and return the query it is sent back with."""
        parts = urlsplit(address)
        asked = {name: values[0] for name, values in parse_qs(parts.query).items()}
        assert asked["response_type"] == "code"
        assert asked["code_challenge_method"] == "S256"
        assert asked["client_id"] == CLIENT
        code = f"code-{len(self.codes)}"
        self.codes[code] = (asked, dict(self.who))
        return urlencode({"code": code, "state": asked["state"]})

    def token(self, form: dict[str, str], authorization: str) -> tuple[int, dict[str, Any]]:
        """Exchange a code, once, for who begins with its verifier."""
        right = base64.b64encode(f"{CLIENT}:{SECRET}".encode()).decode()
        if authorization != f"Basic {right}":
            return 401, {"error": "invalid_client"}
        asked, who = self.codes.pop(form.get("code", ""), ({}, {}))
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).decode().rstrip("=")
        if (challenge, form.get("redirect_uri")) != (asked.get("code_challenge"), asked.get("redirect_uri")):
            return 400, {"error": "invalid_grant"}
        now = int(time.time())
        claims = {"iss": self.url, "aud": CLIENT, "sub": "s-1", "iat": now, "exp": now + 300, "nonce": asked["nonce"]}
        claims |= who
        self.change(claims)
        signed = self.sign(claims) if self.sign else sign(claims)
        return 200, {"access_token": "a", "token_type": "Bearer", "id_token": signed}


def sign(claims: dict[str, Any], key: Any = KEY, **header: str) -> str:
    return jwt.encode({"alg": "RS256", "kid": "one", **header}, claims, key)


def unsigned(claims: dict[str, Any]) -> str:
    parts = ({"alg": "none", "kid": "one"}, claims)
    return ".".join(base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts) + "."


def with_the_public_key_as_secret(claims: dict[str, Any]) -> str:
    import hmac

    head = {"alg": "HS256", "kid": "one"}
    text = ".".join(base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in (head, claims))
    code = hmac.new(KEY.as_pem(private=False), text.encode(), hashlib.sha256).digest()
    return f"{text}.{base64.urlsafe_b64encode(code).decode().rstrip('=')}"


@contextlib.contextmanager
def provider() -> Iterator[Idp]:
    """Serve a provider on a free port of this machine."""
    idp = Idp()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            idp.asked.append(self.path)
            keys = {"keys": [*KeySet(idp.keys).as_dict(private=False)["keys"], OctKey.generate_key().as_dict()]}
            self._say(idp.status, keys if self.path == "/jwks" else idp.metadata())

        def do_POST(self) -> None:
            form = parse_qs(self.rfile.read(int(self.headers["content-length"])).decode())
            fields = {name: values[0] for name, values in form.items()}
            self._say(*idp.token(fields, self.headers.get("authorization", "")))

        def _say(self, status: int, body: dict[str, Any]) -> None:
            content = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    idp.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield idp
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
