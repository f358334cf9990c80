"""Freezes that ended: whoever was refused because of one is told that it no longer holds, once."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from ml_platform.policy.freezes import Freeze, frozen
from ml_platform.stages.versions import ENVIRONMENTS

if TYPE_CHECKING:
    from ml_platform.core.ports import AuditEntry, Ledger

ENDED = "freeze_ended"
ACTOR = "ml_platform"  # nobody decided
FROZEN = "is frozen"


def note_ended_freezes(
    ledger: Ledger, model: str, freezes: Callable[[], Sequence[Freeze]], *, now: dt.datetime
) -> None:
    """Write down where a freeze that refused a promotion has ended, unless something went live there since.

    `freezes` are asked for only where one refused something that nobody was told of yet.
    """
    for environment in ENVIRONMENTS:
        place = f"{model}@{environment}"
        refused = ledger.last("promotion_refused", subject=place)
        if refused is None or not _by_a_freeze(refused, environment):
            continue
        told, deployed = ledger.last(ENDED, subject=place), ledger.last("deployed", subject=place)
        later = any(one is not None and one.sequence > refused.sequence for one in (told, deployed))
        if later or frozen(freezes(), environment, now):
            continue
        payload = {"version": refused.payload.get("version"), "refused": refused.sequence}
        ledger.append(ENDED, actor=ACTOR, subject=place, payload=payload, at=now)


def _by_a_freeze(refused: AuditEntry, environment: str) -> bool:
    reasons = refused.payload.get("reasons")
    return isinstance(reasons, list | tuple) and any(str(one).startswith(f"{environment} {FROZEN}") for one in reasons)
