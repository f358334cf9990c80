"""The deployments' assets: staging and production, each one atomic pointer behind the promotion lock.

Without `from __future__ import annotations`: Dagster reads the annotations of an op as they stand.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import dagster as dg

from ml_platform.core.errors import DataInvalid
from ml_platform.core.records import DeploymentRecord, ReleaseRecord
from ml_platform.orchestration.deploying import Deployed, Wish, deploy
from ml_platform.orchestration.gates import WIDE
from ml_platform.orchestration.hand_on import Product, at_desk, failed, hand_on
from ml_platform.orchestration.retrain_sensor import TRIGGER_TAG
from ml_platform.orchestration.tables import live_facts
from ml_platform.orchestration.wiring import Output, wire
from ml_platform.stages.objection import Refused

if TYPE_CHECKING:
    from ml_platform.orchestration.desk import Desk
    from ml_platform.policy.load import GovernedModelFile

STAGING = Output(
    name="staging",
    record=DeploymentRecord,
    kinds=frozenset({"deployment"}),
    about="What is live in staging: behind the promotion lock, verified with real requests, bit for bit.",
)
PRODUCTION = Output(
    name="production",
    record=DeploymentRecord,
    kinds=frozenset({"deployment"}),
    about="What is live in production; a version that fails its check there is rolled back and barred.",
)


class DeployConfig(dg.Config):
    """What a run may ask of a deployment: another version, why, a service that runs already, or a second look."""

    version: int | None = None
    reason: str | None = None
    url: str | None = None
    verify_again: bool = False


def staging_asset(file: "GovernedModelFile") -> dg.AssetsDefinition:
    """Return the op that brings the release to staging."""

    @dg.multi_asset(**wire(file, "staging", outputs=[STAGING], inputs={"release": ReleaseRecord}))
    def staging(
        context: dg.AssetExecutionContext, config: DeployConfig, release: ReleaseRecord
    ) -> Iterator[dg.MaterializeResult[Any]]:
        with at_desk(context, file) as desk:
            yield from _deploy(context, desk, "staging", config, release.version)

    return staging


def production_asset(file: "GovernedModelFile") -> dg.AssetsDefinition:
    """Return the op that brings to production what staging holds."""

    @dg.multi_asset(**wire(file, "production", outputs=[PRODUCTION], deps=["staging"]))
    def production(context: dg.AssetExecutionContext, config: DeployConfig) -> Iterator[dg.MaterializeResult[Any]]:
        with at_desk(context, file) as desk:
            live = desk.platform.ledger.live(desk.model, "staging")
            yield from _deploy(context, desk, "production", config, live.version if live else None)

    return production


def _deploy(
    context: dg.AssetExecutionContext, desk: "Desk", environment: str, config: DeployConfig, version: int | None
) -> Iterator[dg.MaterializeResult[Any]]:
    wish = Wish(
        release=_release(desk, environment, version if config.version is None else config.version),
        environment=environment,
        reason=config.reason or _reason(context.run),
        url=config.url,
        verify_again=config.verify_again,
    )
    done = deploy(desk, wish)
    if isinstance(done, Refused):
        raise failed(_locked(desk, wish, done), done.exit_code)
    if done.rollout is not None:
        context.log.info(
            "v%s is tried beside v%s now; %s_rollout says how it goes", done.rollout.version, done.rollout.champion,
            desk.model,
        )  # fmt: skip
    yield from hand_on(context, desk, [_product(wish, done)], hints=[done.after] if done.after else [])


def _reason(run: dg.DagsterRun) -> str:
    trigger = run.tags.get(TRIGGER_TAG)
    return f"{run.job_name} because of {trigger}" if trigger else f"run {run.run_id} of {run.job_name}"


def _release(desk: "Desk", environment: str, version: int | None) -> ReleaseRecord:
    found = desk.platform.ledger.release(desk.model, version) if version is not None else None
    if found is None:
        known = ", ".join(f"v{one.version}" for one in desk.platform.ledger.releases(desk.model)) or "none"
        seen = f"v{version} isn't registered" if version is not None else "nothing is live in staging"
        message = (
            f"{desk.model}: {seen}, so there is nothing to bring to {environment}; registered: {known}; run the job "
            f"{desk.model}_release first"
        )
        raise DataInvalid(message)
    return found


def _locked(desk: "Desk", wish: Wish, refused: Refused) -> str:
    version = f"{desk.model}: v{wish.release.version}"
    live = desk.platform.ledger.live(desk.model, wish.environment)
    if live is not None and live.version == wish.release.version:
        head = f"{version} is and stays live in {wish.environment}, but the lock would not open now ({refused.outcome})"
    else:
        head = f"{version} is NOT live in {wish.environment}, the lock stays closed ({refused.outcome})"
    return "\n".join([head, WIDE, *(f"✗ {reason}" for reason in refused.reasons), WIDE])


def _product(wish: Wish, done: Deployed) -> Product:
    deployment = done.deployment
    tried = {"on trial": f"v{done.rollout.version} ({done.rollout.strategy})"} if done.rollout else {}
    return Product(
        name=wish.environment,
        record=deployment,
        version=deployment.evidence_digest,
        unchanged=done.unchanged,
        done="live",
        measurements=done.measurements,
        verdicts=done.verdicts,
        metadata={**live_facts(deployment), **tried},
    )
