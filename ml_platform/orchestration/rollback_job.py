"""Rolling back by job: what `ml-platform rollback` does, for who works in Dagster, in the name of who launched the run.

Without `from __future__ import annotations`: Dagster reads the annotations of an op as they stand.
"""

import datetime as dt
from dataclasses import replace
from enum import Enum
from typing import TYPE_CHECKING, Any

import dagster as dg

# Dagster's own, of the pinned version: what its retries leave on a run.
from dagster._core.storage.tags import RETRY_NUMBER_TAG, ROOT_RUN_ID_TAG
from pydantic import Field

from ml_platform.orchestration.console import CONFIG
from ml_platform.orchestration.executor import in_process_or_forkserver
from ml_platform.orchestration.gates import WIDE, measurement_table
from ml_platform.orchestration.hand_on import acting, explained, failed
from ml_platform.orchestration.live_look import AUTOMATIC, ENVIRONMENT, GoBack, Keep, look_at_production
from ml_platform.orchestration.tables import live_facts
from ml_platform.orchestration.wiring import asset_key, tags_of, urgent_tags

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ml_platform.adapters.platform import Platform
    from ml_platform.core.measurement import Measurement
    from ml_platform.policy.load import GovernedModelFile
    from ml_platform.stages.objection import Refused
    from ml_platform.stages.rollback import RolledBack


class Where(Enum):
    """The environments, as Dagster's launchpad offers them."""

    production = "production"
    staging = "staging"


class RollbackConfig(dg.Config):
    """Where to go back, and why."""

    environment: Where = Field(default=Where.production, description="Where to go back to the last good version.")
    reason: str = Field(default="", description="Why; it is written to the audit and stays with the barred version.")
    only_if_proven: bool = Field(
        default=False, description="Look at the traffic first, and go back only when harm is proven; in production."
    )


def rollback_job(file: "GovernedModelFile") -> dg.JobDefinition:
    """Return the job that goes back to the last good version of a model and bars the present one."""
    model = file.spec.model
    blank = {"environment": Where.production.name, "reason": "", "only_if_proven": False}
    asked = {"ops": {f"{model}__rollback": {"config": blank}}}

    @dg.op(name=f"{model}__rollback", tags=tags_of(file.spec))
    def rollback(context: dg.OpExecutionContext, config: RollbackConfig) -> None:
        _roll_back(context, config, file)

    @dg.job(
        name=f"{model}_rollback",
        description="Go back to the last good version of an environment and bar the present one; say why.",
        tags=urgent_tags(file.spec),
        executor_def=in_process_or_forkserver,
        config=CONFIG | asked,  # the launchpad opens with the questions
    )
    def job() -> None:
        rollback()

    return job


def _roll_back(context: dg.OpExecutionContext, config: RollbackConfig, file: "GovernedModelFile") -> None:
    from ml_platform.adapters.platform import open_platform
    from ml_platform.settings import load_settings
    from ml_platform.stages.objection import Refused

    if config.only_if_proven:
        _roll_back_if_proven(context, file)
        return
    with (
        explained(),
        open_platform(load_settings()) as opened,
        acting(opened, context, file, "rollback") as platform,
    ):
        before = _made_before(context, platform, file.spec.model, config.environment.value)
        done = before or _done(context, platform, config, file.spec.model)
        if isinstance(done, Refused):
            raise failed(_refused(file.spec.model, config, done), done.exit_code)
        for problem in platform.project().problems:
            context.log.warning("not shown outside yet, it will be tried again: %s", problem)
        for problem in done.problems:
            context.log.warning("the audit chain is broken: %s; see `ml-platform audit verify`", problem)
        _tell(context, done)


def _done(
    context: dg.OpExecutionContext,
    platform: "Platform",
    config: RollbackConfig,
    model: str,
    *,
    only: int | None = None,
) -> "RolledBack | Refused":
    from ml_platform.stages.rollback import rollback

    return rollback(
        platform.ledger, platform.store, model, config.environment.value,
        actor=platform.settings.actor, reason=config.reason, now=dt.datetime.now(tz=dt.UTC),
        run_id=context.run.run_id, only=only,
    )  # fmt: skip


def _refused(model: str, config: RollbackConfig, refused: "Refused") -> str:
    head = f"{model}: nothing was rolled back in {config.environment.value} ({refused.outcome})"
    return "\n".join([head, WIDE, *(f"✗ {reason}" for reason in refused.reasons), WIDE])


