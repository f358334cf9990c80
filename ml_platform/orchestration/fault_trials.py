"""Fault trials of a model: the job that CI can run, and the same for the command line.

Without `from __future__ import annotations`: Dagster reads the annotations of an op as they stand.
"""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import dagster as dg

from ml_platform.core.fault_trial import FaultTrial, caught_share
from ml_platform.core.records import QuarantineRecord, SnapshotRecord, SplitRecord
from ml_platform.orchestration.console import CONFIG
from ml_platform.orchestration.executor import in_process_or_forkserver
from ml_platform.orchestration.hand_on import REFUSED, acting, explained, failed
from ml_platform.orchestration.records import read_record
from ml_platform.orchestration.wiring import tags_of

if TYPE_CHECKING:
    import datetime as dt

    from ml_platform.adapters.platform import Platform
    from ml_platform.policy.load import GovernedModelFile

ROWS = 2000
SEED = 1
AT_LEAST = 0.5


class FaultsConfig(dg.Config):
    """How the trials are made, and the share of the planted faults that has to be caught, or even `stopped`."""

    at_least: float = AT_LEAST
    stopped: bool = False
    rows: int = ROWS
    seed: int = SEED
    kinds: list[str] = []  # noqa: RUF012 - pydantic copies it


def trials(
    file: "GovernedModelFile", platform: "Platform", *, rows: int, seed: int, kinds: Sequence[str], now: "dt.datetime"
) -> Iterator[FaultTrial]:
    """Plant faults into the rows of a model's newest snapshot, or of its source, and say what catches each."""
    from ml_platform.stages.faults.catalogue import FAULTS
    from ml_platform.stages.faults.rows import rows_to_try
    from ml_platform.stages.faults.trials import prepare, try_faults

    model = file.spec.model
    snapshot = read_record(platform.home, (model, "snapshot"), SnapshotRecord)
    split = read_record(platform.home, (model, "split"), SplitRecord)
    quarantine = read_record(platform.home, (model, "quarantine"), QuarantineRecord)
    own = rows_to_try(file.spec, platform.store, snapshot, split, quarantine)
    ground = prepare(file, own, size=rows, seed=seed, now=now)
    yield from try_faults(ground, kinds or tuple(FAULTS), seed=seed)


def faults_job(file: "GovernedModelFile") -> dg.JobDefinition:
    """Return the job that tries faults on a model's own data and fails when too few are caught."""
    model = file.spec.model

    @dg.op(name=f"{model}__faults", tags=tags_of(file.spec))
    def faults(context: dg.OpExecutionContext, config: FaultsConfig) -> None:
        _try(context, config, file)

    @dg.job(
        name=f"{model}_faults",
        description="Plant every kind of fault into the model's own data and see which gates catch it.",
        tags=tags_of(file.spec),
        executor_def=in_process_or_forkserver,
        config=CONFIG,
    )
    def job() -> None:
        faults()

    return job


def _try(context: dg.OpExecutionContext, config: FaultsConfig, file: "GovernedModelFile") -> None:
    import datetime as dt

    from ml_platform.adapters.platform import open_platform
    from ml_platform.reports.fault_matrix import caught_text, matrix_lines, matrix_table
    from ml_platform.settings import load_settings

    with (
        explained(),
        open_platform(load_settings()) as opened,
        acting(opened, context, file, "faults") as platform,
    ):
        now = dt.datetime.now(tz=dt.UTC)
        found = tuple(
            trials(file, platform, rows=config.rows, seed=config.seed, kinds=config.kinds, now=now)
        )  # fmt: skip
        context.log.info("\n".join(matrix_lines(found)))
        share = caught_share(found, stopped=config.stopped)
        context.add_output_metadata({"faults": dg.MetadataValue.md(matrix_table(found)), "caught": share})
        if share is None or share < config.at_least:
            needed = f"{caught_text(found)}; needed: at least {config.at_least:.0%}"
            raise failed(
                f"{file.spec.model}: REFUSED at faults: {needed}; tighten the lines that the log names", REFUSED
            )
