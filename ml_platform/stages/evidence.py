"""Evidence: the verdicts over exactly one candidate under exactly one policy, bound by digests."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import msgspec

from ml_platform.core.digest import digest_of_bytes, short
from ml_platform.core.errors import DataInvalid
from ml_platform.core.ports import ArtefactStore, Ledger
from ml_platform.core.records import SCHEMA_VERSION, Candidate, Evidence, EvidencePart
from ml_platform.core.verdict import Outcome, Verdict
from ml_platform.policy.resolve import Policy
from ml_platform.stages.objection import Objection

KIND = "evidence"
FILE = "evidence.json"
STAGES = ("source", "snapshot", "quarantine", "split", "features", "model", "evaluation", "release")


@dataclass(frozen=True, slots=True, kw_only=True)
class Missing:
    """Why a candidate has no evidence that would let it through."""

    objections: tuple[Objection, ...]


def part_of(
    stage: str,
    subject_digest: str,
    policy: Policy,
    verdicts: Sequence[Verdict],
    *,
    conditions: Iterable[str],
    now: dt.datetime,
    run_id: str = "",
) -> EvidencePart:
    """Bind the verdicts of a stage to what they are about, and to the policy, conditions and time of the judgement."""
    return EvidencePart(
        stage=stage,
        subject_digest=subject_digest,
        policy_digest=policy.digest,
        conditions=tuple(sorted(conditions)),
        verdicts=tuple(verdicts),
        made_at=now,
        run_id=run_id,
    )


def record_once(ledger: Ledger, model: str, part: EvidencePart) -> None:
    """Record verdicts, unless the newest ones over the same subject say the same under the same conditions."""
    before = ledger.part(model, part.stage, part.subject_digest, part.policy_digest)
    if before is None or (before.verdicts, before.conditions) != (part.verdicts, part.conditions):
        ledger.record_part(model, part)


def subjects_of(candidate: Candidate) -> Mapping[str, str]:
    """Return which digest the verdicts of each stage have to be about."""
    return {
        "source": candidate.source_digest,
        "snapshot": candidate.snapshot_digest,
        "quarantine": candidate.snapshot_digest,
        "split": candidate.split_digest,
        "features": candidate.features_digest,
        "model": candidate.model_digest,
        "evaluation": candidate.evaluation_digest,
        "release": candidate.digest,
    }


def assemble_evidence(
    policy: Policy, *, ledger: Ledger, candidate: Candidate, trained_by: str, now: dt.datetime
) -> Evidence | Missing:
    """Put the newest verdicts of every stage together, or say which are missing or closed."""
    objections: list[Objection] = []
    parts: list[EvidencePart] = []
    for stage, subject in subjects_of(candidate).items():
        if not policy.gates_of(stage):
            continue
        part = ledger.part(candidate.model, stage, subject, policy.digest)
        objections += part_objections(policy, stage, part)
        if part is not None:
            parts.append(part)
    if objections:
        return Missing(objections=tuple(objections))
    return Evidence(
        candidate=candidate, policy_digest=policy.digest, parts=tuple(parts), made_at=now, trained_by=trained_by
    )


def part_objections(policy: Policy, stage: str, part: EvidencePart | None) -> list[Objection]:
    """Return what is missing or closed among the verdicts of a stage."""
    found: dict[str, list[Verdict]] = {}
    for verdict in part.verdicts if part else ():
        found.setdefault(verdict.gate, []).append(verdict)
    objections = []
    for gate in policy.gates_of(stage):
        verdicts = found.pop(gate, [])
        if not verdicts:
            objections.append(Objection(_never_ran(gate, stage, policy), undecided=True))
        elif len(verdicts) > 1:
            objections.append(Objection(f"gate {gate} has {len(verdicts)} verdicts, needs one: run {stage} again"))
        elif verdicts[0].closes:
            objections.append(closed(verdicts[0]))
    objections += [Objection(f"gate {gate} isn't one of the policy's gates on {stage}") for gate in found]
    return objections


def closed(verdict: Verdict) -> Objection:
    """Say why a verdict closes the path and what can be done."""
    reason = f"gate {verdict.gate} {verdict.outcome}: {verdict.reason}. {verdict.next_step}"
    return Objection(reason, undecided=verdict.outcome is Outcome.UNDECIDED)


def write_evidence(store: ArtefactStore, evidence: Evidence) -> str:
    """Keep the evidence as evidence.json under the SHA-256 of its bytes and return that digest."""
    content = evidence_content(evidence)
    digest = digest_of_bytes(content)
    store.put(KIND, digest, {FILE: content})
    return digest


def evidence_content(evidence: Evidence) -> bytes:
    """Return the bytes that evidence is kept as: those that reading and writing leave as they are."""
    once = msgspec.json.encode(evidence)
    return msgspec.json.encode(msgspec.json.decode(once, type=Evidence))


def read_evidence(store: ArtefactStore, digest: str) -> Evidence:
    """Read evidence back; raises DataInvalid unless it is exactly what was written, Unavailable when it is gone."""
    content = store.read(KIND, digest, FILE)
    where = f"evidence {short(digest)}"
    if digest_of_bytes(content) != digest:
        raise DataInvalid(f"{where}: its content was altered; it has to be what was released. Release again.")
    try:
        evidence = msgspec.json.decode(content, type=Evidence)
    except msgspec.MsgspecError as error:
        raise DataInvalid(f"{where}: not an evidence bundle ({error}). Release again.") from error
    if evidence.schema_version != SCHEMA_VERSION:
        message = f"{where}: schema version {evidence.schema_version}, known: {SCHEMA_VERSION}. Update the platform."
        raise DataInvalid(message)
    if msgspec.json.encode(evidence) != content:
        raise DataInvalid(f"{where}: it holds more than an evidence bundle does. Release again.")
    return evidence


def _never_ran(gate: str, stage: str, policy: Policy) -> str:
    return (
        f"gate {gate} ({stage}) never ran on this candidate under the current policy ({short(policy.digest)}): "
        "run the release job"
    )
