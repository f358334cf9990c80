"""A hold: who is deploying a model to an environment, until when, and the token without which nothing moves."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Literal

LEASE = dt.timedelta(minutes=15)


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """Who deploys: the person, the process on which machine, and the run, if it is in one."""

    actor: str
    process: int
    host: str
    run_id: str = ""

    def __str__(self) -> str:
        run = f", run {self.run_id}" if self.run_id else ""
        return f"{self.actor} (process {self.process} on {self.host}{run})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """One deployment under way; `token` grows with every hold of the place, so that an older one moves nothing."""

    model: str
    environment: str
    kind: Literal["promotion", "rollback"]
    owner: Owner
    since: dt.datetime
    expires_at: dt.datetime
    token: int = 0

    def holds(self, now: dt.datetime) -> bool:
        """Say whether nobody else may deploy; a hold from the future, after a clock was put back, doesn't count."""
        return self.since <= now < self.expires_at

    def yields_to(self, other: Hold, now: dt.datetime) -> bool:
        """Say whether another may take over: when this one has run out, and always for a rollback."""
        return other.kind == "rollback" or not self.holds(now)
