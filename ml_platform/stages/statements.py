"""Statements: what is signed of a candidate, as in-toto statements - where it comes from, and what every gate said.

The forms are in-toto's Statement v1, SLSA's provenance v1 and its verification summary v1 (slsa.dev/spec/v1.0);
fields of our own begin with `ml_platform_`, as these forms ask for.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ml_platform.core.records import Candidate, Evidence
from ml_platform.policy.metrics import METRICS
from ml_platform.policy.resolve import Policy, content_of

STATEMENT = "https://in-toto.io/Statement/v1"
PROVENANCE = "https://slsa.dev/provenance/v1"
SUMMARY = "https://slsa.dev/verification_summary/v1"
OURS = "urn:ml-platform"
_USED = ("source", "snapshot", "split", "features", "code", "parameters", "environment")


@dataclass(frozen=True, slots=True, kw_only=True)
class Making:
    """How a candidate was made, as plain JSON: who released it in which run, by which version of the platform."""

    released_by: str
    run_id: str
    platform: str
    training: Mapping[str, object]


def provenance_of(evidence: Evidence, making: Making, said: Mapping[str, object]) -> dict[str, object]:
    """State what a candidate was made of, how and by whom; `said` is the evidence as plain JSON."""
    candidate = evidence.candidate
    used = [{"name": name, "digest": _sha256(getattr(candidate, f"{name}_digest"))} for name in _USED]
    return {
        "_type": STATEMENT,
        "subject": _subjects(candidate),
        "predicateType": PROVENANCE,
        "predicate": {
            "buildDefinition": {
                "buildType": f"{OURS}:release:1",
                "externalParameters": {"model": candidate.model},
                "internalParameters": {"training": making.training},
                "resolvedDependencies": [
                    *used,
                    {"name": "policy", "digest": _sha256(evidence.policy_digest)},
                    {"name": "commit", "digest": {"gitCommit": candidate.git_commit}},
                ],
            },
            "runDetails": {
                "builder": {"id": OURS, "version": {"ml-platform": making.platform}},
                "metadata": {"invocationId": making.run_id, "finishedOn": said["made_at"]},
                "ml_platform_people": {"trained_by": evidence.trained_by, "released_by": making.released_by},
            },
        },
    }


def summary_of(
    evidence: Evidence, policy: Policy, said: Mapping[str, object], *, platform: str, provenance: str
) -> dict[str, object]:
    """State what the gates said of a candidate, with all it takes to judge again; `provenance` is a digest."""
    candidate = evidence.candidate
    tasks = {gate.metric: METRICS[gate.metric].tasks for gate in policy.gates.values() if gate.metric in METRICS}
    return {
        "_type": STATEMENT,
        "subject": _subjects(candidate),
        "predicateType": SUMMARY,
        "predicate": {
            "verifier": {"id": OURS, "version": {"ml-platform": platform}},
            "timeVerified": said["made_at"],
            "resourceUri": f"{OURS}:model:{candidate.model}:{candidate.model_digest}",
            "policy": {"uri": f"{OURS}:policy:{candidate.model}", "digest": _sha256(policy.digest)},
            "inputAttestations": [{"digest": _sha256(provenance)}],
            "verificationResult": "PASSED",
            "verifiedLevels": ["ML_PLATFORM_EVERY_GATE_OPEN"],
            "slsaVersion": "1.0",
            "ml_platform_policy": content_of(policy),
            "ml_platform_tasks": {metric: list(found) for metric, found in sorted(tasks.items()) if found},
            "ml_platform_evidence": said,
        },
    }


def _subjects(candidate: Candidate) -> list[dict[str, object]]:
    digests = {
        "candidate": candidate.digest,
        "model": candidate.model_digest,
        "evaluation": candidate.evaluation_digest,
    }
    return [{"name": name, "digest": _sha256(digest)} for name, digest in digests.items()]


def _sha256(digest: str) -> dict[str, str]:
    return {"sha256": digest}
