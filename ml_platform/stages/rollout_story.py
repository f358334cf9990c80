"""Rollout story: a trial as the ledger tells it, with what each look saw."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass

from ml_platform.core.ports import AuditEntry, Ledger
from ml_platform.core.rollout import RolloutEnd, RolloutRecord

LOOKED = "rollout_looked"


@dataclass(frozen=True, slots=True, kw_only=True)
class PastLook:
    """What a look decided, why, and what it measured, as it was written down."""

    at: dt.datetime
    decision: str
    reasons: tuple[str, ...]
    measurements: tuple[Mapping[str, object], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RolloutStory:
    """How a version was tried: how it began, every look that was written down, oldest first, and how it ended."""

    begun: RolloutRecord
    end: RolloutEnd | None
    looks: tuple[PastLook, ...]


def rollout_stories(ledger: Ledger, model: str, environment: str) -> tuple[RolloutStory, ...]:
    """Return every trial of a model there, oldest first."""
    looks = [_past_look(entry) for entry in ledger.all_of(LOOKED, subject=f"{model}@{environment}")]
    stories = []
    for rollout in ledger.rollouts(model, environment):
        its = tuple(look for rollout_id, look in looks if rollout_id == rollout.begun.rollout_id)
        stories.append(RolloutStory(begun=rollout.begun, end=rollout.end, looks=its))
    return tuple(stories)


def _past_look(entry: AuditEntry) -> tuple[str, PastLook]:
    said = entry.payload
    reasons, measured = said.get("reasons"), said.get("measurements")
    look = PastLook(
        at=entry.at,
        decision=str(said.get("decision")),
        reasons=tuple(map(str, reasons)) if isinstance(reasons, list) else (),
        measurements=tuple(one for one in measured if isinstance(one, dict)) if isinstance(measured, list) else (),
    )
    return str(said.get("rollout_id")), look
