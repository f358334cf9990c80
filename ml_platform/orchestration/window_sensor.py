"""The window sensor: asks which windows are due, and says in its tick which run is requested or why none.

Without `from __future__ import annotations`: Dagster reads the annotations of a sensor as they stand.
"""

import datetime as dt
from typing import TYPE_CHECKING

import dagster as dg

from ml_platform.core.records import WindowRecord
from ml_platform.orchestration.records import read_partitions
from ml_platform.orchestration.wiring import tags_of
from ml_platform.settings import load_settings

if TYPE_CHECKING:
    from ml_platform.adapters.platform import Platform
    from ml_platform.policy.load import GovernedModelFile
    from ml_platform.policy.spec import Monitoring
    from ml_platform.stages.due_windows import Due

WHY_TAG = "ml_platform/why"
SECONDS_BETWEEN_TICKS = 60


def window_sensor(file: "GovernedModelFile", monitoring: "Monitoring") -> dg.SensorDefinition:
    """Return the sensor that requests `<model>_monitor` for each window that is due, once per cause."""
    model = file.spec.model

    def tick(context: dg.SensorEvaluationContext) -> list[dg.RunRequest] | dg.SkipReason:
        due, heard = _due(file, monitoring, context.cursor)
        context.update_cursor(heard)
        if isinstance(due, str):
            return dg.SkipReason(due)
        in_time = due[::-1]  # evidence goes on from window to window, and a check's page shows what was judged last
        for one in in_time:
            context.log.info("%s is requested: %s", f"{model}_monitor", one.reason)
        return [
            dg.RunRequest(run_key=one.cause, partition_key=one.window, tags={WHY_TAG: one.reason}) for one in in_time
        ]

    return dg.SensorDefinition(
        name=f"{model}_window_sensor",
        evaluation_fn=tick,
        job_name=f"{model}_monitor",
        minimum_interval_seconds=SECONDS_BETWEEN_TICKS,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description=(
            f"Asks for {model}_monitor when a {monitoring.window} of traffic has ended, for the two before it once "
            "more, and for an older one when labels have come for its predictions. Each tick says why."
        ),
        tags=tags_of(file.spec),
    )


def _due(file: "GovernedModelFile", monitoring: "Monitoring", heard: str | None) -> "tuple[tuple[Due, ...] | str, str]":
    from ml_platform.adapters.platform import open_platform

    settings = load_settings()
    if not (settings.home / "ledger.sqlite").is_file():
        return "nothing was ever released, so there is nothing to watch", ""
    with open_platform(settings) as platform:
        return due_now(file.spec.model, platform, monitoring, heard=heard, now=dt.datetime.now(tz=dt.UTC))


def due_now(
    model: str, platform: "Platform", monitoring: "Monitoring", *, heard: str | None, now: dt.datetime
) -> "tuple[tuple[Due, ...] | str, str]":
    """Return the windows that are due, or why none is, and how far the labels were looked through.

    `heard` is what the last look returned: as long as no label came since, no window is looked through for one.
    """
    from ml_platform.adapters.labels import LabelStore
    from ml_platform.stages.due_windows import AT_ONCE, due_windows, has_new_labels

    history = platform.ledger.history(model, "production")
    if not history:
        return "nothing was ever live in production: there is no traffic to judge", ""
    collected = read_partitions(platform.home, (model, "traffic"), WindowRecord)
    labels = LabelStore(platform.home)
    said = str(labels.count(model))
    waiting = [one for one in collected if one.labelled < one.predictions] if said != heard else []
    known = list(labels.words(model)) if waiting else []
    labelled = [one for one in waiting if has_new_labels(platform.store, one, known)]
    due = due_windows(
        monitoring, now=now, live_since=history[0].since, collected=collected, labelled_since=labelled
    )  # fmt: skip
    told = "" if len(due) == AT_ONCE else said
    return due or "every window that has ended was judged, and no label has come since for any of them", told
