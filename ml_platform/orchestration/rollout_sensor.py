"""The rollout sensor: looks at the version on trial, and says in its tick why it is decided or why not yet.

Without `from __future__ import annotations`: Dagster reads the annotations of a sensor as they stand.
"""

import datetime as dt
from typing import TYPE_CHECKING

import dagster as dg

from ml_platform.core.errors import DataInvalid, PolicyInvalid
from ml_platform.core.rollout import RolloutRecord
from ml_platform.orchestration.desk import Desk
from ml_platform.orchestration.rollout_job import ENVIRONMENT
from ml_platform.orchestration.wiring import tags_of
from ml_platform.settings import load_settings
from ml_platform.stages.rollout_story import LOOKED

if TYPE_CHECKING:
    from ml_platform.policy.load import GovernedModelFile

SECONDS_BETWEEN_TICKS = 30
BETWEEN_RECORDS = dt.timedelta(hours=1)
ROLLOUT_TAG = "ml_platform/rollout"


def rollout_sensor(file: "GovernedModelFile") -> dg.SensorDefinition:
    """Return the sensor that requests `<model>_rollout` when a trial is decided, and hourly to show how it goes."""
    model = file.spec.model

    def tick(context: dg.SensorEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        decided = _decide(file, dt.datetime.now(tz=dt.UTC))
        if isinstance(decided, dg.RunRequest):
            context.log.info("a look is requested: %s", decided.tags[ROLLOUT_TAG])
        return decided

    return dg.SensorDefinition(
        name=f"{model}_rollout_sensor",
        evaluation_fn=tick,
        job_name=f"{model}_rollout",
        minimum_interval_seconds=SECONDS_BETWEEN_TICKS,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description=(
            f"Looks at the version of {model} that is tried beside the live one, and asks for {model}_rollout as soon "
            "as it is proven good enough or worse. Each tick says what is missing."
        ),
        tags=tags_of(file.spec),
    )


def _decide(file: "GovernedModelFile", now: dt.datetime) -> dg.RunRequest | dg.SkipReason:
    from ml_platform.adapters.platform import open_platform
    from ml_platform.policy.load import load_model

    settings, model = load_settings(), file.spec.model
    if not (settings.home / "ledger.sqlite").is_file():
        return dg.SkipReason("nothing was ever released, so nothing is on trial")
    with open_platform(settings) as platform:
        found = platform.ledger.rollout(model, ENVIRONMENT)
        platform.project()  # for whoever was killed before it could be shown that a rollout begins or ends
        if found is None:
            return dg.SkipReason("no version is on trial")
        try:
            current = load_model(file.path, now=now)  # who began the trial may have changed it since this was started
        except PolicyInvalid as error:
            return dg.SkipReason(f"v{found.version} is on trial, and the model file can't be read: {error}")
        return _of(Desk(file=current, platform=platform, now=now, run_id=""), found)


def _of(desk: Desk, rollout: RolloutRecord) -> dg.RunRequest | dg.SkipReason:
    from ml_platform.orchestration.rolling_out import look  # brings the statistics
    from ml_platform.stages.rollout_look import Continue, Promote

    head = f"v{rollout.version} is tried beside v{rollout.champion} ({rollout.strategy})"
    try:
        decision = look(desk, rollout).decision
    except DataInvalid as error:
        return dg.SkipReason(str(error))
    said = f"{head}: {'; '.join(decision.reasons)}"
    if isinstance(decision, Promote) and (why := _refused_lately(desk, rollout)):
        return dg.SkipReason(f"{head}: it is proven, and the lock refused it within the hour: {why}")
    if isinstance(decision, Continue) and _recorded_lately(desk, rollout):
        return dg.SkipReason(said)
    kind, hour = type(decision).__name__.lower(), int(desk.now.timestamp() // BETWEEN_RECORDS.total_seconds())
    return dg.RunRequest(run_key=f"{rollout.rollout_id}:{kind}:{hour}", tags={ROLLOUT_TAG: said})


def _recorded_lately(desk: Desk, rollout: RolloutRecord) -> bool:
    last = desk.platform.ledger.last(LOOKED, subject=f"{rollout.model}@{rollout.environment}")
    same = last is not None and last.payload.get("rollout_id") == rollout.rollout_id
    return same and last is not None and desk.now - last.at < BETWEEN_RECORDS


def _refused_lately(desk: Desk, rollout: RolloutRecord) -> str:
    last = desk.platform.ledger.last("promotion_refused", subject=f"{rollout.model}@{rollout.environment}")
    if last is None or last.payload.get("version") != rollout.version or desk.now - last.at >= BETWEEN_RECORDS:
        return ""
    reasons = last.payload.get("reasons")
    return "; ".join(map(str, reasons)) if isinstance(reasons, list) and last.at >= rollout.since else ""
