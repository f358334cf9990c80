"""The sensor that looks at the health: it leaves the heartbeat, and has a look recorded when something changed."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import dagster as dg

from ml_platform.core.digest import digest_of, short
from ml_platform.core.errors import PlatformError, PolicyInvalid
from ml_platform.orchestration.wiring import asset_key
from ml_platform.settings import load_settings

if TYPE_CHECKING:
    from ml_platform.adapters.platform import Platform
    from ml_platform.orchestration.health_look import Judgement
    from ml_platform.policy.load import GovernedModelFile

SENSOR = "health_sensor"
SECONDS_BETWEEN_TICKS = 300
RECORDED_EVERY = dt.timedelta(days=1)
LONGEST_WORDS = 1000


def health_sensor(paths: Sequence[Path]) -> dg.SensorDefinition:
    """Return the sensor that looks at the health of what is live."""
    return dg.SensorDefinition(
        name=SENSOR,
        evaluation_fn=lambda context: _tick(context, paths),
        asset_selection=dg.AssetSelection.all(),
        minimum_interval_seconds=SECONDS_BETWEEN_TICKS,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description=(
            "Looks at machine, daemon, sensors, service and channels around every model that is live, and leaves the "
            "heartbeat that `ml-platform health --dead-man` waits for. When other gates are closed than were recorded "
            "last, and once a day, it asks for a run of the model's health, which records them."
        ),
    )


def _tick(context: dg.SensorEvaluationContext, paths: Sequence[Path]) -> dg.SensorResult | dg.SkipReason:
    from ml_platform.adapters.platform import open_platform
    from ml_platform.orchestration.daemon_state import read_daemon
    from ml_platform.orchestration.health_look import judge_seen, leave_heartbeat, see

    settings, now = load_settings(), dt.datetime.now(tz=dt.UTC)
    if not (settings.home / "ledger.sqlite").is_file():
        return dg.SkipReason("nothing was ever released, so there is nothing to be well")
    try:
        with open_platform(settings) as platform:
            look = leave_heartbeat(platform, by="sensor", now=now)
            files = live_files(platform, paths, now)
            seen = see(platform, files, read_daemon(context.instance, now=now), look)
            judged = {file.spec.model: judge_seen(file, seen[file.spec.model]) for file in files}
            found = [_wanted(platform, file, judged[file.spec.model], now) for file in files]
    except PlatformError as error:
        context.log.warning(str(error))
        return dg.SkipReason(f"the health can't be looked at: {error}"[:LONGEST_WORDS])
    requests = [request for request, _ in found if request is not None]
    for _, words in found:
        context.log.info(words)
    said = "; ".join(words for _, words in found)[:LONGEST_WORDS] or "nothing is live"
    return dg.SensorResult(run_requests=requests) if requests else dg.SkipReason(said)


def live_files(platform: Platform, paths: Sequence[Path], now: dt.datetime) -> list[GovernedModelFile]:
    """Return the readable model files of what is live anywhere."""
    from ml_platform.policy.load import load_model

    files = []
    for path in paths:
        if any(platform.ledger.live(path.parent.name, place) for place in ("staging", "production")):
            try:
                files.append(load_model(path, now=now))
            except PolicyInvalid:
                continue  # its own stand-in says what is wrong with it
    return files


def _wanted(
    platform: Platform, file: GovernedModelFile, judged: Judgement, now: dt.datetime
) -> tuple[dg.RunRequest | None, str]:
    """Return the run to ask for and why, or why none."""
    model = file.spec.model
    closed = sorted(f"{one.gate} {one.outcome}" for one in judged.verdicts if not one.outcome.opens)
    part = platform.ledger.latest_part(model, "health")
    words = f"{model}: {', '.join(closed) or 'all is well'}"
    if part is not None and part.policy_digest == file.policy.digest and now - part.made_at < RECORDED_EVERY:
        recorded = sorted(f"{one.gate} {one.outcome}" for one in part.verdicts if not one.outcome.opens)
        if recorded == closed:
            return None, f"{words} (recorded at {part.made_at:%H:%M} UTC)"
    before = part.made_at.isoformat() if part is not None else ""
    key = short(digest_of([model, file.policy.digest, closed, before]))
    return dg.RunRequest(
        run_key=f"health-{key}", asset_selection=[asset_key(model, "health")]
    ), f"{words}; recorded now"
