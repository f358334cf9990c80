"""The dead man's switch: notices, from outside of the daemon, that monitoring itself has stopped."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ml_platform.stages.notices import SILENT

if TYPE_CHECKING:
    from ml_platform.adapters.platform import Platform
    from ml_platform.core.health import Look

SUBJECT = "monitoring"
ACTOR = "ml_platform"


def newest_heartbeat(looks: Sequence[Look]) -> dt.datetime | None:
    """Return when the daemon's own sensor looked last; a look by hand is no sign that anything is watched."""
    return max((look.at for look in looks if look.by == "sensor"), default=None)


def why_silent(beat: dt.datetime | None, *, now: dt.datetime, limit: dt.timedelta) -> str:
    """Say why monitoring counts as stopped; empty while it goes on. A heartbeat from the future is none."""
    if beat is None:
        return "no sensor has ever looked at the health here"
    if beat > now + limit:
        return f"the newest look is from the future ({beat:%Y-%m-%d %H:%M} UTC): a clock was put back"
    if now - beat <= limit:
        return ""
    minutes = (now - beat).total_seconds() / 60
    return f"the last look was {minutes:,.0f} minutes ago ({beat:%Y-%m-%d %H:%M} UTC), more than {limit} allows"


def fire(platform: Platform, why: str, beat: dt.datetime | None, *, now: dt.datetime) -> bool:
    """Write down that monitoring is silent, once per silence; False when that was written already."""
    since = beat.isoformat() if beat else "never"
    last = platform.ledger.last(SILENT, subject=SUBJECT)
    if last is not None and last.payload.get("since") == since:
        return False
    platform.ledger.append(SILENT, actor=ACTOR, subject=SUBJECT, payload={"found": [why], "since": since}, at=now)
    return True
