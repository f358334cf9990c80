"""The cost's asset: what the run's stages took, judged per run and kept apart from the evidence of the candidate.

Without `from __future__ import annotations`: Dagster reads the annotations of an op as they stand.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import dagster as dg

from ml_platform.core.measurement import Measurement
from ml_platform.core.records import ReleaseRecord
from ml_platform.core.spent import CostRecord
from ml_platform.core.verdict import Verdict
from ml_platform.orchestration.hand_on import Product, Results, at_desk, hand_on
from ml_platform.orchestration.records import read_record
from ml_platform.orchestration.run_stage import judge_stage
from ml_platform.orchestration.wiring import Output, wire

if TYPE_CHECKING:
    from ml_platform.orchestration.desk import Desk
    from ml_platform.policy.load import GovernedModelFile

COST = Output(
    name="cost",
    record=CostRecord,
    kinds=frozenset({"python"}),
    about="What the stages of the run took: CPU time, wall time, peak memory and cost, held against earlier runs.",
)


def cost_asset(file: "GovernedModelFile") -> dg.AssetsDefinition:
    """Return the op that judges what a run took, up to the release it ended in."""

    @dg.multi_asset(**wire(file, "cost", outputs=[COST], inputs={"release": ReleaseRecord}))
    def cost(context: dg.AssetExecutionContext, release: ReleaseRecord) -> Results:
        with at_desk(context, file) as desk:
            yield from hand_on(context, desk, [_remembered(desk, release) or _judged(desk, release)])

    return cost


def _remembered(desk: "Desk", release: ReleaseRecord) -> Product | None:
    """Return what is known of a candidate that this run only recalled, if it was judged under this policy."""
    from ml_platform.stages.cost import made_anything, stages_of

    candidate = release.candidate.digest
    if made_anything(stages_of(desk.platform.spent.read(desk.model), desk.run_id)):
        return None
    record = read_record(desk.platform.home, (desk.model, "cost"), CostRecord)
    part = desk.platform.ledger.part(desk.model, "cost", candidate, desk.policy.digest)
    if record is None or part is None or record.candidate_digest != candidate:
        return None
    # Two gates may have judged the same measurement.
    used = {(one.metric, one.subject): one for verdict in part.verdicts for one in verdict.measurements}
    return _product(record, list(used.values()), part.verdicts, unchanged=True)


def _judged(desk: "Desk", release: ReleaseRecord) -> Product:
    from ml_platform.stages.cost import are_limited, measure_cost, stages_of

    history, candidate = desk.platform.spent.read(desk.model), release.candidate.digest
    run = stages_of(history, desk.run_id)
    found = measure_cost(desk.spec, run, history, candidate=candidate, prices=desk.file.prices)
    metrics = {one.metric for one in found.measurements}
    # Stages that only remembered have no limit to keep; a run that wasn't measured isn't proven to have kept any.
    limits = "share_of_limit" in metrics or (not run and are_limited(desk.spec))
    verdicts = judge_stage(
        desk, "cost", found.measurements, subject=candidate,
        cost_history="stage_cpu_ratio" in metrics, limits=limits,
    )  # fmt: skip
    return _product(found.record, found.measurements, verdicts)


def _product(
    record: CostRecord, measurements: Sequence[Measurement], verdicts: Sequence[Verdict], *, unchanged: bool = False
) -> Product:
    from ml_platform.reports.cost import stage_table

    about: dict[str, Any] = {"stages": dg.MetadataValue.md(stage_table(record))}
    if record.cost is not None:
        about |= {"run_cost": record.cost, "currency": record.currency}
    return Product(
        name="cost", record=record, version=record.digest, done="measured", measurements=measurements,
        verdicts=verdicts, metadata=about, unchanged=unchanged,
    )  # fmt: skip
