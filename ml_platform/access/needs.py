"""Needs: every mutation of the pinned Dagster version, and which actions on which models it comes to.

A mutation that isn't listed is denied to everybody; a test compares the list with Dagster's schema.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from ml_platform.access.actions import Action
from ml_platform.access.targets import (
    PARTITION_SET,
    UNKNOWN,
    Target,
    Targets,
    models_of,
    of_assets,
    of_backfill,
    of_job,
    of_run,
    of_selector,
    selected_keys,
)

if TYPE_CHECKING:
    from dagster._core.workspace.context import BaseWorkspaceRequestContext as Context

Arguments = Mapping[str, Any]
Need = Callable[["Context", Arguments], Targets]


def _always(action: Action) -> Need:
    return lambda _context, _arguments: (Target(action, None),)


def _launch(context: Context, arguments: Arguments) -> Targets:
    return of_selector(context, arguments["executionParams"]["selector"])


def _launch_many(context: Context, arguments: Arguments) -> Targets:
    wanted = arguments["executionParamsList"]
    return tuple(target for one in wanted for target in of_selector(context, one["selector"])) or UNKNOWN


def _launch_again(context: Context, arguments: Arguments) -> Targets:
    """Ask for both ways of saying it at once: whichever Dagster follows is covered."""
    found: list[Target] = []
    if (said := arguments.get("executionParams")) is not None:
        found += of_selector(context, said["selector"])
    if (said := arguments.get("reexecutionParams")) is not None:
        found += of_run(context, said["parentRunId"])
    return tuple(found) or UNKNOWN


def _launch_backfill(context: Context, arguments: Arguments) -> Targets:
    said = arguments["backfillParams"]
    found: list[Target] = []
    if keys := selected_keys(said.get("assetSelection")):
        found += of_assets(keys)
    if parts := said.get("partitionsByAssets"):
        found += of_assets(selected_keys(one["assetKey"] for one in parts))
    if (chosen := said.get("selector")) is not None:
        where = chosen["repositorySelector"]
        job = chosen["partitionSetName"].removesuffix(PARTITION_SET)
        found += of_job(context, where["repositoryLocationName"], where["repositoryName"], job)
    return tuple(found) or UNKNOWN


def _backfill(context: Context, arguments: Arguments) -> Targets:
    return of_backfill(context, arguments["backfillId"])


def _backfill_again(context: Context, arguments: Arguments) -> Targets:
    said = arguments.get("reexecutionParams")
    return UNKNOWN if said is None else of_backfill(context, said["parentRunId"])


def _stop_backfill(context: Context, arguments: Arguments) -> Targets:
    return models_of(_backfill(context, arguments), Action.STOP_RUNS)


def _stop(context: Context, arguments: Arguments) -> Targets:
    return models_of(of_run(context, arguments["runId"]), Action.STOP_RUNS)


def _stop_many(context: Context, arguments: Arguments) -> Targets:
    found = [target for run_id in arguments["runIds"] for target in of_run(context, run_id)]
    return models_of(found, Action.STOP_RUNS) or UNKNOWN


def _sensor(argument: str) -> Need:
    """Return the need of what is done to a sensor `<model>_retrain_sensor`."""

    def need(_context: Context, arguments: Arguments) -> Targets:
        model, found, _ = str(arguments[argument]["sensorName"]).partition("_retrain_sensor")
        return (Target(Action.OPERATE, model if found else None),)

    return need


OPERATE, FALSIFY, ADMINISTER = map(_always, (Action.OPERATE, Action.FALSIFY, Action.ADMINISTER))
NEEDS: Mapping[str, Need] = MappingProxyType(
    {
        "launchRun": _launch,
        "launchPipelineExecution": _launch,
        "launchMultipleRuns": _launch_many,
        "launchRunReexecution": _launch_again,
        "launchPipelineReexecution": _launch_again,
        "launchPartitionBackfill": _launch_backfill,
        "resumePartitionBackfill": _backfill,
        "reexecutePartitionBackfill": _backfill_again,
        "cancelPartitionBackfill": _stop_backfill,
        "terminateRun": _stop,
        "terminatePipelineExecution": _stop,
        "terminateRuns": _stop_many,
        "startSensor": _sensor("sensor_selector"),
        "resetSensor": _sensor("sensor_selector"),
        "setSensorCursor": _sensor("sensor_selector"),
        "sensorDryRun": _sensor("selector_data"),
        "stopSensor": OPERATE,  # it names the sensor by an id only
        "startSchedule": OPERATE,
        "stopRunningSchedule": OPERATE,
        "resetSchedule": OPERATE,
        "scheduleDryRun": OPERATE,
        "setAutoMaterializePaused": OPERATE,
        "reloadRepositoryLocation": _always(Action.RELOAD_CODE),
        "reloadWorkspace": ADMINISTER,
        "shutdownRepositoryLocation": ADMINISTER,
        "setConcurrencyLimit": ADMINISTER,
        "deleteConcurrencyLimit": ADMINISTER,
        "freeConcurrencySlots": ADMINISTER,
        "freeConcurrencySlotsForRun": ADMINISTER,
        "deleteRun": FALSIFY,
        "deletePipelineRun": FALSIFY,
        "wipeAssets": FALSIFY,
        "reportRunlessAssetEvents": FALSIFY,
        "reportAssetCheckEvaluations": FALSIFY,
        "addDynamicPartition": FALSIFY,
        "deleteDynamicPartitions": FALSIFY,
        "setAppManagedComponent": FALSIFY,
        "deleteAppManagedComponent": FALSIFY,
        "refreshComponentState": FALSIFY,
        "logTelemetry": FALSIFY,
        "setNuxSeen": FALSIFY,
    }
)
