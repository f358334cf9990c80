"""Due windows: which stretches of traffic have to be collected and judged now, and why."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ml_platform.core.digest import digest_of
from ml_platform.stages.periods import period_at

if TYPE_CHECKING:
    import pyarrow as pa

    from ml_platform.core.ports import ArtefactStore
    from ml_platform.core.records import WindowRecord
    from ml_platform.policy.spec import Monitoring
    from ml_platform.stages.periods import Period

LOOKED_AT_AGAIN = 2
AT_ONCE = 24


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """A window to collect and judge; `cause` is the digest that makes it happen once."""

    window: str
    cause: str
    reason: str


def due_windows(
    monitoring: Monitoring,
    *,
    now: dt.datetime,
    live_since: dt.datetime | None,
    collected: Sequence[WindowRecord],
    labelled_since: Sequence[WindowRecord],
) -> tuple[Due, ...]:
    """Return the windows to judge: finished ones that never were, the two before a new one, those with new labels.

    A window that ended before anything was live isn't waited for. `labelled_since` are the collected windows for
    whose predictions labels have come since. At most 24 at once, the newest first; the rest follow.
    """
    known = {one.window: one for one in collected}
    due = {one.window: one for one in _unseen(monitoring, now, live_since, known)}
    for one in labelled_since:
        reason = f"labels have come for predictions of {one.window} since it was judged"
        due.setdefault(
            one.window, Due(window=one.window, cause=_cause(one.window, "labels", one.digest), reason=reason)
        )
    return tuple(sorted(due.values(), key=lambda one: one.window, reverse=True)[:AT_ONCE])


def has_new_labels(store: ArtefactStore, record: WindowRecord, words: Iterable[pa.Table], *, now: dt.datetime) -> bool:
    """Say whether a label is there now for a scored prediction of a window that had none when it was collected.

    `words` are labels in columns, as `collect_window` takes them; those from the future aren't there yet.
    """
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    from ml_platform.stages.window import FILE, KIND

    if not store.has(KIND, record.digest):
        return True
    with store.open(KIND, record.digest, FILE) as file:
        rows = pq.read_table(file, columns=["id", "score", "label"])
    waiting = rows["id"].filter(pc.and_(rows["label"].is_null(), rows["score"].is_valid()))
    come = (each.filter(pc.less_equal(each["at"], now)) for each in words)
    return any(pc.any(pc.is_in(each["prediction_id"], value_set=waiting)).as_py() for each in come)


def waits_for_labels(words: Iterable[pa.Table], *, now: dt.datetime) -> bool:
    """Say whether a label says that it will be known later than now."""
    import pyarrow.compute as pc

    return any(pc.any(pc.greater(each["at"], now)).as_py() for each in words)


def _unseen(
    monitoring: Monitoring, now: dt.datetime, live_since: dt.datetime | None, known: Collection[str]
) -> Iterator[Due]:
    finished = _finished(monitoring, now, live_since)
    fresh = [one for one in finished if one.name not in known]
    for one in fresh:
        reason = f"{one.name} has ended and wasn't judged yet"
        yield Due(window=one.name, cause=_cause(one.name, "ended"), reason=reason)
    if not fresh or fresh[-1] is not finished[-1]:
        return
    newest = fresh[-1].name
    for one in finished[-1 - LOOKED_AT_AGAIN : -1]:
        if one.name in known:
            reason = f"{one.name} is looked at again for what came late, now that {newest} has ended"
            yield Due(window=one.name, cause=_cause(one.name, "again", newest), reason=reason)


def _finished(monitoring: Monitoring, now: dt.datetime, live_since: dt.datetime | None) -> list[Period]:
    """Return the newest 24 windows, in order, that are watched, have ended and could have seen traffic."""
    if live_since is None:
        return []
    kind = monitoring.window
    end = now if monitoring.end is None else min(now, _midnight(monitoring.end))
    start = max(_midnight(monitoring.start), live_since)
    found: list[Period] = []
    latest = period_at(kind, end)
    before = period_at(kind, latest.start - dt.timedelta(microseconds=1))
    while before.end > start and before.start >= _midnight(monitoring.start) and len(found) < AT_ONCE:
        found.append(before)
        before = period_at(kind, before.start - dt.timedelta(microseconds=1))
    return found[::-1]


def _midnight(day: dt.date) -> dt.datetime:
    return dt.datetime.combine(day, dt.time(), tzinfo=dt.UTC)


def _cause(*parts: str) -> str:
    return digest_of(list(parts))
