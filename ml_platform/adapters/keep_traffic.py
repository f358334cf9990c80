"""Keeping the traffic log within a size: compacting first, then, only if that was asked for, dropping oldest days."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from ml_platform.adapters.compact_traffic import Compacted, DayOfTraffic, compact, days_in, drop, size_of

if TYPE_CHECKING:
    from ml_platform.core.keys import Keys
    from ml_platform.core.ports import Ledger

DROPPED = "traffic_dropped"
KEPT_SHARE = 0.8


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """What was done to a log, and the days that were dropped."""

    compacted: Compacted
    dropped: tuple[DayOfTraffic, ...]


def keep(folder: Path, *, keys: Keys) -> Kept:
    """Compact a log, and drop nothing."""
    return Kept(compacted=compact(folder, keys=keys), dropped=())


def keep_within(
    folder: Path, most_bytes: int, *, keys: Keys, ledger: Ledger, actor: str, subject: str, now: dt.datetime
) -> Kept:
    """Compact a log, then drop its oldest days until it takes at most four fifths of `most_bytes`.

    Each day that goes is in the audit before, with how many predictions it held; if that can't be written, it stays.
    The newest day is never dropped.
    """
    kept = keep(folder, keys=keys)
    dropped, size = [], size_of(folder)
    for day in days_in(folder, keys=keys)[:-1] if size > most_bytes else ():
        if size <= KEPT_SHARE * most_bytes:
            break
        payload = {
            "day": day.day, "predictions": day.predictions, "bytes": day.size_bytes, "log_bytes": size,
            "most_bytes": most_bytes,
        }  # fmt: skip
        ledger.append(DROPPED, actor=actor, subject=subject, payload=payload, at=now)
        drop(day)
        dropped.append(day)
        size -= day.size_bytes
    return replace(kept, dropped=tuple(dropped))
