"""Rollouts in the ledger: one suite for the fake and for the SQLite ledger."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from ml_platform.adapters.ledger import SqliteLedger, verify_audit
from ml_platform.core.errors import DataInvalid
from ml_platform.core.ports import Ledger, Rejection
from ml_platform.core.records import ReleaseRecord
from ml_platform.core.rollout import Ending, RolloutEnd, RolloutRecord
from ml_platform_tests.contracts.test_ledger import approval, deploy, release, wanted
from ml_platform_tests.fakes.ledger import FakeLedger
from ml_platform_tests.stages.lock_world import MODEL, NOW

LATER = NOW + dt.timedelta(hours=1)


@pytest.fixture(params=["fake", "sqlite"])
def ledger(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Ledger]:
    if request.param == "fake":
        yield FakeLedger()
        return
    real = SqliteLedger(tmp_path / "ledger.sqlite", clock=lambda: LATER)
    yield real
    real.close()
    assert verify_audit(real.path) == []


@pytest.fixture
def pair(ledger: Ledger) -> tuple[ReleaseRecord, ReleaseRecord]:
    """Return what is live in production, and another version."""
    champion, challenger = release(ledger, "aa"), release(ledger, "bb")
    deploy(ledger, champion, "production")
    return champion, challenger


def rollout(champion: ReleaseRecord, challenger: ReleaseRecord, rollout_id: str = "r1") -> RolloutRecord:
    return RolloutRecord(
        rollout_id=rollout_id, model=MODEL, environment="production", strategy="canary", weight=0.1,
        champion=champion.version, champion_digest=champion.candidate.model_digest, version=challenger.version,
        model_digest=challenger.candidate.model_digest, evidence_digest=challenger.evidence_digest,
        rules_digest="77" * 32, since=LATER + dt.timedelta(minutes=1), actor="bob", reason="faster",
    )  # fmt: skip


def ended(outcome: Ending, rollout_id: str = "r1") -> RolloutEnd:
    return RolloutEnd(rollout_id=rollout_id, outcome=outcome, at=LATER, actor="ml_platform", reason="slower")


def test_a_rollout_runs_until_it_ends_once(ledger: Ledger, pair: tuple[ReleaseRecord, ReleaseRecord]) -> None:
    begun = ledger.begin_rollout(rollout(*pair), approvals=())
    assert ledger.rollout(MODEL, "production") == begun
    assert ledger.rollout(MODEL, "staging") is None
    assert list(ledger.running_rollouts()) == [begun]
    assert ledger.live(MODEL, "production") == ledger.history(MODEL, "production")[0]
    ledger.end_rollout(ended("cancelled"))
    assert ledger.rollout(MODEL, "production") is None
    assert [(each.begun, each.end) for each in ledger.rollouts(MODEL, "production")] == [(begun, ended("cancelled"))]
    assert ledger.barred(MODEL) == {}
    for wrong in ("r1", "r2"):
        with pytest.raises(DataInvalid):
            ledger.end_rollout(ended("stopped", wrong))
    actions = [entry.action for entry in ledger.audit(model=MODEL)]
    assert actions[-2:] == ["rollout_begun", "rollout_ended"]


def test_one_version_is_tried_at_a_time(ledger: Ledger, pair: tuple[ReleaseRecord, ReleaseRecord]) -> None:
    third = release(ledger, "cc")
    ledger.begin_rollout(rollout(*pair), approvals=())
    for wrong in (rollout(pair[0], third, "r2"), rollout(*pair)):
        with pytest.raises(DataInvalid):
            ledger.begin_rollout(wrong, approvals=())
    ledger.end_rollout(ended("cancelled"))
    assert ledger.begin_rollout(rollout(*pair, "r2"), approvals=()).rollout_id == "r2"


def test_a_version_is_tried_only_beside_the_champion_that_is_live(
    ledger: Ledger, pair: tuple[ReleaseRecord, ReleaseRecord]
) -> None:
    champion, challenger = pair
    third, its = release(ledger, "cc"), rollout(*pair)
    for wrong in (
        rollout(third, challenger),
        rollout(champion, champion),
        replace(its, environment="staging"),
        replace(its, version=9),
        replace(its, evidence_digest="dd" * 32),
    ):
        with pytest.raises(DataInvalid):
            ledger.begin_rollout(wrong, approvals=())
    assert not ledger.running_rollouts()


def test_a_stopped_challenger_is_barred_and_the_champion_stays(
    ledger: Ledger, pair: tuple[ReleaseRecord, ReleaseRecord]
) -> None:
    deploy(ledger, pair[1], "staging")
    ledger.begin_rollout(rollout(*pair), approvals=())
    ledger.end_rollout(ended("stopped"))
    assert dict(ledger.barred(MODEL)) == {2: "slower"}
    live = ledger.live(MODEL, "production")
    assert live is not None
    assert live.version == 1
    with pytest.raises(DataInvalid):
        ledger.begin_rollout(rollout(*pair, "r2"), approvals=())


def test_the_challenger_goes_live_in_the_transaction_that_ends_its_rollout(
    ledger: Ledger, pair: tuple[ReleaseRecord, ReleaseRecord]
) -> None:
    ledger.begin_rollout(rollout(*pair), approvals=())
    before = list(ledger.audit())
    with pytest.raises(DataInvalid):
        ledger.deploy(pair[1], "production", actor="bob", reason="x", approvals=(), rollout="r7", at=LATER)
    assert list(ledger.audit()) == before
    done = ledger.deploy(pair[1], "production", actor="bob", reason="better", approvals=(), rollout="r1", at=LATER)
    assert ledger.live(MODEL, "production") == done
    (its,) = ledger.rollouts(MODEL, "production")
    assert its.end is not None
    assert (its.end.outcome, its.end.reason) == ("promoted", "better")


def test_whatever_else_goes_live_ends_the_rollout_as_cancelled(
    ledger: Ledger, pair: tuple[ReleaseRecord, ReleaseRecord]
) -> None:
    third = release(ledger, "cc")
    ledger.begin_rollout(rollout(*pair), approvals=())
    deploy(ledger, pair[0], "production")
    assert ledger.rollout(MODEL, "production") is not None
    deploy(ledger, third, "production")
    (its,) = ledger.rollouts(MODEL, "production")
    assert its.end is not None
    assert (its.end.outcome, its.end.actor) == ("cancelled", "bob")
    assert ledger.barred(MODEL) == {}


def test_a_version_barred_or_rejected_meanwhile_is_not_tried_any_longer(
    ledger: Ledger, pair: tuple[ReleaseRecord, ReleaseRecord]
) -> None:
    champion, challenger = pair
    ledger.begin_rollout(rollout(*pair), approvals=())
    said = Rejection(
        rejection_id="n1", model=MODEL, version=2, environment="staging", evidence_digest=challenger.evidence_digest,
        policy_digest="99" * 32, rejected_by="carol", reason="unfair", given_at=LATER,
    )  # fmt: skip
    ledger.reject(said)
    assert ledger.rollout(MODEL, "production") is not None
    ledger.reject(replace(said, rejection_id="n2", environment="production"))
    assert ledger.rollout(MODEL, "production") is None
    third = release(ledger, "cc")
    ledger.begin_rollout(rollout(champion, third, "r2"), approvals=())
    deploy(ledger, champion)
    deploy(ledger, third)
    deploy(ledger, champion, bar=3)
    assert ledger.rollout(MODEL, "production") is None
    with pytest.raises(DataInvalid):
        ledger.begin_rollout(rollout(*pair, "r3"), approvals=())


def test_approvals_are_used_up_when_a_rollout_begins(ledger: Ledger, pair: tuple[ReleaseRecord, ReleaseRecord]) -> None:
    ledger.approve(approval(pair[1]))
    with pytest.raises(DataInvalid):
        ledger.begin_rollout(rollout(*pair), approvals=("a2",))
    its = ledger.begin_rollout(rollout(*pair), approvals=("a1",))
    assert [each.used_at for each in ledger.approvals(MODEL, 2, "production")] == [its.since]
    ledger.end_rollout(ended("cancelled"))
    with pytest.raises(DataInvalid):
        ledger.begin_rollout(rollout(*pair, "r2"), approvals=("a1",))
    with pytest.raises(DataInvalid):
        deploy(ledger, pair[1], "production", approvals=("a1",))


def test_who_holds_the_place_alone_begins_a_rollout(ledger: Ledger, pair: tuple[ReleaseRecord, ReleaseRecord]) -> None:
    hold, _ = ledger.take(wanted(environment="production"), now=NOW)
    its = replace(rollout(*pair), since=NOW)
    with pytest.raises(DataInvalid, match="held"):
        ledger.begin_rollout(its, approvals=())
    assert ledger.begin_rollout(its, approvals=(), hold=hold).since > LATER - dt.timedelta(hours=2)
