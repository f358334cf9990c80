"""A home with one registered release of the small model, whose verdicts were judged by its real policy."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import msgspec

from ml_platform.adapters.platform import Platform, open_platform
from ml_platform.cli.models import utc_now
from ml_platform.core.measurement import Measurement
from ml_platform.core.records import Candidate, Evidence, ReleaseRecord, SnapshotRecord
from ml_platform.policy.conditions import conditions_of
from ml_platform.policy.gates import AtLeast, AtMost, Between, Gate
from ml_platform.policy.judge import judge
from ml_platform.policy.load import GovernedModelFile, load_model
from ml_platform.settings import load_settings
from ml_platform.stages.contract import contract_digest
from ml_platform.stages.evidence import part_of, subjects_of
from ml_platform_tests.policy.files import MODEL
from ml_platform_tests.stages.lock_world import candidate, put_model, register

NAME = "late"


def write_model(defs: Path, name: str = NAME, text: str = MODEL) -> Path:
    """Write a model file into a folder of its own."""
    path = defs / name / "defs.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def good(gate: Gate) -> Measurement:
    """Return a measurement that its gate lets through, at the limit."""
    match gate:
        case AtLeast() | AtMost():
            value = gate.limit
        case Between():
            value = gate.limit[0]
        case _:
            value = 1.0
    return Measurement(metric=gate.metric, value=value, low=value, high=value, confidence=0.95, n=gate.minimum_n)


def release(defs: Path, *, text: str = "trees", without: str = "") -> ReleaseRecord:
    """Register a release whose gates all opened; the gates of the stage `without` never ran."""
    file = load_model(defs / NAME / "defs.yaml", now=utc_now())
    with open_platform(load_settings()) as platform:
        return _release(platform, file, text, without)


def _release(platform: Platform, file: GovernedModelFile, text: str, without: str) -> ReleaseRecord:
    its_candidate = dataclasses.replace(candidate(put_model(platform.store, text)), model=NAME)
    parts, now = [], utc_now()
    subjects = {**subjects_of(its_candidate), "staging": its_candidate.digest}
    for stage, subject in subjects.items():
        if stage == without:
            continue
        found = [good(gate) for gate in file.policy.gates_of(stage).values()]
        tightest = {}
        for gate, one in zip(file.policy.gates_of(stage).values(), found, strict=True):
            tightest[gate.metric] = one
        conditions = conditions_of(file.spec)
        verdicts = judge(file.policy, stage, list(tightest.values()), conditions=conditions, now=now)
        part = part_of(stage, subject, file.policy, verdicts, conditions=conditions, now=now)
        platform.ledger.record_part(NAME, part)
        parts.append(part)
    evidence = Evidence(
        candidate=its_candidate,
        policy_digest=file.policy.digest,
        parts=tuple(part for part in parts if part.stage != "staging"),
        made_at=utc_now(),
        trained_by="alice",
    )
    _put_snapshot(platform, file, its_candidate)
    return register(platform.ledger, platform.store, platform.signing, evidence, file.policy, actor="alice")


def _put_snapshot(platform: Platform, file: GovernedModelFile, its: Candidate) -> None:
    """Write the manifest that says under which contract the release was made."""
    record = SnapshotRecord(
        model=NAME,
        digest=its.snapshot_digest,
        rows=1,
        columns=(),
        source_digest=its.source_digest,
        contract_digest=contract_digest(file.spec),
        as_of=None,
    )
    platform.store.put("snapshots", its.snapshot_digest, {"manifest.json": msgspec.json.encode({"record": record})})
