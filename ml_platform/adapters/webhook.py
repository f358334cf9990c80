"""Webhooks: a notice as a signed JSON request; one address, no redirects, a deadline for all of it."""

from __future__ import annotations

import hashlib
import hmac
import http.client
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import SplitResult, urlsplit

from ml_platform.adapters.reach import address_of, require_host
from ml_platform.core.errors import DataInvalid, Unavailable
from ml_platform.core.notice import Delivered, Notice

SCHEMA_VERSION = 1
SHORTEST_KEY = 32
DEADLINE_SECONDS = 20.0
TRIES = 3
FIRST_PAUSE = 1.0
_AGAIN = frozenset({408, 425, 429, *range(500, 600)})


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """A `Notifier` that posts to `url`, signed with `key`: see docs/notifications.md for who verifies it."""

    channel: str
    url: str = field(repr=False)
    key: str = field(repr=False)
    hosts: tuple[str, ...]
    private: bool
    clock: Callable[[], float] = time.time
    pause: Callable[[float], None] = time.sleep
    deadline_seconds: float = DEADLINE_SECONDS

    def send(self, notice: Notice) -> Delivered:
        """Post a notice, again when the receiver is in trouble; delivered is only what was answered with 2xx."""
        parts = self._checked()
        ends = time.monotonic() + self.deadline_seconds
        body = body_of(notice)
        for attempt in range(1, TRIES + 1):
            outcome = self._post(parts, body, notice.key, ends)
            if isinstance(outcome, int) and 200 <= outcome < 300:
                return Delivered(how=f"answered {outcome}", tries=attempt)
            wait = FIRST_PAUSE * 2 ** (attempt - 1)
            over = time.monotonic() + wait >= ends
            if (isinstance(outcome, int) and outcome not in _AGAIN) or attempt == TRIES or over:
                raise Unavailable(f"{self.channel}: {_words(outcome)}, after {attempt} of {TRIES} tries")
            self.pause(wait)
        raise AssertionError("unreachable")  # pragma: no cover

    def _checked(self) -> SplitResult:
        """Return the address in its parts; raises Unavailable with the reason why nothing may be sent there."""
        needed = f"{self.channel}: the address isn't https://host/…"
        try:
            parts = urlsplit(self.url)
            host, _ = parts.hostname or "", parts.port
        except ValueError:
            raise Unavailable(f"{needed}; correct it") from None
        if parts.scheme not in ({"https", "http"} if self.private else {"https"}) or not host or "@" in parts.netloc:
            raise Unavailable(f"{needed}, or http:// inside of the own network; correct it")
        if len(self.key) < SHORTEST_KEY:
            message = f"{self.channel}: the key that signs has to have {SHORTEST_KEY} characters at least; make another"
            raise Unavailable(message)
        try:
            require_host(host, self.hosts)
        except DataInvalid as error:
            raise Unavailable(f"{self.channel}: {error}") from error
        return parts

    def _post(self, parts: SplitResult, body: bytes, key: str, ends: float) -> int | str:
        """Return the status that was answered, or what went wrong."""
        secure = parts.scheme == "https"
        host, port = parts.hostname or "", parts.port or (443 if secure else 80)
        stamp = str(int(self.clock()))
        headers = {
            "Content-Type": "application/json", "User-Agent": "ml-platform", "Connection": "close",
            "X-ML-Platform-Timestamp": stamp, "X-ML-Platform-Key": key,
            "X-ML-Platform-Signature": f"sha256={signature_of(self.key, stamp, body)}",
        }  # fmt: skip
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        left = max(ends - time.monotonic(), 0.001)
        connection = _Pinned(host, port, secure=secure)
        try:
            connection.address, connection.timeout = address_of(host, port, private=self.private), left
            with _ended_at(connection, left):
                connection.request("POST", path, body, headers)
                return connection.getresponse().status
        except (DataInvalid, Unavailable) as error:
            return str(error)
        except (OSError, http.client.HTTPException, ValueError) as error:
            return "it took too long" if time.monotonic() >= ends else f"it can't be reached ({type(error).__name__})"
        finally:
            connection.close()


class _Pinned(http.client.HTTPConnection):
    """A connection to the very address that was looked at; the certificate is checked against the host's name."""

    def __init__(self, host: str, port: int, *, secure: bool) -> None:
        super().__init__(host, port)
        self.address, self.secure = "", secure

    def connect(self) -> None:
        """Connect to the address."""
        self.sock = socket.create_connection((self.address, self.port), self.timeout)
        if self.secure:
            self.sock = ssl.create_default_context().wrap_socket(self.sock, server_hostname=self.host)


@contextmanager
def _ended_at(connection: _Pinned, seconds: float) -> Iterator[None]:
    """Shut a connection when time is up: who answers a byte now and then doesn't hold the sender."""
    timer = threading.Timer(seconds, _shut, [connection])
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _shut(connection: _Pinned) -> None:
    if connection.sock is not None:
        try:
            connection.sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            return  # it was closed meanwhile


def body_of(notice: Notice) -> bytes:
    """Return what is posted: everything of a notice, as JSON."""
    import msgspec

    document = {
        "schema_version": SCHEMA_VERSION, "key": notice.key, "kind": notice.kind, "model": notice.model,
        "title": notice.title, "evidence": notice.evidence, "next_step": notice.next_step,
        "at": notice.at, "audit_entry": notice.sequence, "text": notice.text(),
    }  # fmt: skip
    return msgspec.json.encode(document)


def signature_of(key: str, timestamp: str, body: bytes) -> str:
    """Return the HMAC-SHA256 (RFC 2104) of timestamp and body: neither can be changed, nor sent again much later.

    >>> signature_of("k" * 32, "0", b"{}")[:16]
    'b1e7f9a280d8288d'
    """
    return hmac.new(key.encode(), f"{timestamp}.".encode() + body, hashlib.sha256).hexdigest()


def _words(outcome: int | str) -> str:
    if isinstance(outcome, str):
        return outcome
    if 300 <= outcome < 400:
        return f"it redirects ({outcome}), which isn't followed; name the address that it leads to"
    return f"it answered {outcome}"
