"""Decide whether to retrain: for a stated reason, once per cause, and never beyond what the model file allows."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ml_platform.core.ports import AuditEntry
from ml_platform.core.records import DeploymentRecord, EvidencePart, MonitoringRecord
from ml_platform.policy.spec import Monitoring
from ml_platform.stages.expected_gain import Came, of_gain
from ml_platform.stages.expected_harm import of_harm
from ml_platform.stages.learning_of_change import of_change
from ml_platform.stages.periods import kind_of, period_named
from ml_platform.stages.retraining_reasons import Declined, Made, Quiet, Reason, of_age, of_changes, of_gates

REQUESTED = "retraining.requested"
DECLINED = "retraining.declined"
WEEK = dt.timedelta(days=7)


@dataclass(frozen=True, slots=True, kw_only=True)
class Retrain:
    """Retrain on everything before `as_of`; `cause` is the digest that makes the request happen once.

    `changed_since` is since when the world seems to be another one, where that is the reason.
    """

    cause: str
    as_of: dt.datetime
    gates: tuple[str, ...]
    reason: str
    changed_since: dt.datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Stay:
    """Don't retrain, and why not; `declined` are the reasons to retrain that there were all the same."""

    reason: str
    declined: tuple[Declined, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """What the decision looks at.

    The newest monitored window and its verdicts, what is live and what it was made from, what a release would be made
    from now, what has come since, the requests of before (oldest first), and the CPU hours that retraining took in the
    last 30 days.
    """

    window: MonitoringRecord | None
    part: EvidencePart | None
    live: DeploymentRecord | None
    requests: Sequence[AuditEntry] = ()
    made: Made | None = None
    now: Made | None = None
    came: Came | None = None
    cpu_hours: float = 0.0


def decide_retraining(monitoring: Monitoring, watched: Watched) -> Retrain | Stay:
    """Say whether there is a reason to retrain that wasn't followed yet, and if not, why not.

    Reasons are a *failed* gate of `retrain_when` on the newest window, and what else the model file asks for. An
    undecided gate is named but starts nothing, because a number that could not be measured is no proof of harm. Time is
    the windows' own, so a replay behaves like live traffic: the cool-down counts from the end of the window that caused
    the last request.
    """
    window, live = watched.window, watched.live
    if window is None:
        return Stay(reason="no window has been monitored yet: materialise `traffic` and `monitoring` of a window")
    if live is None:
        return Stay(reason=f"nothing is live in {window.environment}: there is no model to replace")
    found = list(_found(monitoring, watched, window, live))
    reasons = [one for one in found if isinstance(one, Reason)]
    declined = tuple(one for one in found if isinstance(one, Declined))
    if not reasons:
        return Stay(reason="; ".join(one.text for one in found), declined=declined)
    return _once(monitoring, watched, window, reasons, declined)


def _found(
    monitoring: Monitoring, watched: Watched, window: MonitoringRecord, live: DeploymentRecord
) -> Iterator[Reason | Quiet | Declined]:
    yield of_gates(monitoring.retrain_when, window, watched.part, live)
    if monitoring.retrain_again_after_change:
        period = period_named(kind_of(window.window), window.window)
        yield of_change(period, live, watched.made, watched.now, watched.requests)
    if monitoring.retrain_on_expected_harm:
        yield of_harm(window, watched.part, live)
    if monitoring.retrain_on_expected_gain is not None:
        yield from of_gain(monitoring.retrain_on_expected_gain, live, watched.came)
    if monitoring.retrain_on_change_of:
        yield from of_changes(monitoring.retrain_on_change_of, live, watched.made, watched.now)
    if monitoring.retrain_after_days is not None:
        yield of_age(monitoring.retrain_after_days, window, live, watched.made)


def _once(
    monitoring: Monitoring,
    watched: Watched,
    window: MonitoringRecord,
    reasons: Sequence[Reason],
    declined: tuple[Declined, ...],
) -> Retrain | Stay:
    asked = {entry.payload.get("cause"): entry for entry in watched.requests}
    fresh = [one for one in reasons if one.cause not in asked]
    if not fresh:
        known = asked[reasons[0].cause]
        text = f"retraining, because {reasons[0].text}, was requested already ({known.at:%Y-%m-%d %H:%M})"
        return Stay(reason=text, declined=declined)
    text = "; ".join(one.text for one in reasons)
    limit = _limit(monitoring, watched, window)
    if limit is not None:
        name, why = limit
        held = Declined(cause=fresh[0].cause, limit=name, text=f"{text} — but {why}")
        return Stay(reason=held.text, declined=(held, *declined))
    since = [one.changed_since for one in fresh if one.changed_since is not None]
    return Retrain(
        cause=fresh[0].cause, as_of=window.window_end, gates=fresh[0].gates, reason=text,
        changed_since=min(since, default=None),
    )  # fmt: skip


def _limit(monitoring: Monitoring, watched: Watched, window: MonitoringRecord) -> tuple[str, str] | None:
    """Return which limit of the model file stands against retraining now, and how; None when none does."""
    ends = [dt.datetime.fromisoformat(str(entry.payload["as_of"])) for entry in watched.requests]
    if ends:
        rest_until = ends[-1] + dt.timedelta(days=monitoring.cooldown_days)
        if window.window_end < rest_until:
            rest = f"the cool-down of {monitoring.cooldown_days} days after the last retraining"
            return "cooldown_days", f"{rest} lasts until {rest_until:%Y-%m-%d}"
    recent = sum(end > window.window_end - WEEK for end in ends)
    if monitoring.most_per_week is not None and recent >= monitoring.most_per_week:
        week = f"in the week before {window.window_end:%Y-%m-%d}, the most allowed"
        return "most_per_week", f"{recent} retrainings were requested {week}"
    most_hours = monitoring.most_cpu_hours_in_30_days
    if most_hours is not None and watched.cpu_hours >= most_hours:
        spent = f"retraining took {watched.cpu_hours:.1f} CPU hours in the last 30 days, {most_hours:g} are allowed"
        return "most_cpu_hours_in_30_days", spent
    return None
