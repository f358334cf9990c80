"""The dossier's asset: the newest version for an auditor, from what the ledger and the store hold.

Without `from __future__ import annotations`: Dagster reads the annotations of an op as they stand.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import dagster as dg

from ml_platform.core.errors import Unavailable
from ml_platform.core.records import DossierRecord, EvidencePart, ReleaseRecord
from ml_platform.orchestration.hand_on import Product, Results, at_desk, hand_on
from ml_platform.orchestration.wiring import Output, wire
from ml_platform.policy.stages import STAGES

if TYPE_CHECKING:
    from ml_platform.core.measured import Measured
    from ml_platform.core.records import DeploymentRecord, Evidence
    from ml_platform.orchestration.desk import Desk
    from ml_platform.policy.load import GovernedModelFile
    from ml_platform.reports.dossier import Dossier, Standing

ENVIRONMENTS = ("staging", "production")
DOSSIER = Output(
    name="dossier",
    record=DossierRecord,
    kinds=frozenset({"html"}),
    about="The newest version for an auditor: what makes it, who let it through, what every control was judged to be.",
)


def dossier_asset(file: "GovernedModelFile") -> dg.AssetsDefinition:
    """Return the op that writes the dossier, after the deployments that its run makes."""

    @dg.multi_asset(**wire(file, "dossier", outputs=[DOSSIER], deps=("cost", *ENVIRONMENTS)))
    def dossier(context: dg.AssetExecutionContext) -> Results:
        from ml_platform.reports.dossier import write_dossier

        with at_desk(context, file) as desk:
            told = _dossier(desk)
            yield from hand_on(context, desk, [_product(desk, told, write_dossier(told, desk.platform.store))])

    return dossier


def _dossier(desk: "Desk") -> "Dossier":
    from ml_platform.reports.dossier import make_dossier
    from ml_platform.stages.changes import changes_between, earlier_version
    from ml_platform.stages.evidence import read_evidence

    released = desk.platform.ledger.releases(desk.model)
    if not released:
        message = f"{desk.model}: no version is registered, a dossier needs one; run the job {desk.model}_release first"
        raise Unavailable(message)
    release, store, ledger = released[-1], desk.platform.store, desk.platform.ledger
    evidence = read_evidence(store, release.evidence_digest)
    return make_dossier(
        spec=desk.spec, policy=desk.policy, store=store, release=release, evidence=evidence,
        standing=_standing(desk, release), parts=_parts(desk, release, evidence), now=desk.now,
        changes=changes_between(store, ledger, release, earlier_version(store, ledger, release)),
    )  # fmt: skip


def _standing(desk: "Desk", release: ReleaseRecord) -> "Standing":
    from ml_platform.reports.dossier import Barred, Standing

    ledger, model, version = desk.platform.ledger, desk.model, release.version
    live = {environment: ledger.live(model, environment) for environment in ENVIRONMENTS}
    return Standing(
        approvals=tuple(one for where in ENVIRONMENTS for one in ledger.approvals(model, version, where)),
        deployments=tuple(
            one for where in ENVIRONMENTS for one in ledger.history(model, where) if one.version == version
        ),
        live_in=tuple(where for where, one in live.items() if one and one.version == version),
        barred=tuple(Barred(version=which, reason=why) for which, why in sorted(ledger.barred(model).items())),
    )


def _parts(desk: "Desk", release: ReleaseRecord, evidence: "Evidence") -> Mapping[str, EvidencePart | None]:
    """Return the verdicts that are about this version: those it was released with, then those on its life since."""
    ledger, digest = desk.platform.ledger, release.candidate.digest
    found: dict[str, EvidencePart | None] = {part.stage: part for part in evidence.parts}
    found |= {where: ledger.part(desk.model, where, digest, desk.policy.digest) for where in ("cost", *ENVIRONMENTS)}
    history = list(ledger.history(desk.model, "production"))
    for stage in (stage for stage in STAGES if stage not in found):
        part = ledger.latest_part(desk.model, stage)
        found[stage] = part if part and _live_then(history, part) == release.version else None
    return found


def _live_then(history: "list[DeploymentRecord]", part: EvidencePart) -> int | None:
    """Return the version that was live in production when something was judged there."""
    before = [one.version for one in history if one.since <= part.made_at]
    return before[-1] if before else None


def _product(desk: "Desk", told: "Dossier", made: "Measured[DossierRecord]") -> Product:
    from ml_platform.reports.dossier import control_rows
    from ml_platform.reports.markdown import table

    files = {form: desk.platform.home / name for form, name in made.record.files.items()}
    return Product(
        name="dossier",
        record=made.record,
        version=made.record.digest,
        unchanged=made.unchanged,
        done="written",
        metadata={
            "version": made.record.version,
            **{form: dg.MetadataValue.path(str(path)) for form, path in files.items()},
            **{f"controls {state.replace('_', ' ')}": count for state, count in told.counts.items()},
            "controls": dg.MetadataValue.md(table(("state", "control", "gates", "why"), control_rows(told))),
            "missing": "\n".join(told.missing) or "nothing",
        },
    )
