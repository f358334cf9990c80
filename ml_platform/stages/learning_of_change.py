"""Learning of a change: a version that was trained because the world had changed knows little of the new one yet."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ml_platform.core.digest import digest_of
from ml_platform.stages.retraining_reasons import Made, Quiet, Reason

if TYPE_CHECKING:
    from ml_platform.core.ports import AuditEntry
    from ml_platform.core.records import DeploymentRecord
    from ml_platform.stages.periods import Period


def of_change(
    period: Period,
    live: DeploymentRecord,
    made: Made | None,
    now: Made | None,
    requests: Sequence[AuditEntry],
) -> Reason | Quiet:
    """Say whether twice as much since the change can be learned from as the live version learned from.

    A fall is proven on the newest rows, which go into the holdout; what is trained at once has hardly seen them, and is
    then held against that same holdout, so that no gate asks for more. Learning goes by doublings of what is new: the
    first time there is a window's length to learn from, then twice, four times … as much, until all rows are newer than
    the change. When a candidate is refused, the next reason comes with the next doubling.
    """
    since = _changed_since(made, requests)
    if made is None or now is None or since is None:
        return Quiet(f"version {live.version} wasn't trained because of a proven change")
    had, would = _days_since(since, made), _days_since(since, now)
    said = f"since the change of {since:%Y-%m-%d} version {live.version} learned from {had:.0f} days"
    if made.learned_from is not None and made.learned_from >= since:
        return Quiet(f"{said}, all that it learned from")
    needed = max(2 * had, (period.end - period.start) / dt.timedelta(days=1))
    if would < needed:
        return Quiet(f"{said}; {needed:.0f} are a reason to do it again, there are {would:.0f}")
    doubled = math.floor(math.log2(would / needed))
    digest = digest_of({"model": live.model, "digest": live.model_digest, "change": since, "doubled": doubled})
    return Reason(cause=digest, text=f"{said}, now there are {would:.0f}", changed_since=since)


def _changed_since(made: Made | None, requests: Sequence[AuditEntry]) -> dt.datetime | None:
    """Return since when the world had changed, for the retraining that the live version came from."""
    if made is None or made.as_of is None:
        return None
    for entry in reversed(requests):
        said = entry.payload.get("changed_since")
        if isinstance(said, str) and dt.datetime.fromisoformat(str(entry.payload["as_of"])) == made.as_of:
            return dt.datetime.fromisoformat(said)
    return None


def _days_since(since: dt.datetime, made: Made) -> float:
    if made.learned_until is None:
        return 0.0
    start = since if made.learned_from is None else max(since, made.learned_from)
    return max((made.learned_until - start) / dt.timedelta(days=1), 0.0)
