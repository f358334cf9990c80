"""The rollback sensor: looks at the live version's traffic and asks for the rollback job when harm is proven.

Without `from __future__ import annotations`: Dagster reads the annotations of a sensor as they stand.
"""

import datetime as dt
import json
from pathlib import Path
from typing import TYPE_CHECKING

import dagster as dg

from ml_platform.core.digest import digest_of
from ml_platform.core.errors import PlatformError
from ml_platform.orchestration.live_look import ENVIRONMENT, GoBack, look_at_production
from ml_platform.orchestration.retrain_sensor import TRIGGER_TAG
from ml_platform.orchestration.wiring import tags_of
from ml_platform.settings import load_settings

if TYPE_CHECKING:
    from ml_platform.adapters.platform import Platform
    from ml_platform.policy.load import GovernedModelFile
    from ml_platform.policy.spec import Monitoring
    from ml_platform.settings import Settings

SECONDS_BETWEEN_TICKS = 30


def rollback_sensor(file: "GovernedModelFile", monitoring: "Monitoring") -> dg.SensorDefinition:
    """Return the sensor that requests `<model>_rollback` once for each deployment that is proven to do harm."""
    model = file.spec.model

    def tick(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
        return _tick(file, context.cursor)

    return dg.SensorDefinition(
        name=f"{model}_rollback_sensor",
        evaluation_fn=tick,
        job_name=f"{model}_rollback",
        minimum_interval_seconds=SECONDS_BETWEEN_TICKS,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description=(
            "Holds what is live in production against what its evidence promised: errors, latency, scores, and the "
            f"loss as outcomes come. Asks for {model}_rollback when harm is proven, in good order at most "
            f"{monitoring.false_rollbacks_per_year:g} times a year. Each tick says why, or why not."
        ),
        tags=tags_of(file.spec),
    )


def _tick(file: "GovernedModelFile", cursor: str | None) -> dg.SensorResult | dg.SkipReason:
    settings = load_settings()
    if not (settings.home / "ledger.sqlite").is_file():
        return dg.SkipReason("nothing was ever released, so there is nothing to watch")
    try:
        return _looked(file, settings, cursor)
    except PlatformError as error:
        return dg.SkipReason(f"the look failed: {error}")


def _looked(file: "GovernedModelFile", settings: "Settings", cursor: str | None) -> dg.SensorResult | dg.SkipReason:
    from ml_platform.adapters.platform import open_platform

    with open_platform(settings) as platform:
        platform.project()  # for whoever was killed before the service could be told what is live
        state = _state(platform, file.spec.model)
        known = json.loads(cursor) if cursor else {}
        if known.get("state") == state:
            return dg.SkipReason(f"nothing came since the last look: {known.get('said')}")
        now = dt.datetime.now(tz=dt.UTC)
        found = look_at_production(file, platform, now=now)
    if isinstance(found, GoBack):
        return dg.SensorResult(run_requests=[_request(found, now)])  # without a cursor: the next tick looks again
    said = json.dumps({"state": state, "said": found.reason})
    return dg.SensorResult(skip_reason=dg.SkipReason(found.reason), cursor=said)


def _state(platform: "Platform", model: str) -> str:
    """Return the digest of what the look depends on: what is live, and the sizes of the logs of traffic and labels."""
    live = platform.ledger.live(model, ENVIRONMENT)
    folders = (platform.home / "traffic" / ENVIRONMENT / model, platform.home / "labels" / model)
    sizes = {str(path.relative_to(platform.home)): path.stat().st_size for folder in folders for path in _files(folder)}
    return digest_of({"live": live, "sizes": sizes, "hour": dt.datetime.now(tz=dt.UTC).strftime("%Y-%m-%dT%H")})


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file()) if folder.is_dir() else []


def _request(found: GoBack, now: dt.datetime) -> dg.RunRequest:
    """Return the request for taking exactly this deployment back; the job looks once more before it does.

    A run that came to nothing is asked for again in the next hour: the harm goes on.
    """
    live = found.live
    config = {"environment": ENVIRONMENT, "reason": found.reason, "only_if_proven": True}
    return dg.RunRequest(
        run_key=digest_of({"rollback": live, "hour": f"{now:%Y-%m-%dT%H}"}),
        run_config={"ops": {f"{live.model}__rollback": {"config": config}}},
        tags={TRIGGER_TAG: found.reason},
    )
