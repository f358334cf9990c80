"""Feedback is learned from only after its own gates, under this policy, let it through."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from ml_platform.adapters.platform import open_platform
from ml_platform.core.records import EvidencePart, FeedbackRecord
from ml_platform.core.verdict import Outcome, Severity, Verdict
from ml_platform.orchestration.desk import Desk
from ml_platform.orchestration.records import keep_record
from ml_platform.orchestration.taking import learned_feedback
from ml_platform.settings import load_settings
from ml_platform.stages.accept_feedback import FILE, KIND, Accepted
from ml_platform_tests.orchestration.small_model import NOW, load_small
from ml_platform_tests.stages.test_learn_from_feedback import LEARNS, label

ACCEPTED = Accepted(labels=(label(1),), left_out={})
RECORD = FeedbackRecord(
    model="parcels", digest="a" * 64, labels=0, joined=0, conflicting=0, remarks=1, accepted=1,
    accepted_digest=ACCEPTED.digest,
)  # fmt: skip


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    monkeypatch.setenv("ML_PLATFORM_HOME", str(tmp_path / "home"))
    with open_platform(load_settings()) as platform:
        platform.store.put(KIND, ACCEPTED.digest, {FILE: msgspec.json.encode(ACCEPTED)})
        yield Desk(file=load_small(tmp_path, LEARNS), platform=platform, now=NOW, run_id="r")


def judge(desk: Desk, outcome: Outcome, severity: Severity = Severity.BLOCK) -> None:
    keep_record(desk.platform.home, ("parcels", "feedback"), RECORD)
    verdict = Verdict(
        gate="no_slice_is_turned_round", control="FEEDBACK", stage="feedback", outcome=outcome, severity=severity,
        limit="", reason="", next_step="", policy_digest=desk.policy.digest, worst=None, measurements=(),
    )  # fmt: skip
    part = EvidencePart(
        stage="feedback", subject_digest=RECORD.digest, policy_digest=desk.policy.digest, conditions=(),
        verdicts=(verdict,), made_at=NOW,
    )  # fmt: skip
    desk.platform.ledger.record_part("parcels", part)


def test_what_passed_is_learned_from(desk: Desk) -> None:
    judge(desk, Outcome.PASSED)
    found = learned_feedback(desk)
    assert found is not None
    assert (found.digest, found.labels) == (ACCEPTED.digest, ACCEPTED.labels)


@pytest.mark.parametrize("outcome", [Outcome.FAILED, Outcome.UNDECIDED])
def test_what_a_gate_stopped_isnt(desk: Desk, outcome: Outcome) -> None:
    judge(desk, outcome)
    heard: list[str] = []
    assert learned_feedback(dataclasses.replace(desk, say=heard.append)) is None
    assert "no_slice_is_turned_round" in heard[0]


def test_without_a_verdict_under_this_policy_or_without_feedback_nothing_is(desk: Desk) -> None:
    assert learned_feedback(desk) is None
    keep_record(desk.platform.home, ("parcels", "feedback"), RECORD)
    assert learned_feedback(desk) is None
    judge(desk, Outcome.PASSED)
    keep_record(desk.platform.home, ("parcels", "feedback"), dataclasses.replace(RECORD, accepted_digest=""))
    assert learned_feedback(desk) is None


def test_without_the_section_nothing_is(desk: Desk, tmp_path: Path) -> None:
    judge(desk, Outcome.PASSED)
    assert learned_feedback(dataclasses.replace(desk, file=load_small(tmp_path / "other"))) is None
