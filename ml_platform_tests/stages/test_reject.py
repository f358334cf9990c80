"""Rejections: a word against a version keeps it out until it is withdrawn, and voids what was said for it before."""

from __future__ import annotations

import datetime as dt
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ml_platform.adapters.ledger import SqliteLedger, verify_audit
from ml_platform.core.errors import DataInvalid
from ml_platform.core.ports import Approval, Ledger, Rejection, Withdrawal
from ml_platform.core.records import ReleaseRecord
from ml_platform.core.signed_word import message_of, why_not_said
from ml_platform.stages.approve import approve
from ml_platform.stages.objection import Refused
from ml_platform.stages.promote import Promoted, promote
from ml_platform.stages.reject import Said, reject, withdraw
from ml_platform.stages.rollback import RolledBack, rollback
from ml_platform_tests.fakes.ledger import FakeLedger
from ml_platform_tests.fakes.signing import FakeSigning
from ml_platform_tests.fakes.store import FakeStore
from ml_platform_tests.stages.lock_world import MODEL, NOW, World, policy

LATER = NOW + dt.timedelta(days=1)
SIGNED = policy(approvals={"production": 1}, signed=True)
PLAIN = policy(approvals={"production": 1})


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
def world(ledger: Ledger, tmp_path: Path) -> World:
    return World(ledger, FakeStore(tmp_path), PLAIN)


def said(person: str = "carol", reason: str = "unfair to the small", environment: str = "production") -> Said:
    return Said(model=MODEL, version=1, environment=environment, person=person, reason=reason, now=NOW)


def signed(person: str, signing: FakeSigning) -> Said:
    return replace(said(person), signer=signing.person(person))


def withdrawn(world: World, its: Said) -> tuple[Withdrawal, ...] | Refused:
    return withdraw(world.policy, world.ledger, its, trained_by="tom")


def allow(world: World, approver: str = "dora", environment: str = "production") -> Approval | Refused:
    return approve(
        world.policy, ledger=world.ledger, model=MODEL, version=1, environment=environment, approver=approver, now=NOW
    )


def attempt(world: World, release: ReleaseRecord, environment: str = "production") -> Promoted | Refused:
    return promote(
        world.policy, store=world.store, ledger=world.ledger, verifier=world.signing, model=MODEL,
        version=release.version, environment=environment, actor="bob", reason="a test", now=LATER,
        conditions=frozenset({"always"}),
    )  # fmt: skip


def why(outcome: object) -> str:
    assert isinstance(outcome, Refused)
    return "\n".join(outcome.reasons)


def test_a_rejected_version_stays_out_and_the_refusal_says_who_and_why(world: World) -> None:
    release = world.release()
    allow(world)
    assert isinstance(reject(PLAIN, world.ledger, said()), Rejection)
    assert "v1 was rejected for production by carol on 2013-07-01: unfair to the small" in why(attempt(world, release))
    assert isinstance(attempt(world, release, "staging"), Promoted)
    assert "was rejected for production by carol" in why(allow(world, "emil"))
    with pytest.raises(DataInvalid):
        world.ledger.deploy(release, "production", actor="bob", reason="x", approvals=(), at=NOW)
    with pytest.raises(DataInvalid):
        world.approval(release, "emil")


def test_approvals_from_before_a_rejection_are_void_also_after_its_withdrawal(world: World) -> None:
    release = world.release()
    given_before = allow(world)
    assert isinstance(given_before, Approval)
    reject(PLAIN, world.ledger, said())
    assert isinstance(withdrawn(world, said("carol", "I misread the table")), tuple)
    assert "dora's is from before the rejection of 2013-07-01" in why(attempt(world, release))
    with pytest.raises(DataInvalid):
        world.ledger.deploy(
            release, "production", actor="bob", reason="x", approvals=[given_before.approval_id], at=NOW
        )
    assert isinstance(allow(world), Approval)
    assert isinstance(attempt(world, release), Promoted)


def test_every_rejection_has_to_be_withdrawn_and_another_one_stands_again(world: World) -> None:
    release = world.release()
    for person in ("carol", "emil"):
        reject(PLAIN, world.ledger, said(person))
    assert len(why(attempt(world, release)).splitlines()) == 2  # approvals aren't asked for: they would be void
    made = withdrawn(world, said("dora", "both are answered"))
    assert isinstance(made, tuple)
    assert len(made) == 2
    assert "no rejection for production that could be withdrawn" in why(withdrawn(world, said("dora")))
    allow(world)
    reject(PLAIN, world.ledger, said("emil", "still unfair"))
    assert "still unfair" in why(attempt(world, release))


def test_authors_may_reject_and_withdraw_their_own_word_and_nobody_elses(world: World) -> None:
    release = world.release()
    reject(PLAIN, world.ledger, said("alice"))
    assert isinstance(withdrawn(world, said("Alice ")), tuple)
    made = reject(PLAIN, world.ledger, said("carol"))
    assert isinstance(made, Rejection)
    for author in ("alice", "TOM"):
        assert "somebody else has to withdraw" in why(withdrawn(world, said(author)))
    world.ledger.withdraw(
        Withdrawal(
            rejection_id=made.rejection_id, model=MODEL, version=1, environment="production", withdrawn_by="alice",
            reason="mine", given_at=NOW,
        )
    )  # fmt: skip
    assert "alice's withdrawal doesn't count, being the author's own" in why(attempt(world, release))


def test_a_word_without_name_or_reason_or_about_nothing_is_wrong_input(world: World) -> None:
    world.release()
    for wrong in (said(" "), said(reason=" "), replace(said(), version=7), said(environment="moon")):
        with pytest.raises(DataInvalid):
            reject(PLAIN, world.ledger, wrong)
        with pytest.raises(DataInvalid):
            withdrawn(world, wrong)