def _tell(context: dg.OpExecutionContext, done: "RolledBack", *, measurements: "Sequence[Measurement]" = ()) -> None:
    """Say what is live now, in the log and on the page of the environment's asset, which would show the barred one."""
    live = done.deployment
    again = f"{live.model} v{live.version} is live in {live.environment} again (by {live.actor}: {live.reason})"
    context.log.info("%s; v%s is barred for good", again, done.barred)
    said: dict[str, Any] = {
        "done": f"v{live.version} is live again, v{done.barred} is barred",
        **live_facts(live),
        "barred version": done.barred,
        "next step": f"Repair what was wrong and release again; v{done.barred} never comes back.",
    }
    if measurements:
        said["measurements"] = dg.MetadataValue.md(measurement_table(measurements))
    context.log_event(
        dg.AssetMaterialization(
            asset_key=asset_key(live.model, live.environment),
            description=f"rolled back: v{done.barred} is barred",
            metadata=said,
            tags={"dagster/data_version": live.evidence_digest},
        )
    )
    context.add_output_metadata(said)


def _roll_back_if_proven(context: dg.OpExecutionContext, file: "GovernedModelFile") -> None:
    """Look again, whatever the run was asked with, and take back what is proven to do harm, in nobody's name."""
    from ml_platform.access.in_run import automatic_actor
    from ml_platform.adapters.platform import open_platform
    from ml_platform.settings import load_settings
    from ml_platform.stages.objection import Refused

    started = dt.datetime.now(tz=dt.UTC)
    with explained(), open_platform(load_settings()) as platform:
        run_id = context.run.run_id
        actor = automatic_actor(platform.settings, platform.ledger, file.spec.model, run_id=run_id, now=started)
        acting_for = replace(platform, settings=replace(platform.settings, actor=actor))
        before = _made_before(context, platform, file.spec.model, ENVIRONMENT)
        if before is not None:
            _finish(context, acting_for, before, started=started)
            return
        found = look_at_production(file, platform, now=started)
        if isinstance(found, Keep):
            raise failed(f"{file.spec.model}: nothing was rolled back in production: {found.reason}", 1)
        config = RollbackConfig(environment=Where.production, reason=found.reason)
        done = _done(context, acting_for, config, file.spec.model, only=found.live.version)
        if isinstance(done, Refused):
            raise failed(_refused(file.spec.model, config, done), done.exit_code)
        platform.project()
        _note(acting_for, done, found, started=started, run_id=run_id)
        _tell(context, done, measurements=found.measurements)


def _made_before(
    context: dg.OpExecutionContext, platform: "Platform", model: str, environment: str
) -> "RolledBack | None":
    """Return the rollback that this run made before it was killed: the attempt after it must not go back further."""
    from ml_platform.stages.rollback import RolledBack

    tags = context.run.tags
    if RETRY_NUMBER_TAG not in tags:
        return None
    first = context.instance.get_run_record_by_id(tags[ROOT_RUN_ID_TAG])
    history = platform.ledger.history(model, environment)[-2:]
    if first is None or len(history) < len(("bad", "good")):
        return None
    bad, good = history
    if good.since < first.create_timestamp or bad.version not in platform.ledger.barred(model):
        return None
    return RolledBack(deployment=good, barred=bad.version)


def _finish(context: dg.OpExecutionContext, platform: "Platform", done: "RolledBack", *, started: dt.datetime) -> None:
    """Show and write down the rollback that this run made before it was killed, unless it did so itself."""
    live = done.deployment
    platform.project()
    last = platform.ledger.last(AUTOMATIC, subject=f"{live.model}@{live.environment}")
    if last is None or last.payload.get("barred") != done.barred:
        found = GoBack(live=live, reason=live.reason, measurements=())
        _note(platform, done, found, started=min(started, live.since), run_id=context.run.run_id)
    _tell(context, done)


def _note(platform: "Platform", done: "RolledBack", found: GoBack, *, started: dt.datetime, run_id: str) -> None:
    """Write down with what evidence, and in how many seconds, the version was taken back."""
    live, now = done.deployment, dt.datetime.now(tz=dt.UTC)
    payload = {
        "barred": done.barred,
        "version": live.version,
        "reason": found.reason,
        "seconds": (now - started).total_seconds(),
        "run_id": run_id,
        "measured": [
            {"metric": one.metric, "value": one.value, "n": one.n, "low": one.low, "high": one.high,
             "evidence": one.facts.get("evidence")}
            for one in found.measurements
        ],
    }  # fmt: skip
    subject = f"{live.model}@{live.environment}"
    platform.ledger.append(AUTOMATIC, actor=platform.settings.actor, subject=subject, payload=payload, at=now)
