"""A broken model's stand-in: the other models load, and this one is shown with everything that is wrong with it.

Without `from __future__ import annotations`: Dagster reads the annotations of an op as they stand.
"""

import re
from pathlib import Path

import dagster as dg

from ml_platform.core.errors import PolicyInvalid
from ml_platform.orchestration.console import CONFIG
from ml_platform.orchestration.executor import in_process_or_forkserver
from ml_platform.orchestration.records import RECORDS, RECORDS_KEY
from ml_platform.orchestration.wiring import MODEL_TAG, asset_key

BROKEN_TAG = "ml_platform/broken"


def broken_model(path: Path, error: PolicyInvalid) -> dg.Definitions:
    """Return an asset `<model>/source` and a job `<model>_release` that fail with the problems of the file."""
    name = re.sub(r"[^A-Za-z0-9_]", "_", path.absolute().parent.name)
    tags = {MODEL_TAG: name, BROKEN_TAG: "true"}
    problems = "\n".join(error.problems)
    text = f"{name}: the model file is broken, so nothing of it runs. Correct it, then reload.\n{problems}"
    told = f"**Broken.** {text}".replace("\n", "\n\n")

    @dg.multi_asset(
        name=f"{name}__broken",
        specs=[
            dg.AssetSpec(
                asset_key(name, "source"),
                description=told,
                group_name=f"{name}_is_broken",  # what the graph shows before anything is opened
                kinds={"broken"},
                tags=tags,
            ).with_io_manager_key(RECORDS_KEY)
        ],
    )
    def broken(context: dg.AssetExecutionContext) -> None:
        context.log.error(text)
        raise dg.Failure(description=text, allow_retries=False)

    job = dg.define_asset_job(
        f"{name}_release",
        selection=dg.AssetSelection.assets(asset_key(name, "source")),
        description=told,
        tags=tags,
        executor_def=in_process_or_forkserver,
        config=CONFIG,
    )
    return dg.Definitions(assets=[broken], jobs=[job], resources={RECORDS_KEY: RECORDS})
