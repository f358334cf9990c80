"""Declarative automation: what is looked at by the clock, where no reason has to be weighed or told.

Dagster's own conditions say when: the source once an hour, so that new data are seen without anybody reading them in a
sensor's tick, and feedback once a day, once something is live. Whether a window is due and whether to retrain stay
sensors: they have to say why, also why not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import dagster as dg

from ml_platform.orchestration.wiring import asset_key, tags_of

if TYPE_CHECKING:
    from ml_platform.policy.load import GovernedModelFile
    from ml_platform.policy.spec import Monitoring

HOURLY, DAILY = "@hourly", "@daily"
SECONDS_BETWEEN_TICKS = 60


def source_condition(monitoring: Monitoring | None) -> dg.AutomationCondition[dg.AssetKey] | None:
    """Return when a source is looked at: hourly where new data may start retraining, else in runs only."""
    if monitoring is None or monitoring.retrain_on_expected_gain is None:
        return None
    return by_the_clock(HOURLY)


def feedback_condition() -> dg.AutomationCondition[dg.AssetKey]:
    """Return when feedback is judged: daily, once production was made."""
    return by_the_clock(DAILY) & ~dg.AutomationCondition.any_deps_missing()


def by_the_clock(cron: str) -> dg.AutomationCondition[dg.AssetKey]:
    """Return a condition that holds once after each tick of a clock, whatever lies upstream, and not during a run."""
    condition = dg.AutomationCondition.on_cron(cron).ignore(dg.AssetSelection.all())
    return (condition & ~dg.AutomationCondition.in_progress()).with_label(f"by the clock, {cron}")


def automation_sensor(file: GovernedModelFile, monitoring: Monitoring) -> dg.AutomationConditionSensorDefinition:
    """Return the sensor in which Dagster's daemon evaluates a model's conditions."""
    model = file.spec.model
    names = ("source", "feedback") if source_condition(monitoring) else ("feedback",)
    return dg.AutomationConditionSensorDefinition(
        name=f"{model}_automation_sensor",
        target=dg.AssetSelection.assets(*(asset_key(model, name) for name in names)),
        default_status=dg.DefaultSensorStatus.RUNNING,
        minimum_interval_seconds=SECONDS_BETWEEN_TICKS,
        description=f"Looks by the clock at {' and '.join(names)} of {model}; the conditions stand at the assets.",
        run_tags=tags_of(file.spec),
        tags=tags_of(file.spec),
    )
