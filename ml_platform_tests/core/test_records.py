"""Records keep their identity: a candidate's digest covers everything that makes it."""

from __future__ import annotations

import dataclasses
import datetime as dt

import pytest

from ml_platform.core.errors import NotEnoughEvidence, PolicyInvalid
from ml_platform.core.measured import Measured
from ml_platform.core.records import Candidate, Evidence, EvidencePart
from ml_platform.core.verdict import Outcome, Severity, Verdict

CANDIDATE = Candidate(
    model="flights",
    source_digest="0",
    snapshot_digest="a",
    split_digest="b",
    features_digest="c",
    code_digest="d",
    parameters_digest="e",
    environment_digest="f",
    model_digest="g",
    evaluation_digest="h",
    git_commit="i",
)


@pytest.mark.parametrize("field", [item.name for item in dataclasses.fields(Candidate)])
def test_changing_any_part_of_a_candidate_changes_its_digest(field: str) -> None:
    changed = dataclasses.replace(CANDIDATE, **{field: "other"})
    assert changed.digest != CANDIDATE.digest


def test_evidence_lists_the_verdicts_of_all_parts_in_order() -> None:
    now = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    verdicts = [
        Verdict(
            gate=name,
            control="METRICS",
            stage="evaluation",
            outcome=Outcome.PASSED,
            severity=Severity.BLOCK,
            limit="",
            reason="",
            next_step="",
            policy_digest="p",
        )
        for name in ("first", "second")
    ]
    parts = tuple(
        EvidencePart(
            stage="evaluation", subject_digest="h", policy_digest="p", conditions=(), verdicts=(one,), made_at=now
        )
        for one in verdicts
    )
    evidence = Evidence(candidate=CANDIDATE, policy_digest="p", parts=parts, made_at=now, trained_by="someone")
    assert [one.gate for one in evidence.verdicts] == ["first", "second"]


def test_what_was_remembered_says_that_nothing_changed() -> None:
    measured = Measured(record=CANDIDATE, measurements=())
    assert not measured.unchanged
    assert measured.remembered().unchanged


def test_errors_carry_their_exit_code_and_every_problem() -> None:
    error = PolicyInvalid(["a.yaml:1: first", "a.yaml:2: second"])
    assert error.problems == ("a.yaml:1: first", "a.yaml:2: second")
    assert str(error) == "a.yaml:1: first\na.yaml:2: second"
    assert error.exit_code == 2
    assert NotEnoughEvidence("x").exit_code == 3
