"""The release's asset: the candidate's last measurements, its evidence, its registration - or the refusal.

Without `from __future__ import annotations`: Dagster reads the annotations of an op as they stand.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import dagster as dg

from ml_platform.core.digest import short
from ml_platform.core.errors import Unavailable
from ml_platform.core.records import (
    EvaluationRecord,
    FeaturesRecord,
    ModelRecord,
    ReleaseRecord,
    SnapshotRecord,
    SourceFingerprint,
    SplitRecord,
)
from ml_platform.orchestration.gates import check_results
from ml_platform.orchestration.hand_on import Product, at_desk, hand_on, refused_at, what_it_took
from ml_platform.orchestration.records import read_record
from ml_platform.orchestration.tables import facts_table
from ml_platform.orchestration.wiring import Output, asset_key, wire
from ml_platform.stages.objection import Refused

if TYPE_CHECKING:
    from ml_platform.orchestration.desk import Desk
    from ml_platform.policy.load import GovernedModelFile
    from ml_platform.stages.ingredients import Ingredients
    from ml_platform.stages.release import ReleaseMade

RELEASE = Output(
    name="release",
    record=ReleaseRecord,
    kinds=frozenset({"mlflow", "sqlite"}),
    about="A registered version: exactly this candidate with the evidence of every gate, under exactly this policy.",
)
UPSTREAM: dict[str, type] = {
    "snapshot": SnapshotRecord,
    "split": SplitRecord,
    "features": FeaturesRecord,
    "model": ModelRecord,
    "evaluation": EvaluationRecord,
}


def release_asset(file: "GovernedModelFile") -> dg.AssetsDefinition:
    """Return the op that registers a candidate whose gates are all open."""

    @dg.multi_asset(**wire(file, "release", outputs=[RELEASE], inputs=UPSTREAM))
    def release(  # noqa: PLR0917  (the records that make a candidate, by name)
        context: dg.AssetExecutionContext,
        snapshot: SnapshotRecord,
        split: SplitRecord,
        features: FeaturesRecord,
        model: ModelRecord,
        evaluation: EvaluationRecord,
    ) -> Iterator[dg.MaterializeResult[Any] | dg.AssetCheckResult]:
        from ml_platform.stages.ingredients import Ingredients

        with at_desk(context, file) as desk:
            parts = Ingredients(
                source=_source(desk, snapshot), snapshot=snapshot, split=split, features=features, model=model,
                evaluation=evaluation,
            )  # fmt: skip
            yield from _register(context, desk, parts)

    return release


def _source(desk: "Desk", snapshot: SnapshotRecord) -> SourceFingerprint:
    found = read_record(desk.platform.home, (desk.model, "source"), SourceFingerprint, snapshot.source_digest)
    if found is None:
        message = (
            f"{desk.model}: nothing is known of the source {short(snapshot.source_digest)} that the snapshot was taken "
            "from; its fingerprint belongs to the evidence; materialise `source` and `snapshot` again"
        )
        raise Unavailable(message)
    return found


def _register(
    context: dg.AssetExecutionContext, desk: "Desk", parts: "Ingredients"
) -> Iterator[dg.MaterializeResult[Any] | dg.AssetCheckResult]:
    made = _make(desk, parts)
    for problem in made.problems:
        context.log.warning(problem)
    if isinstance(made.outcome, Refused):
        what_it_took(desk, ())
        # Only the verdicts: a refused candidate has no release to hand on.
        yield from check_results(made.verdicts, asset_key(desk.model, "release"))
        raise refused_at(desk, "release", made.verdicts, hints=made.outcome.reasons)
    else:
        yield from hand_on(context, desk, [_registered(desk, made, made.outcome)])


def _make(desk: "Desk", parts: "Ingredients") -> "ReleaseMade":
    from ml_platform.stages.release import make_release

    platform = desk.platform
    return make_release(
        desk.spec, desk.policy, store=platform.store, ledger=platform.ledger, tracker=platform.tracker,
        signing=platform.signing, ingredients=parts, actor=desk.actor, now=desk.now, run_id=desk.run_id,
    )  # fmt: skip


def _registered(desk: "Desk", made: "ReleaseMade", release: ReleaseRecord) -> Product:
    from ml_platform.reports.change_log import change_log_markdown
    from ml_platform.stages.changes import changes_between, earlier_version

    store, ledger = desk.platform.store, desk.platform.ledger
    log = changes_between(store, ledger, release, earlier_version(store, ledger, release))
    return Product(
        name="release",
        record=release,
        version=release.evidence_digest,
        unchanged=made.unchanged,
        done="registered",
        measurements=made.measurements,
        verdicts=made.verdicts,
        metadata={
            "version": release.version,
            "evidence": release.evidence_digest,
            "policy": release.policy_digest,
            "released by": release.released_by,
            "candidate": facts_table(release.candidate, "part"),
            "changes": dg.MetadataValue.md(change_log_markdown(log)),
        },
    )
