"""The windows' assets: traffic and monitoring, a partition per month.

Without `from __future__ import annotations`: Dagster reads the annotations of an op as they stand.
"""

from typing import TYPE_CHECKING

import dagster as dg

from ml_platform.core.errors import DataInvalid, Unavailable
from ml_platform.core.measured import Measured
from ml_platform.core.records import MonitoringRecord, WindowRecord
from ml_platform.orchestration.hand_on import Results, at_desk, hand_on, product
from ml_platform.orchestration.run_stage import judged
from ml_platform.orchestration.tables import counts
from ml_platform.orchestration.wiring import Output, wire

if TYPE_CHECKING:
    from pathlib import Path

    from ml_platform.orchestration.desk import Desk
    from ml_platform.policy.load import GovernedModelFile
    from ml_platform.policy.spec import Monitoring

MONTH = "%Y-%m"
ENVIRONMENT = "production"
TRAFFIC = Output(
    name="traffic",
    record=WindowRecord,
    kinds=frozenset({"parquet", "table"}),
    about="A month of production's predictions, joined with the labels that have come for them.",
)
MONITORING = Output(
    name="monitoring",
    record=MonitoringRecord,
    kinds=frozenset({"python"}),
    about="A month held against what the live version was released with: performance, drift of inputs and score.",
)


def months(monitoring: "Monitoring") -> dg.MonthlyPartitionsDefinition:
    """Return the months that are watched, written as `2013-06`."""
    end = monitoring.end.strftime(MONTH) if monitoring.end else None
    return dg.MonthlyPartitionsDefinition(start_date=monitoring.start.strftime(MONTH), end_date=end, fmt=MONTH)


def window_assets(file: "GovernedModelFile", watched: "Monitoring") -> list[dg.AssetsDefinition]:
    """Return the ops that collect a window of traffic and judge it."""
    partitions = months(watched)

    @dg.multi_asset(**wire(file, "traffic", outputs=[TRAFFIC], deps=["production"], partitions=partitions))
    def traffic(context: dg.AssetExecutionContext) -> Results:
        with at_desk(context, file) as desk:
            found = _collect(desk, context.partition_key)
            made = judged(desk, "traffic", found, labels=found.record.labelled > 0)
            about = {
                "dagster/row_count": made.record.predictions,
                "labelled": made.record.labelled,
                "versions": counts(made.record.versions, "version"),
            }
            yield from hand_on(context, desk, [product("traffic", made, about)])

    inputs: dict[str, type] = {"traffic": WindowRecord}

    @dg.multi_asset(**wire(file, "monitoring", outputs=[MONITORING], inputs=inputs, partitions=partitions))
    def monitoring(context: dg.AssetExecutionContext, traffic: WindowRecord) -> Results:
        with at_desk(context, file) as desk:
            found = _watch(desk, traffic)
            made = judged(desk, "monitoring", found, labels=found.record.labelled > 0)
            about = {"version": made.record.version, "labelled": made.record.labelled}
            yield from hand_on(context, desk, [product("monitoring", made, about)])

    return [traffic, monitoring]


def _collect(desk: "Desk", month: str) -> Measured[WindowRecord]:
    from ml_platform.adapters.labels import LabelStore
    from ml_platform.adapters.traffic_log import read, traffic_folder
    from ml_platform.stages.window import collect_window
    from ml_platform.stages.window import month as period_of

    period, home = period_of(month), desk.platform.home
    folder = traffic_folder(home, ENVIRONMENT, desk.model)
    _compact(desk, folder)
    seen = read(folder, period.start, period.end, keys=desk.platform.keys)
    if seen.torn:
        desk.say(f"{seen.torn} torn or altered lines of the traffic log were left out")
    known = {name: label.label for name, label in LabelStore(home).read(desk.model).by_prediction.items()}
    return collect_window(
        desk.model, ENVIRONMENT, period, predictions=seen.predictions, labels=known, store=desk.platform.store
    )


def _compact(desk: "Desk", folder: "Path") -> None:
    """Put what the service has finished writing into files of days; what can't be is said and read as it is."""
    from ml_platform.adapters.compact_traffic import compact

    try:
        done = compact(folder, keys=desk.platform.keys)
    except (DataInvalid, Unavailable) as error:
        desk.say(f"the traffic log wasn't compacted: {error}")
        return
    for problem in done.problems:
        desk.say(f"not compacted: {problem}")


def _watch(desk: "Desk", window: WindowRecord) -> Measured[MonitoringRecord]:
    from ml_platform.stages.monitor import monitor_window
    from ml_platform.stages.reference import read_reference
    from ml_platform.stages.window import month

    live = desk.champion()
    if live is None:
        message = (
            f"{desk.model}: nothing is live in production, so there is nothing to hold {window.window} against; run "
            f"the job {desk.model}_promote first"
        )
        raise DataInvalid(message)
    return monitor_window(
        desk.spec, store=desk.platform.store, window=window, period=month(window.window), live=live,
        reference=read_reference(desk.spec, desk.platform.store, live),
    )  # fmt: skip
