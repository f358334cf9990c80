"""A small world for the lock: a policy with one gate per stage, a candidate that passes them all, its model."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

import msgspec

from ml_platform.core.measurement import Measurement
from ml_platform.core.ports import Approval, ArtefactStore, Ledger
from ml_platform.core.records import Candidate, Evidence, EvidencePart, ReleaseRecord
from ml_platform.core.scoring import InputColumn, ScoringContract, artefact_digest
from ml_platform.core.signing import Signing
from ml_platform.policy.gates import AtLeast, AtMost, Gate, Waiver
from ml_platform.policy.judge import judge
from ml_platform.policy.resolve import Policy, make_policy
from ml_platform.stages.attest import write_bundle
from ml_platform.stages.evidence import STAGES, part_of, subjects_of, write_evidence
from ml_platform.stages.statements import Making
from ml_platform_tests.fakes.signing import FakeSigning

NOW = dt.datetime(2013, 7, 1, 12, tzinfo=dt.UTC)
MODEL = "flights"
ALL_STAGES = (*STAGES, "staging")


def gate(stage: str, *, when: str = "always", severity: str = "block") -> Gate:
    """Return a gate that wants at least 0.5 of `<stage>_metric`."""
    return AtLeast.model_validate(
        {
            "kind": "at_least",
            "limit": 0.5,
            "control": "CONTROL",
            "stage": stage,
            "metric": f"{stage}_metric",
            "when": when,
            "severity": severity,
            "why": "a test",
            "next_step": "do better",
        }
    )


def gates() -> dict[str, Gate]:
    """Return one blocking gate per stage, one that warns and two that apply only sometimes."""
    found = {f"{stage}_is_good": gate(stage) for stage in ALL_STAGES}
    found["evaluation_is_nice"] = AtMost(
        kind="at_most",
        limit=0.1,
        control="CONTROL",
        stage="evaluation",
        metric="evaluation_metric",
        severity="warn",
        why="a test",
        next_step="do better",
    )
    found["groups_are_equal"] = gate("evaluation", when="groups")
    found["champion_is_beaten"] = gate("evaluation", when="champion")
    return found


def policy(
    *, approvals: Mapping[str, int] | None = None, waivers: Iterable[Waiver] = (), signed: bool = False
) -> Policy:
    """Return the small policy."""
    return make_policy(gates(), tuple(waivers), approvals or {}, ("small",), signed_approvals=signed)


def measured(stage: str, value: float | None = 0.9) -> Measurement:
    """Return what the gate of a stage looks at."""
    return Measurement(metric=f"{stage}_metric", value=value, n=100)


def part(
    its_policy: Policy,
    stage: str,
    subject: str,
    value: float | None = 0.9,
    *,
    conditions: Iterable[str] = ("always",),
    now: dt.datetime = NOW,
) -> EvidencePart:
    """Return the verdicts of a stage over a value."""
    holds = frozenset(conditions)
    verdicts = judge(its_policy, stage, [measured(stage, value)], conditions=holds, now=now)
    return part_of(stage, subject, its_policy, verdicts, conditions=holds, now=now, run_id="run")


SCORING = ScoringContract(
    model=MODEL, inputs=(InputColumn(name="hour", type="integer"), InputColumn(name="wind", type="number")), time="at",
    features_module="x", code_digest="c", feature_names=("hour",), categorical=(), threshold=0.5,
)  # fmt: skip


def put_model(store: ArtefactStore, text: str = "trees", scoring: ScoringContract = SCORING) -> str:
    """Write a model artefact and return its digest."""
    files = {
        "model.txt": text.encode(),
        "features_state.json": b"{}",
        "features.py": b"",
        "scoring.json": msgspec.json.encode(scoring),
        "environment.json": b"{}",
    }
    hashes = {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
    digest = artefact_digest(hashes)
    store.put("models", digest, files)
    return digest


def candidate(model_digest: str) -> Candidate:
    """Return a candidate around a model."""
    return Candidate(
        model=MODEL,
        source_digest="50" * 32,
        snapshot_digest="51" * 32,
        split_digest="52" * 32,
        features_digest="53" * 32,
        code_digest="54" * 32,
        parameters_digest="55" * 32,
        environment_digest="56" * 32,
        model_digest=model_digest,
        evaluation_digest=hashlib.sha256(model_digest.encode()).hexdigest(),
        git_commit="57" * 20,
    )


def parts(
    its_policy: Policy,
    its_candidate: Candidate,
    values: Mapping[str, float | None] = MappingProxyType({}),
    *,
    conditions: Iterable[str] = ("always",),
) -> dict[str, EvidencePart]:
    """Return the parts of a candidate; `values` gives other measurements by stage."""
    subjects = {**subjects_of(its_candidate), "staging": its_candidate.digest}
    return {
        stage: part(its_policy, stage, subject, values.get(stage, 0.9), conditions=conditions)
        for stage, subject in subjects.items()
    }


def evidence_of(its_policy: Policy, its_candidate: Candidate, its_parts: Mapping[str, EvidencePart]) -> Evidence:
    """Return the evidence made of given parts (without staging's)."""
    return Evidence(
        candidate=its_candidate,
        policy_digest=its_policy.digest,
        parts=tuple(each for stage, each in its_parts.items() if stage != "staging"),
        made_at=NOW,
        trained_by="alice",
    )


def register(
    ledger: Ledger, store: ArtefactStore, signing: Signing, evidence: Evidence, its_policy: Policy, *, actor: str
) -> ReleaseRecord:
    """Register evidence, signed by the platform."""
    making = Making(released_by=actor, run_id="run", platform="0.1.0", training={"rounds": 7})
    bundle = write_bundle(store, signing, evidence=evidence, policy=its_policy, making=making)
    digest = write_evidence(store, evidence)
    return ledger.record_release(evidence, digest, actor=actor, at=NOW, bundle_digest=bundle)


@dataclass(frozen=True, slots=True)
class World:
    """A ledger and a store with one policy."""

    ledger: Ledger
    store: ArtefactStore
    policy: Policy
    signing: Signing = field(default_factory=FakeSigning)

    def release(
        self,
        text: str = "trees",
        values: Mapping[str, float | None] | None = None,
        *,
        conditions: Iterable[str] = ("always",),
        scoring: ScoringContract = SCORING,
    ) -> ReleaseRecord:
        """Record verdicts and register a version, whatever its verdicts say."""
        its_candidate = candidate(put_model(self.store, text, scoring))
        made = parts(self.policy, its_candidate, values or {}, conditions=conditions)
        for each in made.values():
            self.ledger.record_part(MODEL, each)
        return self.register(evidence_of(self.policy, its_candidate, made))

    def register(self, evidence: Evidence, *, actor: str = "alice") -> ReleaseRecord:
        """Register evidence and its signed bundle, whatever it says."""
        return register(self.ledger, self.store, self.signing, evidence, self.policy, actor=actor)

    def approval(self, release: ReleaseRecord, approver: str, **changes: object) -> Approval:
        """Write an approval for production down."""
        given = Approval(
            approval_id=f"{approver}-{len(self.ledger.approvals(MODEL, release.version, 'production'))}",
            model=MODEL,
            version=release.version,
            environment="production",
            evidence_digest=release.evidence_digest,
            policy_digest=self.policy.digest,
            approver=approver,
            given_at=NOW,
            expires_at=NOW + dt.timedelta(days=7),
        )
        changed = replace(given, **changes)  # type: ignore[arg-type]
        self.ledger.approve(changed)
        return changed
