"""Sessions of the web server: kept in its memory, known by a signed cookie, ended by time, logout or restart."""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
import secrets
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from ml_platform.access.person import Grant

IDLE = dt.timedelta(hours=1)
LONGEST = dt.timedelta(hours=12)
MOST = 10_000


@dataclass(slots=True, kw_only=True)
class Session:
    """Somebody who signed in; `csrf` stands in their forms. `grants` are those of groups, for no user."""

    name: str
    csrf: str
    began: dt.datetime
    seen: dt.datetime
    grants: tuple[Grant, ...] | None = None


@dataclass(slots=True)
class Sessions:
    """Opens, finds and ends sessions; only hashes of their ids are kept."""

    clock: Callable[[], dt.datetime]
    idle: dt.timedelta = IDLE
    longest: dt.timedelta = LONGEST
    most: int = MOST
    _key: bytes = field(default_factory=lambda: secrets.token_bytes(32), init=False, repr=False)
    _open: dict[bytes, Session] = field(default_factory=dict, init=False, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False, repr=False)

    def begin(self, name: str, grants: tuple[Grant, ...] | None = None) -> str:
        """Begin a session and return the cookie's value; it is new at each login, so none can be planted."""
        now, secret = self.clock(), secrets.token_urlsafe(32)
        with self._lock:
            self._forget_old(now)
            self._open[_hash(secret)] = Session(
                name=name, csrf=secrets.token_urlsafe(32), began=now, seen=now, grants=grants
            )
        return self.sign(secret)

    def find(self, cookie: str) -> Session | None:
        """Return the session of a cookie, seen just now; None when it is forged, ended or too old."""
        secret = self.signed(cookie)
        if secret is None:
            return None
        now = self.clock()
        with self._lock:
            session = self._open.get(_hash(secret))
            if session is None or self._is_old(session, now):
                self._open.pop(_hash(secret), None)
                return None
            session.seen = now
            return session

    def is_open(self, cookie: str) -> bool:
        """Say whether a session goes on; asking doesn't prolong it."""
        secret, now = self.signed(cookie), self.clock()
        with self._lock:
            session = self._open.get(_hash(secret)) if secret is not None else None
            return session is not None and now - session.began < self.longest

    def end(self, cookie: str) -> None:
        """End the session of a cookie, if there is one."""
        secret = self.signed(cookie)
        if secret is not None:
            with self._lock:
                self._open.pop(_hash(secret), None)

    def sign(self, text: str) -> str:
        """Return a text with a code that only this process can make."""
        return f"{text}.{hmac.new(self._key, text.encode(), hashlib.sha256).hexdigest()}"

    def signed(self, text: str) -> str | None:
        """Return the text that was signed; None when it wasn't."""
        said, _, _ = text.rpartition(".")
        return said if hmac.compare_digest(self.sign(said).encode(), text.encode()) else None

    def _is_old(self, session: Session, now: dt.datetime) -> bool:
        return now - session.seen >= self.idle or now - session.began >= self.longest

    def _forget_old(self, now: dt.datetime) -> None:
        for key in [key for key, session in self._open.items() if self._is_old(session, now)]:
            del self._open[key]
        while len(self._open) >= self.most:
            del self._open[next(iter(self._open))]


def _hash(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()
