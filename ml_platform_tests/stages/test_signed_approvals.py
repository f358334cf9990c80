"""Signed approvals: only a person's own signature on exactly this, in time, once, counts - and two of them open."""

from __future__ import annotations

import datetime as dt
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ml_platform.adapters.ledger import SqliteLedger
from ml_platform.core.errors import DataInvalid
from ml_platform.core.ports import Approval
from ml_platform.core.records import ReleaseRecord
from ml_platform.core.signed_word import message_of, sign_word, why_not_said
from ml_platform.stages.approve import approve
from ml_platform.stages.objection import Refused
from ml_platform.stages.promote import Promoted, promote
from ml_platform_tests.fakes.ledger import FakeLedger
from ml_platform_tests.fakes.signing import FakeSigning, private_key
from ml_platform_tests.fakes.store import FakeStore
from ml_platform_tests.stages.lock_world import MODEL, NOW, World, policy

LATER = NOW + dt.timedelta(days=1)
POLICY = policy(approvals={"production": 2}, signed=True)


def world_in(folder: Path) -> tuple[World, FakeSigning]:
    signing = FakeSigning()
    return World(FakeLedger(), FakeStore(folder), POLICY, signing), signing


@pytest.fixture
def both(tmp_path: Path) -> tuple[World, FakeSigning]:
    return world_in(tmp_path)


def word(release: ReleaseRecord, approver: str, nonce: str = "") -> Approval:
    return Approval(
        approval_id=nonce or f"nonce of {approver}",
        model=MODEL,
        version=release.version,
        environment="production",
        evidence_digest=release.evidence_digest,
        policy_digest=POLICY.digest,
        approver=approver,
        given_at=NOW,
        expires_at=NOW + dt.timedelta(days=7),
    )


def signed(signing: FakeSigning, release: ReleaseRecord, approver: str) -> Approval:
    return sign_word(word(release, approver), signing.person(approver))


def attempt(world: World, release: ReleaseRecord, now: dt.datetime = LATER) -> Promoted | Refused:
    return promote(
        world.policy, store=world.store, ledger=world.ledger, verifier=world.signing, model=MODEL,
        version=release.version, environment="production", actor="bob", reason="a test", now=now,
        conditions=frozenset({"always"}),
    )  # fmt: skip


def test_two_people_s_signatures_open_the_lock(both: tuple[World, FakeSigning]) -> None:
    world, signing = both
    release = world.release()
    for approver in ("carol", "dora"):
        given = approve(
            POLICY, ledger=world.ledger, model=MODEL, version=1, environment="production", approver=approver, now=NOW,
            signer=signing.person(approver),
        )  # fmt: skip
        assert isinstance(given, Approval)
        assert why_not_said(signing, given, by=given.approver, now=NOW) == ""
    assert isinstance(attempt(world, release), Promoted)


def test_a_name_alone_is_no_signed_word(both: tuple[World, FakeSigning]) -> None:
    world, _ = both
    world.release()
    refused = approve(
        POLICY, ledger=world.ledger, model=MODEL, version=1, environment="production", approver="carol", now=NOW
    )
    assert isinstance(refused, Refused)
    assert "counts signed approvals only" in refused.reasons[0]


Spoil = Callable[[FakeSigning, Approval], Approval]


def another_evidence(signing: FakeSigning, good: Approval) -> Approval:
    return sign_word(replace(good, evidence_digest="99" * 32), signing.person(good.approver))


def another_policy(signing: FakeSigning, good: Approval) -> Approval:
    return sign_word(replace(good, policy_digest="99" * 32), signing.person(good.approver))


def expired(signing: FakeSigning, good: Approval) -> Approval:
    return sign_word(replace(good, expires_at=LATER), signing.person(good.approver))


def own(signing: FakeSigning, good: Approval) -> Approval:
    return sign_word(replace(good, approver="alice"), signing.person("alice"))


def unsigned(signing: FakeSigning, good: Approval) -> Approval:
    return replace(good, key_id="", signature="")


def nonsense(signing: FakeSigning, good: Approval) -> Approval:
    return replace(good, signature="nonsense")


def by_somebody_else_s_key(signing: FakeSigning, good: Approval) -> Approval:
    return sign_word(good, signing.person("carol"))


def by_an_unknown_key(signing: FakeSigning, good: Approval) -> Approval:
    return sign_word(good, private_key("mallory"))


def by_the_platform_s_key(signing: FakeSigning, good: Approval) -> Approval:
    return sign_word(good, private_key("platform"))


def made_longer(signing: FakeSigning, good: Approval) -> Approval:
    return replace(good, expires_at=good.expires_at + dt.timedelta(days=900))


def for_elsewhere_before(signing: FakeSigning, good: Approval) -> Approval:
    elsewhere = sign_word(replace(good, environment="staging"), signing.person(good.approver))
    return replace(elsewhere, environment="production")


def of_another_model(signing: FakeSigning, good: Approval) -> Approval:
    other = sign_word(replace(good, model="parcels"), signing.person(good.approver))
    return replace(other, model=good.model)


def of_another_version(signing: FakeSigning, good: Approval) -> Approval:
    other = sign_word(replace(good, version=7), signing.person(good.approver))
    return replace(other, version=good.version)


