"""A rollout: a challenger that proves itself on live traffic beside what is live, and how that ended."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Literal

from ml_platform.core.records import SCHEMA_VERSION, DeploymentRecord
from ml_platform.core.signed_record import message_of, signature_of, signed
from ml_platform.core.signing import Signer, Verifier, why_not_signed

PAYLOAD = "application/vnd.ml-platform.rollout+json"
BUCKETS = 1 << 64

Ending = Literal["promoted", "stopped", "cancelled"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RolloutRecord:
    """Which version is tried beside which champion, how, since when, by whom and why; the platform signs all of it.

    `rollout_id` is drawn at random and never comes twice. `weight` is the share of requests that a canary answers; a
    shadow answers none and has 0. `sticky_by` names the input by which a caller always meets the same version; when
    it is empty each request is drawn for itself. `rules_digest` names the rules by which it ends.
    """

    schema_version: int = SCHEMA_VERSION
    rollout_id: str
    model: str
    environment: str
    strategy: Literal["shadow", "canary"]
    weight: float
    sticky_by: str = ""
    champion: int
    champion_digest: str
    version: int
    model_digest: str
    evidence_digest: str
    rules_digest: str
    since: dt.datetime
    actor: str
    reason: str
    key_id: str = ""
    signature: str = ""

    def is_beside(self, live: DeploymentRecord | None) -> bool:
        """Say whether exactly its champion is live."""
        return live is not None and (live.version, live.model_digest) == (self.champion, self.champion_digest)

    def takes(self, unit: str) -> bool:
        """Say whether the challenger answers: the same for the same unit throughout the rollout."""
        if self.strategy == "shadow":
            return False
        drawn = int.from_bytes(sha256(f"{self.rollout_id}\0{unit}".encode()).digest()[:8])
        return drawn < self.weight * BUCKETS


@dataclass(frozen=True, slots=True, kw_only=True)
class RolloutEnd:
    """How a rollout ended, once: the challenger went live, was stopped and barred, or was taken back unjudged."""

    schema_version: int = SCHEMA_VERSION
    rollout_id: str
    outcome: Ending
    at: dt.datetime
    actor: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Rollout:
    """A rollout with its end; None while it runs."""

    begun: RolloutRecord
    end: RolloutEnd | None = None


def sign_rollout(rollout: RolloutRecord, signer: Signer) -> RolloutRecord:
    """Return the rollout with the platform's signature; raises Unavailable when its key is lost."""
    return signed(rollout, message_of(rollout, PAYLOAD), signer)


def why_not_begun(verifier: Verifier, rollout: RolloutRecord) -> str:
    """Say why the platform didn't sign exactly this rollout; empty when it did."""
    if not rollout.signature:
        return "it isn't signed"
    return why_not_signed(verifier, message_of(rollout, PAYLOAD), signature_of(rollout), at=rollout.since)


def rollout_problems(verifier: Verifier, rollouts: Sequence[RolloutRecord]) -> Iterator[str]:
    """Yield what is wrong with the rollouts of one place, oldest first."""
    last: dt.datetime | None = None
    for rollout in rollouts:
        name = f"{rollout.model}@{rollout.environment}: the rollout of v{rollout.version}"
        when = f"{rollout.since:%Y-%m-%d %H:%M:%S} UTC"
        why = why_not_begun(verifier, rollout)
        if why:
            yield f"{name} ({when}) isn't the platform's: {why}"
        elif last is not None and rollout.since <= last:
            yield f"{name} ({when}) is an old one that was put there again"
        last = rollout.since if last is None else max(last, rollout.since)
