"""The windows' assets: traffic and monitoring, a partition per hour, day or month.

Without `from __future__ import annotations`: Dagster reads the annotations of an op as they stand.
"""

from typing import TYPE_CHECKING, assert_never

import dagster as dg

from ml_platform.core.errors import DataInvalid, Unavailable
from ml_platform.core.measured import Measured
from ml_platform.core.records import FeaturesRecord, MonitoringRecord, WindowRecord
from ml_platform.orchestration.asked import why_asked
from ml_platform.orchestration.hand_on import Results, at_desk, hand_on, product
from ml_platform.orchestration.records import read_partitions, read_record
from ml_platform.orchestration.run_stage import judged
from ml_platform.orchestration.tables import counts
from ml_platform.orchestration.window_pictures import window_pictures
from ml_platform.orchestration.window_story import story_lines, window_story
from ml_platform.orchestration.wiring import Output, wire

if TYPE_CHECKING:
    from pathlib import Path

    from ml_platform.adapters.labels import LabelStore
    from ml_platform.orchestration.desk import Desk
    from ml_platform.policy.load import GovernedModelFile
    from ml_platform.policy.spec import Monitoring
    from ml_platform.stages.periods import Period

ENVIRONMENT = "production"
TRAFFIC = Output(
    name="traffic",
    record=WindowRecord,
    kinds=frozenset({"parquet", "table"}),
    about="A window of production's predictions, joined with the labels that have come for them.",
)
MONITORING = Output(
    name="monitoring",
    record=MonitoringRecord,
    kinds=frozenset({"python"}),
    about="A window held against what the live version was released with: performance, drift of inputs and score.",
)


def partitions_of(monitoring: "Monitoring") -> dg.TimeWindowPartitionsDefinition:
    """Return the windows that are watched, by the names that `stages.periods` reads."""
    from ml_platform.stages.periods import FORMS

    form = FORMS[monitoring.window]
    start = monitoring.start.strftime(form)
    end = monitoring.end.strftime(form) if monitoring.end else None
    match monitoring.window:
        case "hour":
            return dg.HourlyPartitionsDefinition(start_date=start, end_date=end, fmt=form)
        case "day":
            return dg.DailyPartitionsDefinition(start_date=start, end_date=end, fmt=form)
        case "month":
            return dg.MonthlyPartitionsDefinition(start_date=start, end_date=end, fmt=form)
        case kind:
            assert_never(kind)


def window_assets(file: "GovernedModelFile", watched: "Monitoring") -> list[dg.AssetsDefinition]:
    """Return the ops that collect a window of traffic and judge it."""
    partitions = partitions_of(watched)

    @dg.multi_asset(**wire(file, "traffic", outputs=[TRAFFIC], deps=["production"], partitions=partitions))
    def traffic(context: dg.AssetExecutionContext) -> Results:
        from ml_platform.stages.periods import period_named

        with at_desk(context, file) as desk:
            why_asked(context, desk)
            found = _collect(desk, period_named(watched.window, context.partition_key))
            made = judged(desk, "traffic", found, labels=found.record.labelled > 0)
            about = {
                "dagster/row_count": made.record.predictions,
                "labelled": made.record.labelled,
                **{name: count for name, count in made.record.facts.items() if count},
                "versions": counts(made.record.versions, "version"),
            }
            yield from hand_on(context, desk, [product("traffic", made, about)])

    inputs: dict[str, type] = {"traffic": WindowRecord}

    @dg.multi_asset(**wire(file, "monitoring", outputs=[MONITORING], inputs=inputs, partitions=partitions))
    def monitoring(context: dg.AssetExecutionContext, traffic: WindowRecord) -> Results:
        from ml_platform.stages.periods import period_named

        with at_desk(context, file) as desk:
            found = _watch(desk, traffic, period_named(watched.window, traffic.window))
            made = judged(desk, "monitoring", found, labels=found.record.labelled > 0)
            about = {
                "windows": dg.MetadataValue.md(window_pictures(desk, made)),
                "version": made.record.version,
                "labelled": made.record.labelled,
            }
            story = window_story(made.record, made.verdicts)
            yield from hand_on(
                context, desk, [product("monitoring", made, about, headline=story)],
                hints=story_lines(made.record, made.verdicts),
            )  # fmt: skip

    return [traffic, monitoring]


def _collect(desk: "Desk", period: "Period") -> Measured[WindowRecord]:
    from ml_platform.adapters.labels import LabelStore
    from ml_platform.adapters.traffic_log import read_columns, traffic_folder
    from ml_platform.stages.window import collect_window

    home = desk.platform.home
    folder = traffic_folder(home, ENVIRONMENT, desk.model)
    labels = LabelStore(home)
    _compact(desk, folder, labels)
    seen = read_columns(folder, period.start, period.end, keys=desk.platform.keys)
    if seen.torn:
        desk.say(f"{seen.torn} torn or altered lines of the traffic log were left out")
    return collect_window(
        desk.model, ENVIRONMENT, period, predictions=seen.tables, words=labels.words(desk.model),
        torn=seen.torn, store=desk.platform.store, now=desk.now,
    )  # fmt: skip


def _compact(desk: "Desk", folder: "Path", labels: "LabelStore") -> None:
    """Put what is finished of traffic and labels into columns; what can't be is said and read as it is."""
    from ml_platform.adapters.compact_traffic import compact

    try:
        for problem in compact(folder, keys=desk.platform.keys).problems:
            desk.say(f"not compacted: {problem}")
    except (DataInvalid, Unavailable) as error:
        desk.say(f"the traffic log wasn't compacted: {error}")
    try:
        labels.compact(desk.model)
    except (DataInvalid, Unavailable) as error:
        desk.say(f"the labels weren't compacted: {error}")


def _watch(desk: "Desk", window: WindowRecord, period: "Period") -> Measured[MonitoringRecord]:
    from ml_platform.sources.column_names import column_names
    from ml_platform.stages.causes import Upstream
    from ml_platform.stages.monitor import monitor_window
    from ml_platform.stages.reference import read_reference

    live = desk.champion()
    if live is None:
        message = (
            f"{desk.model}: nothing is live in production, so there is nothing to hold {window.window} against; run "
            f"the job {desk.model}_promote first"
        )
        raise DataInvalid(message)
    home, reference = desk.platform.home, read_reference(desk.spec, desk.platform.store, live)
    features = read_record(home, (desk.model, "features"), FeaturesRecord, live.candidate.features_digest)
    return monitor_window(
        desk.spec, store=desk.platform.store, window=window, period=period, live=live, reference=reference,
        earlier=read_partitions(home, (desk.model, "monitoring"), MonitoringRecord),
        upstream=Upstream(
            lineage=features.lineage if features else {},
            importance=reference.importance,
            columns_of=lambda: column_names(desk.spec),
        ),
    )  # fmt: skip
