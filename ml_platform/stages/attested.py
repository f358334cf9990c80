"""Attested: what a signed bundle says, if it is signed by the platform and its parts are of each other."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

import msgspec

from ml_platform.core.digest import canonical_json, digest_of_bytes, short
from ml_platform.core.dsse import Envelope, read_envelope
from ml_platform.core.errors import DataInvalid, Unavailable
from ml_platform.core.ports import ArtefactStore
from ml_platform.core.records import Evidence, ReleaseRecord
from ml_platform.core.signing import Verifier, why_not_signed
from ml_platform.policy.resolve import Policy, parse_content
from ml_platform.stages.attest import FILE, KIND, PAYLOAD
from ml_platform.stages.evidence import evidence_content
from ml_platform.stages.examine import examine_evidence
from ml_platform.stages.objection import Objection
from ml_platform.stages.statements import Making, provenance_of, summary_of

RELEASE_AGAIN = "release again"


@dataclass(frozen=True, slots=True, kw_only=True)
class Attested:
    """What was signed: the evidence with the policy it was made under, and how the candidate was made."""

    evidence: Evidence
    policy: Policy
    making: Making


def read_attested(content: bytes, verifier: Verifier, where: str) -> Attested:
    """Read a bundle; raises DataInvalid unless the platform signed it and every part is the one that others name."""
    lines = content.split(b"\n")
    if len(lines) != 3 or lines[2]:
        raise DataInvalid(
            f"{where}: it has {len(lines) - 1} signed lines, 2 are needed: restore it, or {RELEASE_AGAIN}"
        )
    envelopes = [read_envelope(line, where) for line in lines[:2]]
    provenance, summary = (_statement(envelope, where) for envelope in envelopes)
    try:
        attested = _parsed(provenance, summary)
    except (msgspec.MsgspecError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise DataInvalid(f"{where}: it isn't signed evidence ({type(error).__name__}): {RELEASE_AGAIN}") from error
    for envelope in envelopes:
        why = why_not_signed(verifier, envelope.message, envelope.signature, at=attested.evidence.made_at)
        if why:
            raise DataInvalid(f"{where}: {why}: restore it, or {RELEASE_AGAIN}")
    said = json.loads(evidence_content(attested.evidence))
    first = provenance_of(attested.evidence, attested.making, said)
    second = summary_of(
        attested.evidence,
        attested.policy,
        said,
        platform=attested.making.platform,
        provenance=digest_of_bytes(lines[0]),
    )
    for envelope, statement in zip(envelopes, (first, second), strict=True):
        if canonical_json(statement).encode() != envelope.payload:
            raise DataInvalid(f"{where}: what was signed doesn't fit together: {RELEASE_AGAIN}")
    return attested


def attested_problems(attested: Attested) -> list[str]:
    """Return every verdict that doesn't follow from its measurements and the policy, or stops the path."""
    evidence = attested.evidence
    found = examine_evidence(attested.policy, evidence, evidence.candidate, holds=frozenset(), now=evidence.made_at)
    return [objection.reason for objection in found]


def bundle_objections(
    store: ArtefactStore, verifier: Verifier, release: ReleaseRecord, evidence: Evidence
) -> list[Objection]:
    """Return what stands against a version because its evidence isn't signed as it is judged."""
    what = f"{release.model} v{release.version}"
    if not release.bundle_digest:
        return [Objection(f"the evidence of {what} isn't signed, as it was made before evidence was: {RELEASE_AGAIN}")]
    where = f"the signed bundle {short(release.bundle_digest)} of {what}"
    try:
        content = store.read(KIND, release.bundle_digest, FILE)
        if digest_of_bytes(content) != release.bundle_digest:
            return [Objection(f"{where}: its content was altered: restore it, or {RELEASE_AGAIN}")]
        attested = read_attested(content, verifier, where)
    except (DataInvalid, Unavailable) as error:
        return [Objection(str(error))]
    if attested.evidence != evidence or attested.making.released_by != release.released_by:
        return [Objection(f"{where}: what was signed isn't the evidence of this version: {RELEASE_AGAIN}")]
    return []


def is_attested(store: ArtefactStore, verifier: Verifier, release: ReleaseRecord, evidence: Evidence) -> bool:
    """Say whether nothing stands against the signature of a version's evidence."""
    return not bundle_objections(store, verifier, release, evidence)


def _statement(envelope: Envelope, where: str) -> Mapping[str, object]:
    try:
        said = json.loads(envelope.payload)
    except ValueError:
        said = None
    if envelope.payload_type != PAYLOAD or not isinstance(said, dict):
        raise DataInvalid(f"{where}: it isn't an in-toto statement: {RELEASE_AGAIN}")
    return said


def _parsed(provenance: Mapping[str, object], summary: Mapping[str, object]) -> Attested:
    made = msgspec.convert(provenance["predicate"], type=_Predicate)
    said = msgspec.convert(summary["predicate"], type=dict[str, object])
    return Attested(
        evidence=msgspec.json.decode(msgspec.json.encode(said["ml_platform_evidence"]), type=Evidence),
        policy=parse_content(said["ml_platform_policy"]),
        making=Making(
            released_by=made.details.people["released_by"],
            run_id=made.details.metadata["invocationId"],
            platform=made.details.builder.version["ml-platform"],
            training=made.definition.parameters["training"],
        ),
    )


class _Builder(msgspec.Struct):
    version: dict[str, str]


class _RunDetails(msgspec.Struct):
    builder: _Builder
    metadata: dict[str, str]
    people: dict[str, str] = msgspec.field(name="ml_platform_people")


class _Definition(msgspec.Struct):
    parameters: dict[str, dict[str, object]] = msgspec.field(name="internalParameters")


class _Predicate(msgspec.Struct):
    definition: _Definition = msgspec.field(name="buildDefinition")
    details: _RunDetails = msgspec.field(name="runDetails")
