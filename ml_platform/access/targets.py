"""Targets: which actions on which models a job, a selection of assets, a run or a backfill comes to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dagster import AssetKey

# Dagster's own, of the pinned version: what it raises when a code location can't be asked.
from dagster._core.errors import DagsterCodeLocationLoadError, DagsterCodeLocationNotFoundError

from ml_platform.access.actions import Action
from ml_platform.access.assets import needed

if TYPE_CHECKING:
    from dagster._core.workspace.context import BaseWorkspaceRequestContext as Context

PARTITION_SET = "_partition_set"
IMPLICIT = "__ASSET_JOB"


@dataclass(frozen=True, slots=True, order=True)
class Target:
    """An action on a model; on None it concerns the platform, or nobody knows which model."""

    action: Action
    model: str | None


# What can't be told apart is for nobody.
UNKNOWN = (Target(Action.FALSIFY, None),)
Targets = Sequence[Target]


def of_assets(keys: Iterable[AssetKey]) -> Targets:
    """Return what making these assets comes to."""
    found = {Target(needed(key.path[1]), key.path[0]) if len(key.path) == 2 else UNKNOWN[0] for key in keys}
    return tuple(sorted(found, key=str)) or UNKNOWN


def of_job(context: Context, location: str, repository: str, job: str) -> Targets:
    """Return what running a whole job comes to: all of its assets, or what a job of one op is named after."""
    try:
        code = context.get_code_location(location)
    except (DagsterCodeLocationNotFoundError, DagsterCodeLocationLoadError):
        return UNKNOWN
    if not code.has_repository(repository) or not code.get_repository(repository).has_job(job):
        return UNKNOWN
    keys = code.get_repository(repository).get_asset_keys_in_job(job)
    if keys:
        return of_assets(keys)
    model, _, name = job.rpartition("_")
    return (Target(needed(name), model),)


def of_selector(context: Context, selector: Mapping[str, Any]) -> Targets:
    """Return what a launch by GraphQL comes to: the assets it selects, else its whole job."""
    keys = selected_keys(selector.get("assetSelection"))
    keys += selected_keys(check["assetKey"] for check in selector.get("assetCheckSelection") or ())
    if keys:
        return of_assets(keys)
    job = selector.get("jobName") or selector.get("pipelineName") or ""
    return of_job(context, selector["repositoryLocationName"], selector["repositoryName"], job)


def selected_keys(said: Iterable[Mapping[str, Any]] | None) -> list[AssetKey]:
    """Return GraphQL's asset keys as Dagster's."""
    return [AssetKey(list(key["path"])) for key in said or ()]


def of_run(context: Context, run_id: str) -> Targets:
    """Return what running a run again comes to."""
    run = context.instance.get_run_by_id(run_id)
    if run is None:
        return UNKNOWN
    if run.asset_selection:
        return of_assets(run.asset_selection)
    origin = run.remote_job_origin
    if origin is None:
        return UNKNOWN
    repository = origin.repository_origin
    return of_job(context, origin.location_name, repository.repository_name, run.job_name)


def of_backfill(context: Context, backfill_id: str) -> Targets:
    """Return what a backfill comes to."""
    backfill = context.instance.get_backfill(backfill_id)
    if backfill is None:
        return UNKNOWN
    if backfill.asset_selection:
        return of_assets(backfill.asset_selection)
    origin = backfill.partition_set_origin
    if origin is None:
        return UNKNOWN
    location = origin.repository_origin.code_location_origin.location_name
    job = origin.partition_set_name.removesuffix(PARTITION_SET)
    return of_job(context, location, origin.repository_origin.repository_name, job)


def models_of(targets: Targets, action: Action) -> Targets:
    """Return another action on the same models; where the model is unknown, on all."""
    return tuple(dict.fromkeys(Target(action, target.model) for target in targets))
