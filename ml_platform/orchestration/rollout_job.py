"""The rollout job: looks at the version that is tried beside the live one and does what follows, readable in the UI.

Without `from __future__ import annotations`: Dagster reads the annotations of an op as they stand.
"""

import datetime as dt
from typing import TYPE_CHECKING

import dagster as dg

from ml_platform.core.errors import DataInvalid
from ml_platform.orchestration.console import CONFIG
from ml_platform.orchestration.executor import in_process_or_forkserver
from ml_platform.orchestration.gates import WIDE
from ml_platform.orchestration.hand_on import acting, explained, failed
from ml_platform.orchestration.tables import live_facts
from ml_platform.orchestration.wiring import asset_key, described, owner_of, tags_of, urgent_tags

if TYPE_CHECKING:
    from ml_platform.orchestration.desk import Desk
    from ml_platform.orchestration.rolling_out import Rolled
    from ml_platform.policy.load import GovernedModelFile

ENVIRONMENT = "production"


def rollout_asset(file: "GovernedModelFile") -> dg.AssetSpec:
    """Return the asset that shows what is tried: every look with its numbers, and how it ended."""
    spec = file.spec
    return dg.AssetSpec(
        asset_key(spec.model, "rollout"),
        deps=[asset_key(spec.model, "production")],
        description=described(spec, "A version on trial beside the live one: what each look measured and decided."),
        group_name=spec.model,
        owners=[owner_of(spec)],
        kinds={"deployment"},
        tags=tags_of(spec),
    )


def rollout_job(file: "GovernedModelFile") -> dg.JobDefinition:
    """Return the job that looks at a model's rollout: the proven version goes live, the worse one is barred."""
    model = file.spec.model

    @dg.op(name=f"{model}__rollout", tags=tags_of(file.spec))
    def rollout(context: dg.OpExecutionContext) -> None:
        _roll(context, file)

    @dg.job(
        name=f"{model}_rollout",
        description="Look at the version on trial: what is proven goes live through the lock, what is worse is barred.",
        tags=urgent_tags(file.spec),
        executor_def=in_process_or_forkserver,
        config=CONFIG,
    )
    def job() -> None:
        rollout()

    return job


def _roll(context: dg.OpExecutionContext, file: "GovernedModelFile") -> None:
    from ml_platform.adapters.platform import open_platform
    from ml_platform.orchestration.desk import Desk
    from ml_platform.orchestration.rolling_out import roll
    from ml_platform.settings import load_settings

    now = dt.datetime.now(tz=dt.UTC)
    with (
        explained(),
        open_platform(load_settings()) as opened,
        acting(opened, context, file, "rollout") as platform,
    ):
        desk = Desk(file=file, platform=platform, now=now, run_id=context.run.run_id, say=context.log.info)
        found = platform.ledger.rollout(file.spec.model, ENVIRONMENT)
        if found is None:
            message = f"{file.spec.model}: no version is on trial in {ENVIRONMENT}; promote one, then run this again"
            raise DataInvalid(message)
        done = roll(desk, found)
        _tell(context, desk, done)
    if done.refused is not None:
        reasons = [WIDE, *(f"✗ {reason}" for reason in done.refused.reasons), WIDE]
        raise failed("\n".join([f"{file.spec.model}: {done.done}", *reasons]), done.refused.exit_code)
    if done.deployed is not None and done.deployed.after:
        raise failed(f"{file.spec.model}: v{found.version} failed its check where it runs; {done.done}", 1)


def _tell(context: dg.OpExecutionContext, desk: "Desk", done: "Rolled") -> None:
    """Say what was seen and done, in the log, on the rollout's page, and on production's if that is another now."""
    from ml_platform.orchestration.rollout_page import rollout_page  # brings the statistics

    rollout, decision = done.rollout, done.look.decision
    context.log.info("%s: %s\n%s", desk.model, done.done, "\n".join(f"    {each}" for each in decision.reasons))
    context.log_event(
        dg.AssetMaterialization(
            asset_key=asset_key(desk.model, "rollout"), description=done.done, metadata=rollout_page(desk, done),
            tags={"dagster/data_version": rollout.rollout_id},
        )
    )  # fmt: skip
    if done.deployed is not None:
        live = desk.platform.ledger.live(desk.model, ENVIRONMENT) or done.deployed.deployment
        context.log_event(
            dg.AssetMaterialization(
                asset_key=asset_key(desk.model, ENVIRONMENT), description=done.done, metadata=live_facts(live),
                tags={"dagster/data_version": live.evidence_digest},
            )
        )  # fmt: skip
    context.add_output_metadata({"done": done.done})
