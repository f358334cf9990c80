"""The retraining sensor: asks the decision, and says in its tick why a run is requested or why not.

Without `from __future__ import annotations`: Dagster reads the annotations of a sensor as they stand.
"""

from pathlib import Path
from typing import TYPE_CHECKING

import dagster as dg

from ml_platform.core.records import MonitoringRecord
from ml_platform.orchestration.records import read_partitions
from ml_platform.orchestration.wiring import tags_of
from ml_platform.settings import load_settings
from ml_platform.stages.retraining import REQUESTED, Retrain, Stay, Watched, decide_retraining

if TYPE_CHECKING:
    from ml_platform.adapters.platform import Platform
    from ml_platform.policy.load import GovernedModelFile
    from ml_platform.policy.spec import Monitoring

TRIGGER_TAG = "ml_platform/trigger"
CAUSE_TAG = "ml_platform/cause"
SECONDS_BETWEEN_TICKS = 30


def retrain_sensor(file: "GovernedModelFile", monitoring: "Monitoring") -> dg.SensorDefinition:
    """Return the sensor that requests `<model>_retrain` once per cause."""
    model = file.spec.model

    def tick(context: dg.SensorEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        decided = _decide(file, monitoring)
        if isinstance(decided, Stay):
            return dg.SkipReason(decided.reason)
        context.log.info("retraining is requested: %s", decided.reason)
        return request(model, decided)

    return dg.SensorDefinition(
        name=f"{model}_retrain_sensor",
        evaluation_fn=tick,
        job_name=f"{model}_retrain",
        minimum_interval_seconds=SECONDS_BETWEEN_TICKS,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description=(
            f"Looks at the newest window that was monitored, asks for {model}_retrain when one of these gates failed "
            f"on it: {', '.join(monitoring.retrain_when)}. Once per cause, then it waits {monitoring.cooldown_days} "
            "days. Each tick says why a run was requested or why not."
        ),
        tags=tags_of(file.spec),
    )


def request(model: str, decided: Retrain) -> dg.RunRequest:
    """Return the request for a retraining run on everything before the end of the window that caused it."""
    config = {"as_of": decided.as_of.isoformat(), "cause": decided.cause}
    return dg.RunRequest(
        run_key=decided.cause,
        run_config={"ops": {f"{model}__snapshot": {"config": config}}},
        tags={TRIGGER_TAG: decided.reason, CAUSE_TAG: decided.cause},
    )


def _decide(file: "GovernedModelFile", monitoring: "Monitoring") -> Retrain | Stay:
    from ml_platform.adapters.platform import open_platform

    settings = load_settings()
    if not (settings.home / "ledger.sqlite").is_file():
        return Stay(reason="nothing was ever released, so there is nothing to watch")
    with open_platform(settings) as platform:
        return decide_retraining(monitoring, watched(file, platform))


def watched(file: "GovernedModelFile", platform: "Platform") -> Watched:
    """Return what the decision looks at: the latest window that was monitored, with its verdicts under this policy."""
    model = file.spec.model
    window = latest_window(platform.home, model)
    part = platform.ledger.part(model, "monitoring", window.digest, file.policy.digest) if window else None
    return Watched(
        window=window,
        part=part,
        live=platform.ledger.live(model, "production"),
        last_request=platform.ledger.last(REQUESTED, subject=model),
    )


def latest_window(home: Path, model: str) -> MonitoringRecord | None:
    """Return the record of the latest window that was monitored."""
    found = read_partitions(home, (model, "monitoring"), MonitoringRecord)
    return max(found, key=lambda one: one.window_end, default=None)
