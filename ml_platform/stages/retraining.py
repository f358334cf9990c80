"""Decide whether to retrain: for a stated reason, once per cause, and never inside the cool-down."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from ml_platform.core.digest import digest_of
from ml_platform.core.ports import AuditEntry
from ml_platform.core.records import DeploymentRecord, EvidencePart, MonitoringRecord
from ml_platform.core.verdict import Outcome, Verdict
from ml_platform.policy.spec import Monitoring

REQUESTED = "retraining.requested"


@dataclass(frozen=True, slots=True, kw_only=True)
class Retrain:
    """Retrain on everything before `as_of`; `cause` is the digest that makes the request happen once."""

    cause: str
    as_of: dt.datetime
    gates: tuple[str, ...]
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Stay:
    """Don't retrain, and why not."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """What the decision looks at: the newest monitored window, its verdicts, what is live, the last request."""

    window: MonitoringRecord | None
    part: EvidencePart | None
    live: DeploymentRecord | None
    last_request: AuditEntry | None


def decide_retraining(monitoring: Monitoring, watched: Watched) -> Retrain | Stay:
    """Say whether the newest window is a reason to retrain, and if not, why not.

    Only a *failed* gate of `retrain_when` is a reason; an undecided one is named but starts nothing, because a
    number that could not be measured is no proof of harm. Time is the windows' own, so a replay behaves like live
    traffic: the cool-down counts from the end of the window that caused the last request.
    """
    window, part, live = watched.window, watched.part, watched.live
    if window is None or part is None:
        return Stay(reason=_unseen(window))
    if live is None:
        return Stay(reason=f"nothing is live in {window.environment}: there is no model to replace")
    if window.model_digest != live.model_digest:
        return Stay(
            reason=f"window {window.window} was served by version {window.version}, but version {live.version} is "
            "live: wait for a window that it served"
        )
    if part.subject_digest != window.digest:
        return Stay(reason=f"the verdicts on hand are not about window {window.window}: materialise `monitoring` again")
    watching = [verdict for verdict in part.verdicts if verdict.gate in monitoring.retrain_when]
    failed = tuple(sorted(verdict.gate for verdict in watching if verdict.outcome is Outcome.FAILED))
    if not failed:
        return Stay(reason=_calm(window, watching))
    return _within_limits(monitoring, watched, window, _Cause(failed, watching))


def _unseen(window: MonitoringRecord | None) -> str:
    if window is None:
        return "no window has been monitored yet: materialise `traffic` and `monitoring` of a window"
    return f"window {window.window} has no verdicts under the present policy: materialise `monitoring` of it again"


@dataclass(frozen=True, slots=True)
class _Cause:
    gates: tuple[str, ...]
    verdicts: list[Verdict]

    def reason(self, window: MonitoringRecord) -> str:
        said = "; ".join(
            f"{verdict.gate}: {verdict.worst.text() if verdict.worst else verdict.reason}, limit {verdict.limit}"
            for verdict in self.verdicts
            if verdict.gate in self.gates
        )
        return f"window {window.window}: {said}"


def _calm(window: MonitoringRecord, watching: list[Verdict]) -> str:
    if not watching:
        return f"window {window.window}: none of the gates that start retraining has been judged"
    undecided = [f"{one.gate} ({one.reason})" for one in watching if one.outcome is Outcome.UNDECIDED]
    held = [one.gate for one in watching if one.outcome.opens]
    said = [f"{', '.join(held)} hold"] if held else []
    said += [f"undecided: {', '.join(undecided)}"] if undecided else []
    return f"window {window.window}: {'; '.join(said)}"


def _within_limits(monitoring: Monitoring, watched: Watched, window: MonitoringRecord, cause: _Cause) -> Retrain | Stay:
    digest = digest_of({"model": window.model, "digest": window.model_digest, "gates": cause.gates, "w": window.window})
    last = watched.last_request
    if last is not None:
        if last.payload.get("cause") == digest:
            return Stay(
                reason=f"retraining for window {window.window} was requested already ({last.at:%Y-%m-%d %H:%M})"
            )
        rest_until = dt.datetime.fromisoformat(str(last.payload["as_of"])) + dt.timedelta(days=monitoring.cooldown_days)
        if window.window_end < rest_until:
            return Stay(
                reason=f"{cause.reason(window)} — but the cool-down of {monitoring.cooldown_days} days after the last "
                f"retraining lasts until {rest_until:%Y-%m-%d}"
            )
    return Retrain(cause=digest, as_of=window.window_end, gates=cause.gates, reason=cause.reason(window))
