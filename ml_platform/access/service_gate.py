"""The scoring service's gate in a home with users: bearer tokens, actions, quotas; denials go to the audit."""

from __future__ import annotations

import datetime as dt
import hashlib
import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from ml_platform.access.actions import Action
from ml_platform.access.decide import allowed
from ml_platform.access.person import Person
from ml_platform.access.quota import Bucket, Quota
from ml_platform.access.throttle import Throttle
from ml_platform.access.trail import DENIED, SUBJECT, USER_ADDED, Trail
from ml_platform.access.users import FileUsers
from ml_platform.core.errors import PlatformError, Unavailable
from ml_platform.core.gate import Admitted, Asked, TurnedAway, without_limit
from ml_platform.core.ports import Ledger

KNOWN_SECONDS = 2.0
MOST_KNOWN = 10_000
MOST_WRONG = 50
MOST_WAITING = 100
THROTTLED_SECONDS = 60
WANTS = {"score": (Action.SCORE,), "look": (Action.VIEW, Action.SCORE), "feedback": (Action.GIVE_FEEDBACK,)}

log = logging.getLogger("ml_platform.access")


@dataclass(slots=True)
class ServiceGate:
    """Decides on requests to the scoring service of its models; see `Gate`. Used by one thread, but for rows.

    Who a token belongs to is remembered for two seconds: a token that was revoked, and a first user, take effect then.
    Wrong tokens are slowed down by address; a right one never is, as nobody guesses 256 bits.
    """

    model: str
    users: FileUsers
    ledger: Ledger
    clock: Callable[[], dt.datetime]
    seconds: Callable[[], float] = time.monotonic
    has_ledger: Callable[[], bool] = lambda: True  # asking one that isn't there would make it
    others: tuple[str, ...] = ()
    _known: dict[bytes, tuple[float, Person]] = field(default_factory=dict, init=False)
    _buckets: dict[tuple[str, Quota], tuple[Bucket | None, Bucket | None]] = field(default_factory=dict, init=False)
    _looked: tuple[float, bool] | None = field(default=None, init=False)
    _wrong: Throttle = field(init=False)
    _trail: Trail = field(init=False)
    _writer: ThreadPoolExecutor = field(init=False)
    _room: threading.BoundedSemaphore = field(init=False)

    def __post_init__(self) -> None:
        self._wrong = Throttle(self.clock, MOST_WRONG)
        self._trail = Trail(self.ledger, self.clock)
        self._room = threading.BoundedSemaphore(MOST_WAITING)
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="denials")

    @property
    def guards(self) -> bool:
        """Say whether the home has, or ever had, users; sure only if the audit can be asked."""
        now = self.seconds()
        if self._looked is None or (not self._looked[1] and now - self._looked[0] >= KNOWN_SECONDS):
            first = self._looked is None
            self._looked = (now, self.users.exist() or (first and self._had_users()))
        return self._looked[1]

    def admit(self, asked: Asked) -> Admitted | TurnedAway:
        """Let a request through, or say why not."""
        if not self.guards:
            return Admitted(spend=without_limit)
        try:
            person = self._person(asked.token)
        except PlatformError as error:
            log.warning("nobody is let in: %s", error)
            message = "who may ask can't be found out, so nobody is let in; ask an admin to look at the service's log"
            return TurnedAway(status=503, error_code="TEMPORARILY_UNAVAILABLE", message=message)
        if person is None:
            return self._unknown(asked)
        models = (asked.model,) if asked.model else (self.model, *self.others)
        decisions = [allowed(person, action, model) for action in WANTS[asked.wants] for model in models]
        if not any(decision.allowed for decision in decisions):
            self._note(person.name, asked, what=WANTS[asked.wants][0], why=decisions[-1].reason)
            return TurnedAway(status=403, error_code="PERMISSION_DENIED", message=decisions[-1].reason)
        return Admitted(spend=without_limit) if asked.wants == "look" else self._within_quota(person)

    def close(self) -> None:
        """Wait for the denials that are being written."""
        self._writer.shutdown(wait=True)

    def _had_users(self) -> bool:
        try:
            return self.has_ledger() and self.ledger.last(USER_ADDED, subject=SUBJECT) is not None
        except Unavailable as error:
            log.warning("whether this home had users can't be found out: %s", error)
            return True

    def _person(self, token: str) -> Person | None:
        if not token:
            return None
        key, now = hashlib.sha256(token.encode()).digest(), self.seconds()
        known = self._known.get(key)
        if known is not None and now - known[0] < KNOWN_SECONDS:
            return known[1]
        person = self.users.by_token(token, now=self.clock())
        self._known.pop(key, None)
        if person is not None:
            self._known[key] = (now, person)
            if len(self._known) > MOST_KNOWN:
                del self._known[next(iter(self._known))]
        return person

    def _unknown(self, asked: Asked) -> TurnedAway:
        if asked.token and self._wrong.is_closed(asked.address):
            message = "too many wrong tokens came from this address; send a right one, or wait"
            return TurnedAway(
                status=429, error_code="REQUEST_LIMIT_EXCEEDED", message=message, retry_after_seconds=THROTTLED_SECONDS
            )
        if asked.token:
            self._wrong.failed(asked.address)
            self._note("unknown", asked, what=asked.wants, why="a token that is nobody's")
        seen = "this token is nobody's, or has expired" if asked.token else "no token was sent"
        message = f"{seen}; send `Authorization: Bearer mlp_…`; an admin makes one with `ml-platform users token NAME`"
        return TurnedAway(status=401, error_code="UNAUTHENTICATED", message=message)

    def _within_quota(self, person: Person) -> Admitted | TurnedAway:
        quota = person.quota
        if quota == Quota():
            return Admitted(spend=without_limit, person=person.name)
        if (person.name, quota) not in self._buckets:
            self._buckets[person.name, quota] = (
                self._bucket(quota.requests_per_minute), self._bucket(quota.rows_per_minute),
            )  # fmt: skip
        requests, rows = self._buckets[person.name, quota]
        return _taken(requests, 1, f"{person.name} may send {quota.requests_per_minute} requests a minute") or Admitted(
            person=person.name,
            spend=lambda count: _taken(rows, count, f"{person.name} may send {quota.rows_per_minute} rows a minute"),
        )

    def _bucket(self, per_minute: int | None) -> Bucket | None:
        return None if per_minute is None else Bucket(per_minute, self.seconds)

    def _note(self, actor: str, asked: Asked, *, what: str, why: str) -> None:
        """Write a denial down beside the requests: what can't be written, or too much of it, changes no answer."""
        if self._room.acquire(blocking=False):
            self._writer.submit(self._write, actor, asked, what, why)

    def _write(self, actor: str, asked: Asked, what: str, why: str) -> None:
        subject, source = asked.model or self.model, f"scoring service, {asked.address}"
        try:
            self._trail.note(DENIED, actor=actor, subject=subject, what=what, why=why, source=source)
        except PlatformError as error:
            log.warning("a denial can't be written to the audit: %s", error)
        finally:
            self._room.release()


def _taken(bucket: Bucket | None, count: int, limit: str) -> TurnedAway | None:
    wait = bucket.take(count) if bucket is not None else 0
    if bucket is None or not wait:
        return None
    advice = f"wait {wait} s" if count <= bucket.per_minute else "send fewer at once"
    return TurnedAway(
        status=429, error_code="REQUEST_LIMIT_EXCEEDED", message=f"{limit}; {advice}", retry_after_seconds=wait
    )
