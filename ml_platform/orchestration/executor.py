"""The executor: every step in one process, or one process per step when the run asks for it.

A step costs a process start. Children are therefore forked from a server that has imported what each of them would
import again: this code location and the parts of Dagster that open its instance.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import dagster as dg

PRELOAD = (
    "dagster._cli",
    "ml_platform.orchestration.history",
    "dagster._core.storage.local_compute_log_manager",
    "dagster._core.storage.root",
    "dagster._core.run_coordinator.queued_run_coordinator",
    "dagster._core.launcher.default_run_launcher",
    "dagster._core.scheduler.scheduler",
    "alembic.config",
    "alembic.command",
    "sqlalchemy.dialects.sqlite",
    "ml_platform.definitions",
)

_CHOICE = dg.Field(
    dg.Selector(  # type: ignore[no-untyped-call]
        {
            "in_process": dg.Field({}, description="Every step in the run's own process."),
            "multiprocess": dg.Field(
                {
                    "max_concurrent": dg.Field(
                        dg.Noneable(int), default_value=None, description="Processes at a time; default: one per core."
                    )
                },
                description="One process per step, forked from a server that has everything imported.",
            ),
        }
    ),
    default_value={"in_process": {}},
)


@dg.configured(dg.multi_or_in_process_executor, config_schema=_CHOICE)
def in_process_or_forkserver(config: Mapping[str, Any]) -> dict[str, object]:
    """Run the steps in one process, or with `execution: {config: {multiprocess: {}}}` each in its own."""
    if "multiprocess" not in config:
        return {"in_process": {}}
    forked = {"forkserver": {"preload_modules": list(PRELOAD)}}
    return {"multiprocess": {"max_concurrent": config["multiprocess"]["max_concurrent"], "start_method": forked}}
