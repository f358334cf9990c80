"""A look at the platform's health: gather what is seen around each model, judge it, and leave a heartbeat."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ml_platform.core.health import By, Daemon, Ending, Look, Pending, Seen
from ml_platform.core.measurement import Measurement
from ml_platform.core.verdict import Verdict
from ml_platform.orchestration.records import read_partitions
from ml_platform.policy.stages import STAGES
from ml_platform.settings import service_url

if TYPE_CHECKING:
    from ml_platform.adapters.platform import Platform
    from ml_platform.policy.load import GovernedModelFile
    from ml_platform.policy.notifications import Notifications

SECONDS_TO_ANSWER = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What was measured around one model, and what its policy says of it."""

    model: str
    measurements: tuple[Measurement, ...]
    verdicts: tuple[Verdict, ...]
    conditions: frozenset[str]


def leave_heartbeat(platform: Platform, *, by: By, now: dt.datetime) -> Look:
    """Write down that somebody looked, and what the machine looked like; raises Unavailable."""
    from ml_platform.adapters.look_log import LookLog
    from ml_platform.adapters.machine import read_machine

    look = Look(at=now, by=by, machine=read_machine(platform.home))
    LookLog(platform.home).append(look)
    return look


def see(platform: Platform, files: Sequence[GovernedModelFile], daemon: Daemon, look: Look) -> dict[str, Seen]:
    """Gather what is seen around some models; what is common to them is looked at once."""
    from ml_platform.adapters.look_log import LookLog
    from ml_platform.policy.notifications import load_notifications

    problems = len(platform.ledger.problems())
    own = [key for key in platform.signing.public_keys() if not key.owner and key.retired_at is None]
    wanted = load_notifications(platform.home)
    looks = tuple(LookLog(platform.home).read())
    return {
        file.spec.model: Seen(
            now=look.at, machine=look.machine, looks=looks, daemon=daemon, audit_problems=problems,
            stages=_successes(platform, file.spec.model), endings=_endings(platform, file, look.at),
            key_made_at=own[-1].made_at if own else None, windows_end=_newest_window(platform.home, file.spec.model),
            watched_since=_watched_since(file, look.at), service=_service(file.spec.model),
            channels=_channels(platform, file, wanted, look.at),
        )
        for file in files
    }  # fmt: skip


def judge_seen(file: GovernedModelFile, seen: Seen) -> Judgement:
    """Judge what was seen under the model's policy; nothing is recorded."""
    from ml_platform.policy.conditions import conditions_of
    from ml_platform.policy.judge import judge
    from ml_platform.stages.health import conditions_of_health, measure_health

    measured = measure_health(seen)
    conditions = conditions_of(file.spec, **conditions_of_health(seen))
    verdicts = judge(file.policy, "health", measured, conditions=conditions, now=seen.now)
    return Judgement(
        model=file.spec.model, measurements=measured, verdicts=tuple(verdicts), conditions=frozenset(conditions)
    )


def _successes(platform: Platform, model: str) -> Mapping[str, dt.datetime]:
    parts = {stage: platform.ledger.latest_part(model, stage) for stage in STAGES if stage != "health"}
    return {
        stage: part.made_at for stage, part in parts.items()
        if part is not None and not any(verdict.closes for verdict in part.verdicts)
    }  # fmt: skip


def _endings(platform: Platform, file: GovernedModelFile, now: dt.datetime) -> tuple[Ending, ...]:
    """Return the waivers, and the approvals of the newest version that still could be used."""
    found = [
        Ending(
            what=f"waiver of {one.gate}", at=dt.datetime.combine(one.expires, dt.time(), dt.UTC) + dt.timedelta(days=1)
        )
        for one in file.spec.policy.waivers
    ]
    releases = platform.ledger.releases(file.spec.model)
    given = platform.ledger.approvals(file.spec.model, releases[-1].version, "production") if releases else ()
    found += [
        Ending(what=f"approval of v{one.version}", at=one.expires_at)
        for one in given
        if one.used_at is None and one.rejected_at is None and one.expires_at > now
    ]
    return tuple(found)


def _watched_since(file: GovernedModelFile, now: dt.datetime) -> dt.datetime | None:
    watched = file.spec.monitoring
    if watched is None or watched.start > now.date() or (watched.end is not None and watched.end < now.date()):
        return None
    return dt.datetime.combine(watched.start, dt.time(), dt.UTC)


def _newest_window(home: Path, model: str) -> dt.datetime | None:
    from ml_platform.core.records import MonitoringRecord

    found = read_partitions(home, (model, "monitoring"), MonitoringRecord)
    return max((one.window_end for one in found), default=None)


def _channels(
    platform: Platform, file: GovernedModelFile, wanted: Notifications | None, now: dt.datetime
) -> tuple[Pending, ...]:
    from ml_platform.orchestration.telling import known_of
    from ml_platform.stages.tell import Post, waiting

    post = Post(ledger=platform.ledger, about=known_of([file.path], now), now=now)
    return tuple(
        waiting(post, name, channel) for name, channel in (wanted.channels.items() if wanted else ())
        if "refused" in channel.events and (channel.models is None or file.spec.model in channel.models)
    )  # fmt: skip


def _service(model: str) -> str | None:
    """Return what the configured service says of itself, or why it says nothing; None without an address."""
    url = service_url(model)
    if url is None:
        return None
    from ml_platform.adapters.service_health import ask_health

    return ask_health(url, seconds=SECONDS_TO_ANSWER)
