"""Gates of a service that knows no persons: of a home without users, or for one asker who shares a secret with it."""

from __future__ import annotations

import hashlib
import hmac
import time
from dataclasses import dataclass
from pathlib import Path

from ml_platform.core.gate import USERS_FILE, Admitted, Asked, TurnedAway, without_limit

LOOK_SECONDS = 1.0

OPEN = Admitted(spend=without_limit)


@dataclass(slots=True)
class OpenGate:
    """Everybody may ask, as long as the home has no users: then this service was started without what knows them."""

    home: Path
    _users: bool = False
    _look_at: float = 0.0

    @property
    def guards(self) -> bool:
        """Say whether there are users by now, or were a moment ago."""
        now = time.monotonic()
        if now >= self._look_at:
            self._users, self._look_at = (self.home / USERS_FILE).exists(), now + LOOK_SECONDS
        return self._users

    def admit(self, asked: Asked) -> Admitted | TurnedAway:  # noqa: ARG002 - everybody, or nobody
        """Let everybody through, or nobody."""
        if not self.guards:
            return OPEN
        message = "this home has users, and this service can't ask for them; start it with `ml-platform serve`"
        return TurnedAway(status=503, error_code="TEMPORARILY_UNAVAILABLE", message=message)


@dataclass(frozen=True, slots=True)
class SecretGate:
    """Only who started the service may ask: they share a secret, of which the SHA-256 is kept."""

    sha256: str
    guards: bool = True

    def admit(self, asked: Asked) -> Admitted | TurnedAway:
        """Let through who sends the secret."""
        if hmac.compare_digest(hashlib.sha256(asked.token.encode()).hexdigest(), self.sha256):
            return OPEN
        return TurnedAway(status=401, error_code="UNAUTHENTICATED", message="only who started this service may ask it")
