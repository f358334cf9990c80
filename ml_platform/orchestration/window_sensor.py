"""The window sensor: asks which windows are due, and says in its tick which run is requested or why none.

Without `from __future__ import annotations`: Dagster reads the annotations of a sensor as they stand.
"""

import datetime as dt
from typing import TYPE_CHECKING

import dagster as dg

from ml_platform.core.digest import digest_of
from ml_platform.core.records import WindowRecord
from ml_platform.orchestration.asking_again import CAUSE_TAG, Again, Ended, failed_partitions, next_try
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
        fresh = {} if isinstance(due, str) else {one.window: one for one in due}
        again, ended = _again(context.instance, f"{model}_monitor")
        asked = {window: _request(window, one.cause, one.reason) for window, one in fresh.items()}
        asked = {window: one for window, one in asked.items() if one.tags[CAUSE_TAG] not in ended}
        asked |= {one: tried for one, tried in again.items() if one not in asked or _is_same(asked[one], tried)}
        if not asked:
            return dg.SkipReason("; ".join([*ended.values(), *([due] if isinstance(due, str) else [])]))
        # In time: evidence goes on from window to window, and a check's page shows what was judged last.
        in_time = [asked[window] for window in sorted(asked)]
        for one in in_time:
            context.log.info("%s is requested: %s", f"{model}_monitor", one.tags[WHY_TAG])
        return in_time

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


def _request(window: str, cause: str, why: str, *, key: str | None = None) -> dg.RunRequest:
    return dg.RunRequest(run_key=key or cause, partition_key=window, tags={WHY_TAG: why, CAUSE_TAG: cause})


def _is_same(one: dg.RunRequest, other: dg.RunRequest) -> bool:
    return one.tags[CAUSE_TAG] == other.tags[CAUSE_TAG]


def _again(instance: dg.DagsterInstance, job: str) -> tuple[dict[str, dg.RunRequest], dict[str, str]]:
    """Return the requests by window whose run came to nothing, and why nothing more is asked for by cause."""
    asked, ended = {}, {}
    for window, cause in failed_partitions(instance, job).items():
        tried = next_try(instance, job, cause)
        if isinstance(tried, Again):
            asked[window] = _request(window, cause, f"{window}: {tried.text}", key=tried.key)
        elif isinstance(tried, Ended) and not tried.answered:
            ended[cause] = f"{window}: {tried.text}"
    return asked, ended


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

    `heard` is what the last look returned: as long as no label came since, and no window was collected, perhaps without
    the last one, no window is looked through for labels. A label from the future is waited for.
    """
    from ml_platform.adapters.labels import LabelStore
    from ml_platform.stages.due_windows import AT_ONCE, due_windows, has_new_labels, waits_for_labels

    history = platform.ledger.history(model, "production")
    if not history:
        return "nothing was ever live in production: there is no traffic to judge", ""
    collected = read_partitions(platform.home, (model, "traffic"), WindowRecord)
    labels = LabelStore(platform.home)
    said = digest_of([labels.count(model), [one.digest for one in collected]])
    waiting = [one for one in collected if one.labelled < one.predictions] if said != heard else []
    known = list(labels.words(model)) if waiting else []
    labelled = [one for one in waiting if has_new_labels(platform.store, one, known, now=now)]
    due = due_windows(
        monitoring, now=now, live_since=history[0].since, collected=collected, labelled_since=labelled
    )  # fmt: skip
    told = "" if len(due) == AT_ONCE or waits_for_labels(known, now=now) else said
    return due or "every window that has ended was judged, and no label has come since for any of them", told
