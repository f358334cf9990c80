"""Health: what was seen of machine, daemon, service, channels and endings as measurements; no limit is known here."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence

from ml_platform.core.health import Look, Seen
from ml_platform.core.measurement import Measurement

DAY = 86_400.0
AHEAD_DAYS = 30.0
LEAST_SPAN_DAYS = 1.0
MOST_POINTS = 150


def measure_health(seen: Seen) -> tuple[Measurement, ...]:
    """Measure everything that was seen; what can't be known has no value and says why."""
    return (
        *_machine(seen), forecast(seen.looks, seen.now), *_daemon(seen), *_endings(seen), *_windows(seen),
        Measurement(metric="audit_problems", value=float(seen.audit_problems), n=1, unit="problems"),
        _key(seen), *_service(seen), *_channels(seen), *_stages(seen),
    )  # fmt: skip


def conditions_of_health(seen: Seen) -> dict[str, bool]:
    """Return which conditions hold: something is watched, ends some day, or has an address."""
    return {
        "watched_now": seen.watched_since is not None, "endings": bool(seen.endings),
        "service_address": seen.service is not None,
    }  # fmt: skip


def forecast(looks: Sequence[Look], now: dt.datetime) -> Measurement:
    """Say how much of the disk will be free in 30 days if it goes on as in the history, with Sen's interval.

    The share is finite whether or not the disk fills up; the days until it is full stand beside it where it does.
    """
    metric, unit = "disk_free_share_ahead", "share"
    points = [
        (one.at, one.machine.disk_free_bytes) for one in looks
        if one.machine.disk_free_bytes is not None and one.at <= now
    ]  # fmt: skip
    total = looks[-1].machine.disk_total_bytes if looks else None
    span = (points[-1][0] - points[0][0]).total_seconds() / DAY if points else 0.0
    if span < LEAST_SPAN_DAYS or not total:
        reason = f"the history of the disk spans {span:.1f} days; {LEAST_SPAN_DAYS:g} is needed"
        return Measurement(metric=metric, value=None, n=len(points), unit=unit, reason=reason)
    import numpy as np

    from ml_platform.stats.sen_slope import sen_slope

    some = [points[index] for index in sorted({*np.linspace(0, len(points) - 1, MOST_POINTS).astype(int).tolist()})]
    days = np.array([(at - now).total_seconds() / DAY for at, _ in some])
    slope = sen_slope(days, np.array([float(free) for _, free in some]))
    if slope is None:
        reason = f"{len(some)} looks at the disk are too few for a slope"
        return Measurement(metric=metric, value=None, n=len(some), unit=unit, reason=reason)
    free = float(points[-1][1])
    value, low, high = (min(max((free + one * AHEAD_DAYS) / total, 0.0), 1.0) for one in slope)
    until = {
        name: -free / one for name, one in (("days_until_full", slope.value), ("at_the_earliest", slope.low)) if one < 0
    }
    return Measurement(
        metric=metric, value=value, low=low, high=high, confidence=0.95, n=len(some), unit=unit,
        facts={**until, "days_ahead": AHEAD_DAYS, "history_days": span},
    )  # fmt: skip


def _machine(seen: Seen) -> Iterator[Measurement]:
    for metric, value in (
        ("memory_available_share", seen.machine.memory_available_share),
        ("load_per_cpu", seen.machine.load_per_cpu),
        ("disk_free_share", seen.machine.disk_free_share),
    ):
        reason = "" if value is not None else "the operating system doesn't say"
        yield Measurement(metric=metric, value=value, n=1, unit="share" if "share" in metric else "", reason=reason)


def _daemon(seen: Seen) -> Iterator[Measurement]:
    daemon = seen.daemon
    never = daemon.why or "Dagster's daemon never ran here"
    yield _seconds("daemon_heartbeat_seconds", daemon.heartbeat_seconds, never)
    for name, age in sorted(daemon.sensors.items()):
        yield _seconds("sensor_silence_seconds", age, "it has never ticked", subject=name)
    if not daemon.sensors:
        yield _seconds("sensor_silence_seconds", None, daemon.why or "no sensor is switched on")
    waits = None if daemon.why else daemon.oldest_queued_seconds or 0.0
    yield _seconds("queued_run_seconds", waits, daemon.why, facts={"queued": daemon.queued})


def _seconds(
    metric: str, value: float | None, why: str, *, subject: str = "", facts: dict[str, int] | None = None
) -> Measurement:
    return Measurement(
        metric=metric, value=value, n=0 if value is None else 1, unit="seconds", subject=subject,
        reason="" if value is not None else why, facts=facts or {},
    )  # fmt: skip


def _endings(seen: Seen) -> Iterator[Measurement]:
    for one in seen.endings:
        days = (one.at - seen.now).total_seconds() / DAY
        facts = {"at": one.at.isoformat()}
        yield Measurement(metric="days_to_expiry", value=days, n=1, unit="days", subject=one.what, facts=facts)


def _windows(seen: Seen) -> Iterator[Measurement]:
    """Say for how long nothing newer was monitored; until the first window is, counted from the beginning."""
    if seen.watched_since is None:
        return
    newest = max(seen.windows_end or seen.watched_since, seen.watched_since)
    days = (seen.now - newest).total_seconds() / DAY
    yield Measurement(metric="window_age_days", value=days, n=1, unit="days", facts={"newest": newest.isoformat()})


def _key(seen: Seen) -> Measurement:
    made = seen.key_made_at
    age = None if made is None else (seen.now - made).total_seconds() / DAY
    reason = "" if made is not None else "no key has signed anything yet"
    return Measurement(metric="signing_key_age_days", value=age, n=1, unit="days", reason=reason)


def _service(seen: Seen) -> Iterator[Measurement]:
    if seen.service is not None:
        well = float(seen.service == "ok")
        facts = {"said": seen.service}
        yield Measurement(metric="watched_service_ok", value=well, n=1, unit="fact", facts=facts)


def _channels(seen: Seen) -> Iterator[Measurement]:
    """Say for how long a notice has waited on each channel; one that never delivered anything proves nothing."""
    if not seen.channels:
        yield _waiting("", None, "no channel tells anybody of this model's refusals; see notifications.yaml")
    for one in seen.channels:
        if one.waits_since is None and one.arrived_at is None:
            yield _waiting(one.channel, None, f"nothing ever arrived; try `ml-platform notify test {one.channel}`")
        else:
            waits = (seen.now - one.waits_since).total_seconds() / 3600 if one.waits_since else 0.0
            yield _waiting(one.channel, waits, "")


def _waiting(channel: str, hours: float | None, reason: str) -> Measurement:
    n = 0 if hours is None else 1
    return Measurement(metric="notice_wait_hours", value=hours, n=n, unit="hours", subject=channel, reason=reason)


def _stages(seen: Seen) -> Iterator[Measurement]:
    """Say how long ago each stage was last judged without a closed gate."""
    for stage, at in seen.stages.items():
        days = (seen.now - at).total_seconds() / DAY
        yield Measurement(metric="stage_success_age_days", value=days, n=1, unit="days", subject=stage)
