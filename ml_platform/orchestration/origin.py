"""Where a run belongs: without its code location the UI shows a run neither in its timeline nor beside its job."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

# Dagster's own, of the pinned version; it exports no way to say this of a run that is executed in this process.
from dagster._core.definitions.repository_definition import SINGLETON_REPOSITORY_NAME
from dagster._core.remote_origin import ManagedGrpcPythonEnvCodeLocationOrigin, RemoteRepositoryOrigin
from dagster._core.storage.tags import REPOSITORY_LABEL_TAG
from dagster._core.types.loadable_target_origin import LoadableTargetOrigin

if TYPE_CHECKING:
    from dagster import DagsterInstance

LOCATION = "ml_platform"  # as workspace.yaml names it
MODULE = "ml_platform.definitions"


def repository() -> RemoteRepositoryOrigin:
    """Return the repository that workspace.yaml loads."""
    target = LoadableTargetOrigin(executable_path=sys.executable, module_name=MODULE, working_directory=str(Path.cwd()))
    location = ManagedGrpcPythonEnvCodeLocationOrigin(target, location_name=LOCATION)
    return RemoteRepositoryOrigin(location, SINGLETON_REPOSITORY_NAME)


def origin_tags() -> dict[str, str]:
    """Return the tag by which the UI finds the runs of a job."""
    return {REPOSITORY_LABEL_TAG: repository().get_label()}


def locate(instance: DagsterInstance, run_id: str) -> None:
    """Write down which code location a run belongs to, as the UI does for the runs it launches."""
    run = instance.get_run_by_id(run_id)
    if run is not None:
        instance.run_storage.replace_job_origin(run, repository().get_job_origin(run.job_name))
