"""What a dossier can't show, in words: artefacts that are gone, stages without verdicts, a policy that has changed."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping

from ml_platform.core.digest import short
from ml_platform.core.ports import ArtefactStore
from ml_platform.core.records import Evidence, EvidencePart, ReleaseRecord
from ml_platform.policy.resolve import Policy

KINDS = {
    "snapshot": "snapshots",
    "split": "splits",
    "features": "features",
    "model": "models",
    "evaluation": "evaluations",
    "evidence": "evidence",
}


def kept_under(name: str, digest: str, store: ArtefactStore) -> str:
    """Return the folder of a candidate's part relative to the platform's home; empty when there is none."""
    kind = KINDS.get(name.removesuffix("_digest"))
    return f"{kind}/{digest}" if kind and digest and store.has(kind, digest) else ""


def missing_parts(
    *,
    policy: Policy,
    store: ArtefactStore,
    release: ReleaseRecord,
    evidence: Evidence,
    parts: Mapping[str, EvidencePart | None],
    now: dt.datetime,
) -> tuple[str, ...]:
    """Return what is missing, one sentence each."""
    return (
        *_unnamed(release, evidence),
        *_gone(release, store),
        *_another_policy(policy, release),
        *_unjudged(policy, parts),
        *_expired(policy, now),
    )


def _unnamed(release: ReleaseRecord, evidence: Evidence) -> Iterator[str]:
    if not release.candidate.git_commit:
        yield "The git commit of the training isn't known."
    if not evidence.trained_by:
        yield "Who trained the model isn't known."


def _gone(release: ReleaseRecord, store: ArtefactStore) -> Iterator[str]:
    digests = {name: getattr(release.candidate, f"{name}_digest", release.evidence_digest) for name in KINDS}
    for name, digest in digests.items():
        if not kept_under(name, digest, store):
            yield f"The {name} {short(digest)} isn't in the store any more."


def _another_policy(policy: Policy, release: ReleaseRecord) -> Iterator[str]:
    if release.policy_digest != policy.digest:
        yield (
            f"The version was released under policy {short(release.policy_digest)}, now {short(policy.digest)} holds: "
            "its verdicts don't count under that."
        )


def _unjudged(policy: Policy, parts: Mapping[str, EvidencePart | None]) -> Iterator[str]:
    for stage in dict.fromkeys(gate.stage for gate in policy.gates.values()):
        if parts.get(stage) is None:
            yield f"There are no verdicts of {stage} on this version under the present policy."


def _expired(policy: Policy, now: dt.datetime) -> Iterator[str]:
    for waiver in policy.waivers:
        if waiver.expires < now.date():
            yield f"The waiver of {waiver.gate} expired on {waiver.expires}."
