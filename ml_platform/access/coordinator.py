"""The queue of the guarded web server: it writes into each run who launched it, whatever the request said."""

from __future__ import annotations

from typing import TYPE_CHECKING

# Dagster's own, of the pinned version: documented for this purpose, exported from here only.
from dagster._core.run_coordinator import QueuedRunCoordinator

from ml_platform.access.context import NOBODY, GuardedRequestContext
from ml_platform.access.seal import launcher_tags
from ml_platform.settings import load_settings

if TYPE_CHECKING:
    from dagster import DagsterRun
    from dagster._core.run_coordinator import SubmitRunContext


class SealingQueue(QueuedRunCoordinator):
    """Dagster's queue; a run's tags say, under a seal, who launched it."""

    def submit_run(self, context: SubmitRunContext) -> DagsterRun:
        """Write who launched the run over anything that stands there, and queue it."""
        run_id, workspace = context.dagster_run.run_id, context.workspace
        person = workspace.person if isinstance(workspace, GuardedRequestContext) else NOBODY
        self._instance.add_run_tags(run_id, launcher_tags(load_settings().home, run_id, person.name))
        return super().submit_run(context)
