"""Holding a model's environment while deploying to it: one at a time, and a rollback never waits."""

from __future__ import annotations

import contextlib
import datetime as dt
import os
import socket
from collections.abc import Iterator
from typing import Literal

from ml_platform.core.hold import LEASE, Hold, Owner
from ml_platform.core.ports import Ledger
from ml_platform.stages.objection import Objection


@contextlib.contextmanager
def holding(
    ledger: Ledger,
    place: tuple[str, str],
    kind: Literal["promotion", "rollback"],
    *,
    actor: str,
    now: dt.datetime,
    run_id: str = "",
) -> Iterator[Hold | Objection]:
    """Hold a model's environment, or yield why not: who does, and until when. It is given back at the end.

    Whoever was killed is taken over at once by who can see that, on the same machine, and by others when the hold has
    run out. A rollback takes over from anybody: the promotion that lost its hold is refused in the transaction that
    would have moved the pointer. Taking over is audited.
    """
    model, environment = place
    wanted = Hold(
        model=model,
        environment=environment,
        kind=kind,
        owner=Owner(actor=actor, process=os.getpid(), host=socket.gethostname(), run_id=run_id),
        since=now,
        expires_at=now + LEASE,
    )
    hold, is_ours = ledger.take(wanted, now=now)
    if not is_ours and _has_ended(hold.owner):
        hold, is_ours = ledger.take(wanted, now=now, void=hold.token)
    if not is_ours:
        yield Objection(
            f"{model}@{environment}: the {hold.kind} of {hold.owner} is under way since {hold.since:%H:%M} UTC and "
            f"holds it until {hold.expires_at:%Y-%m-%d %H:%M} UTC at the latest: wait for it"
        )
        return
    try:
        yield hold
    finally:
        ledger.give_back(hold)


def _has_ended(owner: Owner) -> bool:
    """Say whether a process is known to be gone: it was on this machine, and isn't there."""
    if owner.host != socket.gethostname() or owner.process <= 0:
        return False
    try:
        os.kill(owner.process, 0)
    except ProcessLookupError:
        return True
    except OSError:
        return False
    return False
