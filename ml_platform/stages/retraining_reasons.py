"""The reasons to retrain: gates that failed on a window, a change of what the live version was made from, its age."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from ml_platform.core.digest import digest_of, short
from ml_platform.core.measurement import Measurement
from ml_platform.core.records import DeploymentRecord, EvidencePart, MonitoringRecord
from ml_platform.core.verdict import Outcome, Verdict
from ml_platform.stages.periods import kind_of, period_at, period_named

BEGAN = "windows_since_it_began"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """A reason to retrain; the same `cause` is the same reason, however often it is seen.

    `changed_since` is since when the world seems to be another one, where that is the reason.
    """

    cause: str
    text: str
    gates: tuple[str, ...] = ()
    changed_since: dt.datetime | None = None


@dataclass(frozen=True, slots=True)
class Quiet:
    """Why something that is watched is no reason to retrain."""

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Declined:
    """Something that others retrain for, and why it isn't followed; `limit` names the limit that stands against it."""

    cause: str
    text: str
    limit: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """What a version is made from, by digest (features, parameters, policy); `as_of` is before when its rows are.

    It learns from the rows of `learned_from` (None: all before) to `learned_until`.
    """

    digests: Mapping[str, str] = field(default_factory=dict)
    as_of: dt.datetime | None = None
    learned_from: dt.datetime | None = None
    learned_until: dt.datetime | None = None


def unheard(window: MonitoringRecord, part: EvidencePart | None, live: DeploymentRecord) -> str:
    """Say why a window's verdicts say nothing of the live version; empty when they do."""
    if part is None:
        return f"window {window.window} has no verdicts under the present policy: materialise `monitoring` of it again"
    if window.model_digest != live.model_digest:
        return (
            f"window {window.window} was served by version {window.version}, but version {live.version} is "
            "live: wait for a window that it served"
        )
    if part.subject_digest != window.digest:
        return f"the verdicts on hand are not about window {window.window}: materialise `monitoring` again"
    return ""


def of_gates(
    gates: Sequence[str], window: MonitoringRecord, part: EvidencePart | None, live: DeploymentRecord
) -> Reason | Quiet:
    """Say whether a gate failed on a window that the live version served."""
    silent = unheard(window, part, live)
    if silent or part is None:
        return Quiet(silent)
    watching = [verdict for verdict in part.verdicts if verdict.gate in gates]
    broken = [verdict for verdict in watching if verdict.outcome is Outcome.FAILED]
    if not broken:
        return Quiet(_calm(window, watching))
    failed = tuple(sorted(verdict.gate for verdict in broken))
    digest = digest_of({"model": window.model, "digest": window.model_digest, "gates": failed, "w": window.window})
    since = min(_began(window, verdict.worst) for verdict in broken)
    return Reason(cause=digest, text=_harm(window, broken), gates=failed, changed_since=since)


def of_changes(
    watching: Sequence[str], live: DeploymentRecord, made: Made | None, now: Made | None
) -> Iterator[Reason | Quiet]:
    """Say what the live version was made from and isn't any more."""
    if made is None or now is None:
        yield Quiet(f"what version {live.version} was made from isn't known, so whether it changed isn't either")
        return
    for name in watching:
        before, after = made.digests.get(name), now.digests.get(name)
        if not before or not after:
            yield Quiet(f"whether the {name} changed isn't known: there is no digest of them")
        elif before == after:
            yield Quiet(f"the {name} are those of version {live.version}")
        else:
            digest = digest_of({"model": live.model, "changed": name, "to": after})
            yield Reason(cause=digest, text=f"the {name} changed ({short(before)} → {short(after)})")


def of_age(days: int, window: MonitoringRecord, live: DeploymentRecord, made: Made | None) -> Reason | Quiet:
    """Say whether the live version's rows end so many days before the window does.

    When it stays live all the same, because the candidate was refused, the next reason comes as many days later.
    """
    if made is None or made.as_of is None:
        return Quiet(f"before when the rows of version {live.version} are isn't known, so its age isn't either")
    age = (window.window_end - made.as_of).days
    if age < days:
        return Quiet(f"the rows of version {live.version} end {age} days before the window does, {days} are a reason")
    digest = digest_of({"model": live.model, "digest": live.model_digest, "age": age // days * days})
    return Reason(cause=digest, text=f"the rows of version {live.version} end {age} days before the window does")


def _began(window: MonitoringRecord, worst: Measurement | None) -> dt.datetime:
    """Return the start of the window, or of the one in which the evidence of an alarm began."""
    kind = kind_of(window.window)
    start = period_named(kind, window.window).start
    windows = worst.facts.get(BEGAN) if worst else None
    for _ in range(windows - 1 if isinstance(windows, int) else 0):
        start = period_at(kind, start - dt.timedelta(microseconds=1)).start
    return start


def _harm(window: MonitoringRecord, broken: Sequence[Verdict]) -> str:
    said = "; ".join(
        f"{verdict.gate}: {verdict.worst.text() if verdict.worst else verdict.reason}, limit {verdict.limit}"
        for verdict in broken
    )
    return f"window {window.window}: {said}"


def _calm(window: MonitoringRecord, watching: Sequence[Verdict]) -> str:
    if not watching:
        return f"window {window.window}: none of the gates that start retraining has been judged"
    undecided = [f"{one.gate} ({one.reason})" for one in watching if one.outcome is Outcome.UNDECIDED]
    held = [one.gate for one in watching if one.outcome.opens]
    said = [f"{', '.join(held)} hold"] if held else []
    said += [f"undecided: {', '.join(undecided)}"] if undecided else []
    return f"window {window.window}: {'; '.join(said)}"
