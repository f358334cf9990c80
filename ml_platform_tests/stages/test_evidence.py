"""Evidence is complete or missing, and is read back exactly as it was written."""

from __future__ import annotations

from pathlib import Path

import pytest

from ml_platform.core.errors import DataInvalid, Unavailable
from ml_platform.core.records import Candidate, Evidence
from ml_platform.stages.evidence import STAGES, Missing, assemble_evidence, read_evidence, write_evidence
from ml_platform.stages.objection import refused
from ml_platform_tests.fakes.ledger import FakeLedger
from ml_platform_tests.fakes.store import FakeStore
from ml_platform_tests.stages.lock_world import MODEL, NOW, candidate, parts, policy

POLICY = policy()
CANDIDATE = candidate("58" * 32)


def assemble(ledger: FakeLedger, its_candidate: Candidate = CANDIDATE) -> Evidence | Missing:
    return assemble_evidence(POLICY, ledger=ledger, candidate=its_candidate, trained_by="alice", now=NOW)


def filled(leave_out: str = "", values: dict[str, float | None] | None = None) -> FakeLedger:
    ledger = FakeLedger()
    for stage, each in parts(POLICY, CANDIDATE, values or {}).items():
        if stage != leave_out:
            ledger.record_part(MODEL, each)
    return ledger


def test_the_parts_of_every_stage_make_the_evidence() -> None:
    evidence = assemble(filled())
    assert isinstance(evidence, Evidence)
    assert tuple(part.stage for part in evidence.parts) == STAGES
    assert (evidence.candidate, evidence.policy_digest, evidence.trained_by) == (CANDIDATE, POLICY.digest, "alice")


@pytest.mark.parametrize("stage", STAGES)
def test_a_gate_that_never_ran_is_named(stage: str) -> None:
    missing = assemble(filled(leave_out=stage))
    assert isinstance(missing, Missing)
    needed = (
        f"gate {stage}_is_good ({stage}) never ran on this candidate under the current policy "
        f"({POLICY.digest[:12]}): run the release job"
    )
    assert needed in [objection.reason for objection in missing.objections]
    assert refused(missing.objections).outcome == "undecided"


def test_every_closed_gate_is_named_with_its_numbers_and_what_to_do() -> None:
    missing = assemble(filled(values={"split": 0.1, "features": None}))
    assert isinstance(missing, Missing)
    first, second = missing.objections
    assert "split_is_good failed: split_metric = 0.1 (n = 100); needed: ≥ 0.5. do better" in first.reason
    assert "features_is_good undecided" in second.reason
    assert (first.undecided, second.undecided) == (False, True)
    assert refused(missing.objections).outcome == "refused"


def test_verdicts_on_another_candidate_do_not_count() -> None:
    missing = assemble(filled(), candidate("59" * 32))
    assert isinstance(missing, Missing)
    assert {reason.split()[1] for reason in (each.reason for each in missing.objections)} >= {
        "model_is_good",
        "evaluation_is_good",
        "release_is_good",
    }


def test_evidence_is_read_back_as_it_was_written(tmp_path: Path) -> None:
    store = FakeStore(tmp_path)
    evidence = assemble(filled())
    assert isinstance(evidence, Evidence)
    digest = write_evidence(store, evidence)
    assert read_evidence(store, digest) == evidence
    assert write_evidence(store, evidence) == digest


def test_evidence_that_is_gone_or_of_another_time_is_refused(tmp_path: Path) -> None:
    store = FakeStore(tmp_path)
    with pytest.raises(Unavailable):
        read_evidence(store, "00" * 32)
    evidence = assemble(filled())
    assert isinstance(evidence, Evidence)
    object.__setattr__(evidence, "schema_version", 2)
    with pytest.raises(DataInvalid, match="schema version 2, known: 1"):
        read_evidence(store, write_evidence(store, evidence))


def test_a_refusal_needs_a_reason() -> None:
    with pytest.raises(ValueError, match="without a reason"):
        refused([])