def replayed_under_another_nonce(signing: FakeSigning, good: Approval) -> Approval:
    return replace(good, approval_id="another nonce")


def retired(signing: FakeSigning, good: Approval) -> Approval:
    signing.retire(good.key_id, NOW + dt.timedelta(hours=1))
    return good


SPOILS: dict[Spoil, str] = {
    another_evidence: "other evidence or another policy",
    another_policy: "other evidence or another policy",
    expired: "was valid until",
    own: "the author's own",
    unsigned: "isn't signed",
    nonsense: "of another content",
    by_somebody_else_s_key: "isn't one of dora's keys",
    by_an_unknown_key: "isn't one of dora's keys",
    by_the_platform_s_key: "isn't one of dora's keys",
    made_longer: "of another content",
    for_elsewhere_before: "of another content",
    of_another_model: "of another content",
    of_another_version: "of another content",
    replayed_under_another_nonce: "of another content",
    retired: "was retired on",
}


@pytest.mark.parametrize("spoil", SPOILS, ids=lambda spoil: spoil.__name__)
def test_what_is_not_exactly_a_person_s_signed_word_does_not_count(
    both: tuple[World, FakeSigning], spoil: Spoil
) -> None:
    world, signing = both
    release = world.release()
    world.ledger.approve(signed(signing, release, "carol"))
    world.ledger.approve(spoil(signing, signed(signing, release, "dora")))
    refused = attempt(world, release)
    assert isinstance(refused, Refused)
    assert SPOILS[spoil] in refused.reasons[0]
    assert "needs 2 signed approvals for production" in refused.reasons[0]


def test_one_is_not_two_and_the_same_person_twice_is_one(both: tuple[World, FakeSigning]) -> None:
    world, signing = both
    release = world.release()
    for nonce in ("first", "second"):
        world.ledger.approve(sign_word(word(release, "carol", nonce), signing.person("carol")))
        refused = attempt(world, release)
        assert isinstance(refused, Refused)
        assert "it has 1 (carol)" in refused.reasons[0]


def test_a_used_word_opens_nothing_again_and_can_not_be_written_again(tmp_path: Path) -> None:
    signing = FakeSigning()
    ledger = SqliteLedger(tmp_path / "ledger.sqlite", clock=lambda: NOW)
    world = World(ledger, FakeStore(tmp_path), POLICY, signing)
    release = world.release()
    words = [signed(signing, release, approver) for approver in ("carol", "dora")]
    for each in words:
        ledger.approve(each)
    assert [replace(each, used_at=None) for each in ledger.approvals(MODEL, 1, "production")] == words
    assert isinstance(attempt(world, release), Promoted)
    assert all(each.used_at for each in ledger.approvals(MODEL, 1, "production"))
    with pytest.raises(DataInvalid):
        ledger.approve(words[0])
    ledger.deploy(world.release("other trees"), "production", actor="bob", reason="x", approvals=(), at=NOW)
    with pytest.raises(DataInvalid, match="was used already"):
        ledger.deploy(release, "production", actor="bob", reason="x", approvals=[words[0].approval_id], at=NOW)
    ledger.close()


def test_the_signature_covers_every_field_but_its_use(both: tuple[World, FakeSigning]) -> None:
    world, signing = both
    good = signed(signing, world.release(), "carol")
    assert message_of(replace(good, used_at=NOW, rejected_at=NOW)) == message_of(good)
    for name in ("approval_id", "model", "environment", "evidence_digest", "policy_digest", "approver"):
        assert message_of(replace(good, **{name: "other"})) != message_of(good)  # type: ignore[arg-type]


def test_a_wrong_signature_does_not_count_even_where_none_is_asked_for(tmp_path: Path) -> None:
    signing = FakeSigning()
    world = World(FakeLedger(), FakeStore(tmp_path), policy(approvals={"production": 1}), signing)
    release = world.release()
    plain = replace(word(release, "carol"), policy_digest=world.policy.digest)
    world.ledger.approve(sign_word(plain, private_key("mallory")))
    assert isinstance(attempt(world, release), Refused)
    world.ledger.approve(replace(plain, approval_id="another"))
    assert isinstance(attempt(world, release), Promoted)


WORDS = st.lists(
    st.tuples(st.sampled_from(["carol", "dora", "emil"]), st.none() | st.sampled_from(list(SPOILS))), max_size=4
)


@given(WORDS)
@settings(max_examples=30, deadline=None)
def test_the_lock_opens_for_two_different_people_s_good_words_only(words: list[tuple[str, Spoil | None]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        world, signing = world_in(Path(folder))
        release = world.release()
        good: set[str] = set()
        gone = {approver for approver, spoil in words if spoil is retired}
        for number, (approver, spoil) in enumerate(words):
            its = sign_word(word(release, approver, str(number)), signing.person(approver))
            said = spoil(signing, its) if spoil else its
            if said.approval_id not in world.ledger.given:  # type: ignore[attr-defined]
                world.ledger.approve(said)
            by_own_key = spoil is by_somebody_else_s_key and approver == "carol"
            if (spoil is None or by_own_key) and approver not in gone:
                good.add(approver)
        assert isinstance(attempt(world, release), Promoted) == (len(good) >= 2)