def test_the_ledger_takes_a_rejection_once_and_a_withdrawal_of_exactly_it_once(world: World) -> None:
    world.release()
    made = reject(PLAIN, world.ledger, said())
    assert isinstance(made, Rejection)
    good = Withdrawal(
        rejection_id=made.rejection_id, model=MODEL, version=1, environment="production", withdrawn_by="dora",
        reason="fine", given_at=NOW,
    )  # fmt: skip
    with pytest.raises(DataInvalid):
        world.ledger.reject(made)
    with pytest.raises(DataInvalid):
        world.ledger.reject(replace(made, rejection_id="another", version=7))
    for wrong in (replace(good, rejection_id="another"), replace(good, environment="staging")):
        with pytest.raises(DataInvalid):
            world.ledger.withdraw(wrong)
    world.ledger.withdraw(good)
    with pytest.raises(DataInvalid):
        world.ledger.withdraw(good)
    assert list(world.ledger.rejections(MODEL, 1, "production")) == [replace(made, withdrawal=good)]
    assert list(world.ledger.rejections(MODEL, 1, "staging")) == []
    assert [entry.action for entry in world.ledger.audit()][-2:] == ["rejected", "rejection_withdrawn"]


def test_where_words_are_signed_an_unsigned_no_stands_and_an_unsigned_withdrawal_does_not_count(
    ledger: Ledger, tmp_path: Path
) -> None:
    signing = FakeSigning()
    world = World(ledger, FakeStore(tmp_path), SIGNED, signing)
    release = world.release()
    assert "counts signed rejections only" in why(reject(SIGNED, ledger, said()))
    made = reject(SIGNED, ledger, signed("carol", signing))
    assert isinstance(made, Rejection)
    assert why_not_said(signing, made, by="carol", now=NOW) == ""
    assert "counts signed withdrawals only" in why(withdrawn(world, said()))
    assert isinstance(withdrawn(world, signed("dora", signing)), tuple)
    assert "rejected" not in why(attempt(world, release))
    ledger.reject(replace(made, rejection_id="by a name alone", key_id="", signature=""))
    assert "rejected for production by carol" in why(attempt(world, release))
    ledger.withdraw(
        Withdrawal(
            rejection_id="by a name alone", model=MODEL, version=1, environment="production", withdrawn_by="dora",
            reason="fine", given_at=NOW,
        )
    )  # fmt: skip
    assert "dora's withdrawal isn't signed" in why(attempt(world, release))


def test_a_signature_on_one_word_is_none_on_another(ledger: Ledger, tmp_path: Path) -> None:
    signing = FakeSigning()
    World(ledger, FakeStore(tmp_path), SIGNED, signing).release()
    made = reject(SIGNED, ledger, signed("carol", signing))
    assert isinstance(made, Rejection)
    for name in ("rejection_id", "model", "environment", "evidence_digest", "policy_digest", "reason", "rejected_by"):
        assert message_of(replace(made, **{name: "other"})) != message_of(made)  # type: ignore[arg-type]
    assert message_of(replace(made, key_id="", signature="")) == message_of(made)


def test_a_rollback_passes_over_what_was_rejected(world: World) -> None:
    first, second, third = (world.release(text) for text in ("one", "two", "three"))
    for each in (first, second, third):
        world.ledger.deploy(each, "staging", actor="bob", reason="a test", approvals=(), at=NOW)
    reject(PLAIN, world.ledger, replace(said(environment="staging"), version=2))
    done = rollback(world.ledger, world.store, MODEL, "staging", actor="bob", reason="slow", now=NOW)
    assert isinstance(done, RolledBack)
    assert done.deployment.version == 1
    world.ledger.deploy(world.release("four"), "staging", actor="bob", reason="a test", approvals=(), at=NOW)
    reject(PLAIN, world.ledger, said(environment="staging"))
    none = why(rollback(world.ledger, world.store, MODEL, "staging", actor="bob", reason="slow", now=NOW))
    assert "no earlier version is good" in none
    assert "v1 was rejected for staging by carol" in none


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["approve", "reject", "withdraw"]),
        st.sampled_from(["alice", "carol", "dora"]),
        st.booleans(),
    ),
    max_size=7,
)


@given(STEPS)
@settings(max_examples=25, deadline=None)
def test_the_lock_opens_only_for_an_approval_by_another_after_the_last_no_was_withdrawn(
    steps: list[tuple[str, str, bool]],
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        signing = FakeSigning()
        world = World(FakeLedger(), FakeStore(Path(folder)), SIGNED, signing)
        release = world.release()
        standing: set[str] = set()
        approved: set[str] = set()
        for what, person, is_signed in steps:
            word = signed(person, signing) if is_signed else said(person)
            match what:
                case "approve":
                    done: object = approve(
                        SIGNED, ledger=world.ledger, model=MODEL, version=1, environment="production",
                        approver=person, now=NOW, signer=word.signer,
                    )  # fmt: skip
                    expected = is_signed and person != "alice" and not standing
                    approved |= {person} if expected else set()
                case "reject":
                    done = reject(SIGNED, world.ledger, word)
                    expected = is_signed
                    standing |= {person} if expected else set()
                    approved = set() if expected else approved
                case _:
                    done = withdrawn(world, word)
                    expected = is_signed and bool(standing) and (person != "alice" or standing == {"alice"})
                    standing = set() if expected else standing
            assert isinstance(done, Refused) != expected, (what, person, is_signed)
        assert isinstance(attempt(world, release), Promoted) == (bool(approved) and not standing)
