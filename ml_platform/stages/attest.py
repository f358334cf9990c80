"""Attesting: a candidate's evidence as one signed file that an outsider can check, and the program that checks it."""

from __future__ import annotations

import importlib.metadata
import json
from dataclasses import asdict
from pathlib import Path

from ml_platform.core.digest import canonical_json, digest_of_bytes
from ml_platform.core.dsse import seal, write_envelope
from ml_platform.core.ports import ArtefactStore
from ml_platform.core.records import Evidence, ModelRecord
from ml_platform.core.signing import Signer
from ml_platform.policy.resolve import Policy
from ml_platform.stages import verify_bundle
from ml_platform.stages.evidence import evidence_content
from ml_platform.stages.statements import Making, provenance_of, summary_of

KIND = "bundles"
FILE = "bundle.intoto.jsonl"
VERIFIER = "verify_bundle.py"
PAYLOAD = "application/vnd.in-toto+json"


def making_of(model: ModelRecord, *, released_by: str, run_id: str) -> Making:
    """Say how a model was made, as its record has it."""
    training = {
        "run_id": model.run_id,
        "trained_at": model.trained_at,
        "rounds": model.rounds,
        "threshold": model.threshold,
        "tuned": dict(model.tuned),
        "tuning_digest": model.tuning_digest,
        "conditions": asdict(model.conditions),
    }
    plain = json.loads(canonical_json(training))
    return Making(released_by=released_by, run_id=run_id, platform=platform_version(), training=plain)


def platform_version() -> str:
    """Return the platform's version."""
    return importlib.metadata.version("ml-platform")


def write_bundle(store: ArtefactStore, signer: Signer, *, evidence: Evidence, policy: Policy, making: Making) -> str:
    """Sign a candidate's evidence and keep it, its verifier beside it; return the bundle's digest.

    The bundle has a line for each statement, as in-toto's attestation bundles have (JSON Lines of DSSE envelopes).
    """
    content = sign_evidence(signer, evidence=evidence, policy=policy, making=making)
    digest = digest_of_bytes(content)
    store.put(KIND, digest, {FILE: content, VERIFIER: Path(verify_bundle.__file__).read_bytes()})
    return digest


def sign_evidence(signer: Signer, *, evidence: Evidence, policy: Policy, making: Making) -> bytes:
    """Return the signed bundle of evidence that was made under a policy."""
    said = json.loads(evidence_content(evidence))
    first = _signed(signer, provenance_of(evidence, making, said))
    provenance = digest_of_bytes(first)
    second = _signed(signer, summary_of(evidence, policy, said, platform=making.platform, provenance=provenance))
    return first + b"\n" + second + b"\n"


def _signed(signer: Signer, statement: dict[str, object]) -> bytes:
    return write_envelope(seal(signer, PAYLOAD, canonical_json(statement).encode())).encode()
