"""The dossier of a version: what makes it, who let it through, and what every control was judged to be.

Purpose, owner and risk class are the model file's; everything else is what the ledger and the store hold. What they
don't hold is named.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from ml_platform.core.change_log import ChangeLog
from ml_platform.core.digest import digest_of, digest_of_bytes
from ml_platform.core.measured import Measured
from ml_platform.core.ports import Approval, ArtefactStore
from ml_platform.core.records import DeploymentRecord, DossierRecord, Evidence, EvidencePart, ReleaseRecord
from ml_platform.core.verdict import Outcome, Verdict
from ml_platform.policy.resolve import Policy
from ml_platform.policy.spec import ModelSpec
from ml_platform.policy.states import ControlState, control_states
from ml_platform.reports.dossier_missing import kept_under, missing_parts
from ml_platform.reports.write import drawing_digest

KIND = "dossiers"
FILES = {"html": "dossier.html", "json": "dossier.json"}
SCHEMA_VERSION = 1
_DECIDING = {
    "enforced": Outcome.PASSED,
    "violated": Outcome.FAILED,
    "undecided": Outcome.UNDECIDED,
    "waived": Outcome.WAIVED,
    "not_applicable": Outcome.NOT_APPLICABLE,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Barred:
    """A version that may not go live any more, and why."""

    version: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What the ledger holds of a version beyond its evidence: who approved it, where it was and is live, who is barred.

    `deployments` are this version's, `live_in` names where it is live now, `barred` are the model's versions.
    """

    approvals: tuple[Approval, ...] = ()
    deployments: tuple[DeploymentRecord, ...] = ()
    live_in: tuple[str, ...] = ()
    barred: tuple[Barred, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """One part of the candidate by digest; `path`, relative to the platform's home, is empty when nothing is kept."""

    name: str
    digest: str
    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Waived:
    """A waiver of the policy: who lets which gate open, why, and until when."""

    gate: str
    owner: str
    reason: str
    expires: dt.date


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgedGate:
    """One gate of a control; `verdict` is None when there is none on this version under this policy."""

    gate: str
    stage: str
    severity: str
    decides: bool
    verdict: Verdict | None


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgedControl:
    """One control with its state, why it is so, and its gates, those first that decided."""

    id: str
    area: str
    title: str
    state: str
    reason: str
    gates: tuple[JudgedGate, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Dossier:
    """Everything that a dossier says; `missing` names, in words, what isn't there."""

    schema_version: int = SCHEMA_VERSION
    model: str
    purpose: str
    owner: str
    risk_class: str
    release: ReleaseRecord
    candidate_digest: str
    pieces: tuple[Piece, ...]
    trained_by: str
    policy_digest: str
    packs: tuple[str, ...]
    approvals_needed: Mapping[str, int]
    standing: Standing
    waivers: tuple[Waived, ...]
    controls: tuple[JudgedControl, ...]
    missing: tuple[str, ...]
    changes: ChangeLog | None = None

    @property
    def counts(self) -> dict[str, int]:
        """Return how many controls are in each state."""
        return dict(Counter(control.state for control in self.controls))

    @property
    def silent(self) -> tuple[str, ...]:
        """Return the controls for which no gate speaks."""
        return tuple(control.id for control in self.controls if control.state == "no_gate")


def make_dossier(
    *,
    spec: ModelSpec,
    policy: Policy,
    store: ArtefactStore,
    release: ReleaseRecord,
    evidence: Evidence,
    standing: Standing,
    parts: Mapping[str, EvidencePart | None],
    now: dt.datetime,
    changes: ChangeLog | None = None,
) -> Dossier:
    """Put a version's dossier together; `parts` holds, by stage, the verdicts that are about this version.

    `changes` says what is new in it, against the version that it followed.
    """
    candidate = release.candidate
    pieces = tuple(
        _piece(item.name.removesuffix("_digest"), getattr(candidate, item.name), store)
        for item in dataclasses.fields(candidate)
        if item.name != "model"
    )
    return Dossier(
        model=spec.model,
        purpose=spec.purpose,
        owner=spec.owner,
        risk_class=spec.risk_class.value,
        release=release,
        candidate_digest=candidate.digest,
        pieces=(*pieces, _piece("evidence", release.evidence_digest, store)),
        trained_by=evidence.trained_by,
        policy_digest=policy.digest,
        packs=policy.packs,
        approvals_needed=dict(policy.approvals),
        standing=standing,
        waivers=tuple(
            Waived(gate=one.gate, owner=one.owner, reason=one.reason, expires=one.expires) for one in policy.waivers
        ),
        controls=tuple(_judged(state, policy, parts) for state in control_states(policy, parts)),
        missing=missing_parts(policy=policy, store=store, release=release, evidence=evidence, parts=parts, now=now),
        changes=changes,
    )


def _piece(name: str, digest: str, store: ArtefactStore) -> Piece:
    return Piece(name=name.replace("_", " "), digest=digest, path=kept_under(name, digest, store))


def _judged(state: ControlState, policy: Policy, parts: Mapping[str, EvidencePart | None]) -> JudgedControl:
    found = [_gate(name, policy, parts) for name in state.gates]
    blocking = [one for one in found if one.severity == "block"] or found
    deciding = _DECIDING.get(state.state)
    gates = [replace(one, decides=one in blocking and _outcome(one) is deciding) for one in found]
    return JudgedControl(
        id=state.id,
        area=state.area,
        title=state.title,
        state=state.state,
        reason=state.reason,
        gates=tuple(sorted(gates, key=lambda one: not one.decides)),
    )


def _gate(name: str, policy: Policy, parts: Mapping[str, EvidencePart | None]) -> JudgedGate:
    gate = policy.gates[name]
    part = parts.get(gate.stage)
    said = part.verdicts if part and part.policy_digest == policy.digest else ()
    verdict = next((one for one in said if one.gate == name and one.policy_digest == policy.digest), None)
    # All measurements are in the evidence; the dossier needs the one that decided.
    kept = replace(verdict, measurements=()) if verdict else None
    return JudgedGate(gate=name, stage=gate.stage, severity=gate.severity, decides=False, verdict=kept)


def _outcome(gate: JudgedGate) -> Outcome:
    return gate.verdict.outcome if gate.verdict else Outcome.UNDECIDED


def dossier_bytes(dossier: Dossier) -> bytes:
    """Return the dossier as JSON, the same bytes for the same content."""
    import msgspec

    return msgspec.json.format(msgspec.json.encode(dossier, order="deterministic"), indent=1)


def control_rows(dossier: Dossier) -> Sequence[tuple[str, str, str, str]]:
    """Return state, control, gates and reason of every control, for a table."""
    return [
        (one.state.replace("_", " "), one.id, ", ".join(gate.gate for gate in one.gates) or "none", one.reason)
        for one in dossier.controls
    ]


def write_dossier(dossier: Dossier, store: ArtefactStore) -> Measured[DossierRecord]:
    """Write a dossier; the same content again is the dossier that is there already."""
    from ml_platform.reports.dossier_html import dossier_page

    told = dossier_bytes(dossier)
    digest = digest_of({"content": digest_of_bytes(told), "drawing": drawing_digest()})
    record = DossierRecord(
        model=dossier.model,
        version=dossier.release.version,
        digest=digest,
        files={form: f"{KIND}/{digest}/{name}" for form, name in FILES.items()},
        controls={control.id: control.state for control in dossier.controls},
    )
    if store.has(KIND, digest):
        return Measured(record=record, measurements=(), unchanged=True)
    pages = {FILES["html"]: dossier_page(dossier).encode(), FILES["json"]: told}
    return Measured(record=record, measurements=(), unchanged=not store.put(KIND, digest, pages))
