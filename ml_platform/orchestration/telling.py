"""Telling people: what is pending goes to the home's channels, on every tick of a sensor and when somebody asks."""

from __future__ import annotations

import contextlib
import datetime as dt
import functools
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import dagster as dg

from ml_platform.core.errors import PlatformError, PolicyInvalid
from ml_platform.settings import load_settings

if TYPE_CHECKING:
    from ml_platform.adapters.platform import Platform
    from ml_platform.policy.freezes import Freeze
    from ml_platform.policy.notifications import Notifications
    from ml_platform.stages.notices import About, Known
    from ml_platform.stages.tell import Told

SENSOR = "notifications_sensor"
SECONDS_BETWEEN_TICKS = 30
LONGEST_WORDS = 1000


def tell_all(platform: Platform, wanted: Notifications, paths: Sequence[Path], *, now: dt.datetime) -> list[Told]:
    """Tell every channel what it hasn't been told yet; raises Unavailable while another process does."""
    from ml_platform.adapters.notifications import notifiers_of, telling_alone
    from ml_platform.stages.freeze_ends import note_ended_freezes
    from ml_platform.stages.tell import Post, tell

    about = known_of(paths, now)
    with telling_alone(platform.home):
        for path in paths:
            model = path.parent.name
            note_ended_freezes(platform.ledger, model, functools.partial(_freezes_of, about, model), now=now)
        return tell(Post(ledger=platform.ledger, about=about, now=now), wanted, notifiers_of(wanted))


def _freezes_of(about: About, model: str) -> tuple[Freeze, ...]:
    return about(model).freezes


def known_of(paths: Sequence[Path], now: dt.datetime) -> About:
    """Return what model files say to who decides what is told; of a broken one nothing is known."""
    from ml_platform.policy.load import load_model
    from ml_platform.stages.notices import Known

    by_name = {path.parent.name: path for path in paths}

    @functools.cache
    def about(model: str) -> Known:
        try:
            file = load_model(by_name[model], now=now)
        except (KeyError, PolicyInvalid):
            return Known()
        watched = file.spec.monitoring
        return Known(
            approvals=file.policy.approvals.get("production", 0),
            harmful=frozenset(watched.retrain_when) if watched else frozenset(),
            window_of=functools.partial(_window_of, model),
            freezes=file.policy.freezes,
        )

    return about


def _window_of(model: str, digest: str) -> str:
    """Return the name of the window that a monitoring record of this digest is about; empty when it isn't known."""
    from ml_platform.core.records import MonitoringRecord
    from ml_platform.orchestration.records import read_record

    with contextlib.suppress(PlatformError):
        record = read_record(load_settings().home, (model, "monitoring"), MonitoringRecord, digest)
        return record.window if record else ""
    return ""


def words(told: Sequence[Told]) -> list[str]:
    """Say what became of each channel in a line."""
    lines = []
    for one in told:
        counts = [
            f"{count} {what}"
            for count, what in (
                (one.delivered, "delivered"),
                (one.repeated, "said before, not again"),
                (one.given_up, "given up"),
            )
            if count
        ]
        lines.append(f"{one.channel}: {'; '.join([*counts, *([one.why_not] if one.why_not else [])]) or 'nothing new'}")
    return lines


def notifications_sensor(paths: Sequence[Path]) -> dg.SensorDefinition:
    """Return the sensor that tells people what happened; it starts no run."""
    return dg.SensorDefinition(
        name=SENSOR,
        evaluation_fn=lambda context: _tick(context, paths),
        minimum_interval_seconds=SECONDS_BETWEEN_TICKS,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description=(
            "Tells the channels of notifications.yaml of refusals, releases, deployments, rollbacks, harm, retraining "
            "and what ends soon. The audit is its outbox: what wasn't delivered stays pending. It starts no run; each "
            "tick says what was delivered and why something wasn't."
        ),
    )


def _tick(context: dg.SensorEvaluationContext, paths: Sequence[Path]) -> dg.SkipReason:
    from ml_platform.adapters.platform import open_platform
    from ml_platform.policy.notifications import load_notifications

    settings = load_settings()
    if not (settings.home / "ledger.sqlite").is_file():
        return dg.SkipReason("nothing has happened yet")
    try:
        wanted = load_notifications(settings.home)
        if wanted is None:
            return dg.SkipReason("no channel is configured, so nobody is told; see docs/notifications.md")
        with open_platform(settings) as platform:
            told = tell_all(platform, wanted, paths, now=dt.datetime.now(tz=dt.UTC))
    except PlatformError as error:
        context.log.warning(str(error))
        return dg.SkipReason(f"nobody could be told: {error}"[:LONGEST_WORDS])
    for one, line in zip(told, words(told), strict=True):
        (context.log.warning if one.why_not else context.log.info)(line)
    return dg.SkipReason("; ".join(words(told))[:LONGEST_WORDS])
