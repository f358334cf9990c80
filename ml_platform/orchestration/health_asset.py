"""The health's asset: machine, daemon, service, channels and endings around a model, judged and recorded.

Without `from __future__ import annotations`: Dagster reads the annotations of an op as they stand.
"""

from typing import TYPE_CHECKING

import dagster as dg

from ml_platform.core.digest import digest_of
from ml_platform.core.health import HealthRecord, Seen
from ml_platform.orchestration.hand_on import Product, Results, at_desk, hand_on
from ml_platform.orchestration.run_stage import judge_stage
from ml_platform.orchestration.wiring import Output, wire

if TYPE_CHECKING:
    from ml_platform.orchestration.desk import Desk
    from ml_platform.policy.load import GovernedModelFile

HEALTH = Output(
    name="health",
    record=HealthRecord,
    kinds=frozenset({"python"}),
    about="Is everything well around the model: machine, daemon and sensors, service, channels, and what ends soon?",
)


def health_asset(file: "GovernedModelFile") -> dg.AssetsDefinition:
    """Return the op that looks at the health around a model."""

    @dg.multi_asset(**wire(file, "health", outputs=[HEALTH], deps=["production"]))
    def health(context: dg.AssetExecutionContext) -> Results:
        with at_desk(context, file) as desk:
            yield from hand_on(context, desk, [_judged(desk, _seen(desk, context.instance))])

    return health


def _seen(desk: "Desk", instance: dg.DagsterInstance) -> Seen:
    from ml_platform.orchestration.daemon_state import read_daemon
    from ml_platform.orchestration.health_look import leave_heartbeat, see

    look = leave_heartbeat(desk.platform, by="run", now=desk.now)
    return see(desk.platform, [desk.file], read_daemon(instance, now=desk.now), look)[desk.model]


def _judged(desk: "Desk", seen: Seen) -> Product:
    from ml_platform.stages.health import conditions_of_health, measure_health

    measured = measure_health(seen)
    digest = digest_of([desk.model, desk.run_id, desk.now.isoformat()])
    record = HealthRecord(model=desk.model, digest=digest, at=desk.now, run_id=desk.run_id)
    verdicts = judge_stage(desk, "health", measured, subject=digest, **conditions_of_health(seen))
    return Product(
        name="health", record=record, version=digest, done="looked at", measurements=measured, verdicts=verdicts
    )
