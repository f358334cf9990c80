"""The Ledger port: one suite for the fake and for the SQLite ledger."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Literal

import pytest

from ml_platform.adapters.ledger import SqliteLedger, verify_audit
from ml_platform.adapters.ledger.chain import entry_hash
from ml_platform.core.errors import DataInvalid, Unavailable
from ml_platform.core.hold import LEASE, Hold, Owner
from ml_platform.core.ports import Approval, Ledger
from ml_platform.core.records import DeploymentRecord, ReleaseRecord
from ml_platform_tests.fakes.ledger import FakeLedger
from ml_platform_tests.stages.lock_world import MODEL, NOW, candidate, evidence_of, part, policy

LATER = NOW + dt.timedelta(hours=1)
POLICY = policy()


@pytest.fixture(params=["fake", "sqlite"])
def ledger(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Ledger]:
    if request.param == "fake":
        yield FakeLedger()
        return
    real = SqliteLedger(tmp_path / "ledger.sqlite", clock=lambda: LATER)
    yield real
    real.close()
    if real.path.exists():
        assert verify_audit(real.path) == []


def release(ledger: Ledger, name: str = "aa", actor: str = "alice") -> ReleaseRecord:
    evidence = evidence_of(POLICY, candidate(name * 32), {})
    return ledger.record_release(evidence, name * 32, actor=actor, at=NOW)


def deploy(
    ledger: Ledger,
    its_release: ReleaseRecord,
    environment: str = "staging",
    *,
    bar: int | None = None,
    approvals: tuple[str, ...] = (),
) -> DeploymentRecord:
    return ledger.deploy(its_release, environment, actor="bob", reason="better", approvals=approvals, bar=bar, at=LATER)


def approval(its_release: ReleaseRecord, name: str = "a1") -> Approval:
    return Approval(
        approval_id=name,
        model=MODEL,
        version=its_release.version,
        environment="production",
        evidence_digest=its_release.evidence_digest,
        policy_digest=POLICY.digest,
        approver="carol",
        given_at=NOW,
        expires_at=LATER,
    )


def test_an_empty_ledger_knows_nothing(ledger: Ledger) -> None:
    assert ledger.live(MODEL, "staging") is None
    assert ledger.release(MODEL, 1) is None
    assert not ledger.releases(MODEL)
    assert not ledger.history(MODEL, "staging")
    assert not list(ledger.audit())
    assert ledger.barred(MODEL) == {}
    assert ledger.last("deployed", subject="flights@staging") is None
    assert ledger.project(lambda _: None) == 0


def test_the_newest_part_of_exactly_this_subject_and_policy_is_returned(ledger: Ledger) -> None:
    first, second = part(POLICY, "split", "11" * 32, 0.1), part(POLICY, "split", "11" * 32, 0.9)
    other = part(POLICY, "split", "22" * 32)
    for each in (first, second, other):
        ledger.record_part(MODEL, each)
    assert ledger.part(MODEL, "split", "11" * 32, POLICY.digest) == second
    assert ledger.part(MODEL, "split", "11" * 32, "another") is None
    assert ledger.part("another", "split", "11" * 32, POLICY.digest) is None
    assert ledger.part(MODEL, "features", "11" * 32, POLICY.digest) is None
    assert ledger.latest_part(MODEL, "split") == other


def test_versions_count_up_and_the_same_evidence_is_the_same_version(ledger: Ledger) -> None:
    first, second = release(ledger, "aa"), release(ledger, "bb")
    assert (first.version, second.version) == (1, 2)
    assert release(ledger, "aa", actor="someone else") == first
    assert list(ledger.releases(MODEL)) == [first, second]
    assert ledger.release(MODEL, 2) == second


def test_one_version_is_live_per_environment(ledger: Ledger) -> None:
    first, second = release(ledger, "aa"), release(ledger, "bb")
    one = deploy(ledger, first)
    two = deploy(ledger, second)
    other = deploy(ledger, first, "production")
    assert ledger.live(MODEL, "staging") == two
    assert ledger.live(MODEL, "production") == other
    assert list(ledger.history(MODEL, "staging")) == [one, two]
    assert (one.version, one.actor, one.reason, one.since) == (1, "bob", "better", LATER)


def test_deploying_what_is_live_changes_nothing(ledger: Ledger) -> None:
    first = release(ledger)
    one = deploy(ledger, first)
    before = len(list(ledger.audit()))
    assert deploy(ledger, first) == one
    assert len(list(ledger.history(MODEL, "staging"))) == 1
    assert len(list(ledger.audit())) == before


def test_an_unregistered_or_altered_release_is_not_deployed(ledger: Ledger) -> None:
    first = release(ledger)
    for wrong in (replace(first, version=7), replace(first, evidence_digest="cc" * 32)):
        with pytest.raises(DataInvalid):
            deploy(ledger, wrong)
    assert ledger.live(MODEL, "staging") is None


def test_a_barred_version_never_comes_back(ledger: Ledger) -> None:
    first, second = release(ledger, "aa"), release(ledger, "bb")
    deploy(ledger, first)
    deploy(ledger, second)
    assert deploy(ledger, first, bar=2).version == 1
    assert dict(ledger.barred(MODEL)) == {2: "better"}
    for environment in ("staging", "production"):
        with pytest.raises(DataInvalid):
            deploy(ledger, second, environment)
    assert ledger.live(MODEL, "staging") == ledger.history(MODEL, "staging")[-1]


def test_only_what_is_live_can_be_barred(ledger: Ledger) -> None:
    first, second = release(ledger, "aa"), release(ledger, "bb")
    deploy(ledger, second)
    with pytest.raises(DataInvalid):
        deploy(ledger, first, bar=1)
    assert ledger.barred(MODEL) == {}


def test_an_approval_works_once_and_only_for_its_version_and_environment(ledger: Ledger) -> None:
    first, second = release(ledger, "aa"), release(ledger, "bb")
    ledger.approve(approval(first))
    with pytest.raises(DataInvalid):
        ledger.approve(approval(first))
    for its_release, environment, name in (
        (second, "production", "a1"),
        (first, "staging", "a1"),
        (first, "production", "a2"),
    ):
        with pytest.raises(DataInvalid):
            deploy(ledger, its_release, environment, approvals=(name,))
    assert [each.used_at for each in ledger.approvals(MODEL, 1, "production")] == [None]
    deploy(ledger, first, "production", approvals=("a1",))
    assert list(ledger.approvals(MODEL, 1, "production")) == [replace(approval(first), used_at=LATER)]
    deploy(ledger, second, "production")
    with pytest.raises(DataInvalid):
        deploy(ledger, first, "production", approvals=("a1",))
    assert ledger.approvals(MODEL, 1, "staging") == ()


def test_a_refused_change_leaves_no_trace(ledger: Ledger) -> None:
    first = release(ledger)
    before = list(ledger.audit())
    with pytest.raises(DataInvalid):
        deploy(ledger, first, "production", approvals=("unknown",))
    assert list(ledger.audit()) == before
    assert ledger.live(MODEL, "production") is None
    assert ledger.project(lambda _: None) == 0


def test_the_audit_is_a_chain_and_can_be_asked_for_one_model(ledger: Ledger) -> None:
    first = ledger.append("looked", actor="bob", subject="flights@staging", payload={"n": 1, "x": [1.5, None]}, at=NOW)
    ledger.append("looked", actor="bob", subject="health_cost", payload={}, at=NOW)
    last = ledger.append("looked", actor="bob", subject="flights@staging", payload={"at": NOW}, at=LATER)
    entries = list(ledger.audit())
    assert [entry.sequence for entry in entries] == [1, 2, 3]
    assert [entry.previous for entry in entries[1:]] == [entry.hash for entry in entries[:-1]]
    assert all(entry_hash(entry) == entry.hash for entry in entries)
    assert list(ledger.audit(model="flights")) == [first, last]
    assert ledger.last("looked", subject="flights@staging") == last
    assert ledger.last("looked", subject="flights") is None
    assert list(ledger.all_of("looked", subject="flights@staging")) == [first, last]
    assert list(ledger.all_of("looked", subject="flights")) == []
    assert first.payload == {"n": 1, "x": [1.5, None]}


def test_every_change_writes_its_audit_entry(ledger: Ledger) -> None:
    first = release(ledger)
    ledger.record_part(MODEL, part(POLICY, "split", "11" * 32))
    ledger.approve(approval(first))
    deploy(ledger, first)
    actions = [(entry.action, entry.subject) for entry in ledger.audit(model=MODEL)]
    assert actions == [
        ("released", "flights v1"),
        ("verdicts_recorded", "flights/split"),
        ("approved", "flights@production"),
        ("deployed", "flights@staging"),
    ]


def test_a_deployment_stays_pending_until_it_was_shown(ledger: Ledger) -> None:
    one, two = deploy(ledger, release(ledger, "aa")), deploy(ledger, release(ledger, "bb"))
    shown: list[DeploymentRecord] = []

    def only_the_second(deployment: DeploymentRecord) -> None:
        if deployment == one:
            raise Unavailable("not now")
        shown.append(deployment)

    with pytest.raises(Unavailable, match="not now"):
        ledger.project(only_the_second)
    assert shown == [two]
    assert ledger.project(shown.append) == 1
    assert shown == [two, one]
    assert ledger.project(shown.append) == 0


def test_a_history_that_nobody_touched_has_no_problems(ledger: Ledger) -> None:
    first, second = release(ledger, "aa"), release(ledger, "bb")
    deploy(ledger, first)
    deploy(ledger, second)
    assert tuple(ledger.problems()) == ()


def wanted(
    kind: Literal["promotion", "rollback"] = "promotion", actor: str = "bob", environment: str = "staging"
) -> Hold:
    owner = Owner(actor=actor, process=7, host="here", run_id="r1")
    return Hold(
        model=MODEL, environment=environment, kind=kind, owner=owner, since=NOW, expires_at=NOW + LEASE
    )  # fmt: skip


def test_one_holds_a_place_and_gives_it_back(ledger: Ledger) -> None:
    first, ours = ledger.take(wanted(), now=NOW)
    assert ours
    assert ledger.take(wanted(actor="carol"), now=NOW) == (first, False)
    elsewhere, free = ledger.take(wanted(environment="production"), now=NOW)
    assert free
    ledger.give_back(first)
    second, free = ledger.take(wanted(actor="carol"), now=NOW)
    assert free
    assert second.token > first.token
    ledger.give_back(first)
    assert ledger.take(wanted(), now=NOW) == (second, False)
    assert elsewhere.environment == "production"
    assert not list(ledger.audit())


@pytest.mark.parametrize("away", [LEASE, dt.timedelta(days=400), -dt.timedelta(seconds=1), -dt.timedelta(days=400)])
def test_a_hold_that_ran_out_or_is_from_the_future_is_taken_over_and_the_audit_names_its_owner(
    ledger: Ledger, away: dt.timedelta
) -> None:
    first, _ = ledger.take(wanted(), now=NOW)
    second, ours = ledger.take(wanted(actor="carol"), now=NOW + away)
    assert ours
    assert second.token > first.token
    told = ledger.last("deployment_taken_over", subject="flights@staging")
    assert told is not None
    assert told.actor == "carol"
    assert told.payload["from"] == "promotion of bob (process 7 on here, run r1)"
    with pytest.raises(DataInvalid, match="taken over"):
        ledger.deploy(release(ledger), "staging", actor="bob", reason="x", approvals=(), hold=first, at=NOW)


def test_a_hold_known_to_be_void_is_taken_over(ledger: Ledger) -> None:
    first, _ = ledger.take(wanted(), now=NOW)
    assert ledger.take(wanted(actor="carol"), now=NOW, void=first.token + 1) == (first, False)
    assert ledger.take(wanted(actor="carol"), now=NOW, void=first.token)[1]


def test_a_rollback_takes_over_at_once_and_the_promotion_moves_nothing_any_more(ledger: Ledger) -> None:
    first, second, third = release(ledger, "aa"), release(ledger, "bb"), release(ledger, "cc")
    deploy(ledger, first)
    deploy(ledger, second)
    promotion, _ = ledger.take(wanted(), now=NOW)
    back, ours = ledger.take(wanted("rollback", "carol"), now=NOW)
    assert ours
    before = len(list(ledger.audit()))
    with pytest.raises(DataInvalid, match="taken over"):
        ledger.deploy(third, "staging", actor="bob", reason="x", approvals=(), hold=promotion, at=NOW)
    assert len(list(ledger.audit())) == before
    done = ledger.deploy(first, "staging", actor="carol", reason="slow", approvals=(), bar=2, hold=back, at=NOW)
    assert ledger.live(MODEL, "staging") == done
    ledger.give_back(back)
    with pytest.raises(DataInvalid, match="taken over"):
        ledger.deploy(third, "staging", actor="bob", reason="x", approvals=(), hold=promotion, at=NOW)


def test_who_has_no_hold_moves_nothing_while_another_has_one(ledger: Ledger) -> None:
    first = release(ledger)
    hold, _ = ledger.take(wanted(), now=LATER)
    far = replace(hold, since=LATER, expires_at=LATER + LEASE)
    ledger.give_back(hold)
    ledger.take(far, now=LATER)
    with pytest.raises(DataInvalid, match="held"):
        deploy(ledger, first)
    assert deploy(ledger, first, "production").version == 1


def test_entries_of_some_actions_after_one_come_in_order(ledger: Ledger) -> None:
    first = release(ledger, "aa")
    deploy(ledger, first)
    release(ledger, "bb")
    found = list(ledger.after(0, {"released", "deployed"}))
    assert [each.action for each in found] == ["released", "deployed", "released"]
    assert list(ledger.after(found[1].sequence, {"released", "deployed"})) == found[2:]
    assert list(ledger.after(0, {"deployed"})) == [found[1]]
    assert not list(ledger.after(0, ()))
