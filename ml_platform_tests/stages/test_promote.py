"""The promotion lock: only a version whose own evidence proves every gate goes live."""

from __future__ import annotations

import datetime as dt
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ml_platform.core.digest import digest_of_bytes
from ml_platform.core.errors import DataInvalid
from ml_platform.core.hold import Hold
from ml_platform.core.ports import Approval
from ml_platform.core.records import DeploymentRecord, Evidence, EvidencePart, ReleaseRecord
from ml_platform.core.verdict import Outcome, Severity
from ml_platform.policy.gates import Waiver
from ml_platform.policy.resolve import Policy, make_policy
from ml_platform.stages.approve import approve
from ml_platform.stages.evidence import STAGES
from ml_platform.stages.objection import Refused
from ml_platform.stages.promote import Promoted, promote
from ml_platform.stages.reject import Said, reject, withdraw
from ml_platform_tests.fakes.ledger import FakeLedger
from ml_platform_tests.fakes.store import FakeStore
from ml_platform_tests.stages.lock_world import (
    ALL_STAGES,
    MODEL,
    NOW,
    World,
    candidate,
    evidence_of,
    gate,
    gates,
    part,
    parts,
    policy,
    put_model,
)


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(FakeLedger(), FakeStore(tmp_path), policy())


def attempt(
    world: World,
    release: ReleaseRecord,
    environment: str = "production",
    *,
    its_policy: Policy | None = None,
    now: dt.datetime = NOW,
    conditions: frozenset[str] = frozenset({"always"}),
    fewer_approvals: str = "",
) -> Promoted | Refused:
    return promote(
        its_policy or world.policy,
        store=world.store,
        ledger=world.ledger,
        verifier=world.signing,
        model=MODEL,
        version=release.version,
        environment=environment,
        actor="bob",
        reason="a test",
        now=now,
        conditions=conditions,
        fewer_approvals=fewer_approvals,
    )


def reasons(outcome: Promoted | Refused) -> str:
    assert isinstance(outcome, Refused)
    return "\n".join(outcome.reasons)


@pytest.mark.parametrize("environment", ["staging", "production"])
def test_a_version_that_passed_every_gate_goes_live(world: World, environment: str) -> None:
    release = world.release()
    promoted = attempt(world, release, environment)
    assert isinstance(promoted, Promoted)
    assert not promoted.unchanged
    assert world.ledger.live(MODEL, environment) == promoted.deployment
    assert promoted.deployment.model_digest == release.candidate.model_digest


def test_promoting_what_is_live_changes_nothing_and_says_so(world: World) -> None:
    release = world.release()
    first = attempt(world, release)
    again = attempt(world, release)
    assert isinstance(first, Promoted)
    assert again == Promoted(deployment=first.deployment, unchanged=True)
    assert len(world.ledger.history(MODEL, "production")) == 1


def test_a_repeated_promotion_writes_nothing_to_the_audit(world: World) -> None:
    release = world.release()
    attempt(world, release)
    before = list(world.ledger.audit())
    attempt(world, release)
    assert list(world.ledger.audit()) == before


def still_live_but_refused(world: World, outcome: Promoted | Refused, environment: str = "production") -> str:
    """Return the reasons, having seen that the version stays live and that the audit tells of the refusal."""
    assert isinstance(outcome, Refused)
    head = f"flights v1 is live in {environment}, but would be refused today: "
    assert all(each.startswith(head) and each.endswith("; roll back or release again") for each in outcome.reasons)
    live = world.ledger.live(MODEL, environment)
    assert live is not None
    assert live.version == 1
    assert len(world.ledger.history(MODEL, environment)) == 1
    entry = world.ledger.last("promotion_refused", subject=f"flights@{environment}")
    assert entry is not None
    assert entry.payload["reasons"] == list(outcome.reasons)
    return reasons(outcome)


@pytest.mark.parametrize("environment", ["staging", "production"])
def test_what_is_live_is_refused_once_its_model_was_altered(world: World, tmp_path: Path, environment: str) -> None:
    release = world.release()
    attempt(world, release, environment)
    (tmp_path / "models" / release.candidate.model_digest / "model.txt").write_text("other trees")
    assert "isn't intact" in still_live_but_refused(world, attempt(world, release, environment), environment)


def test_what_is_live_is_refused_once_its_evidence_was_altered(world: World, tmp_path: Path) -> None:
    release = world.release()
    attempt(world, release)
    file = tmp_path / "evidence" / release.evidence_digest / "evidence.json"
    file.write_bytes(file.read_bytes().replace(b"passed", b"waived"))
    assert "altered" in still_live_but_refused(world, attempt(world, release))


def test_what_is_live_is_refused_once_the_policy_is_another(world: World) -> None:
    release = world.release()
    attempt(world, release, "staging")
    stricter = make_policy({**gates(), "more": gates()["split_is_good"]}, (), {}, ("small",))
    refused = attempt(world, release, "staging", its_policy=stricter)
    assert "was made under policy" in still_live_but_refused(world, refused, "staging")
    assert isinstance(refused, Refused)
    assert refused.outcome == "undecided"


def test_what_is_live_is_refused_once_its_waiver_has_run_out(tmp_path: Path) -> None:
    waiver = Waiver(gate="split_is_good", owner="dora", reason="known and harmless", expires=dt.date(2013, 7, 3))
    world = World(FakeLedger(), FakeStore(tmp_path), policy(waivers=[waiver]))
    release = world.release(values={"split": 0.1})
    assert isinstance(attempt(world, release), Promoted)
    assert "expired" in still_live_but_refused(world, attempt(world, release, now=NOW + dt.timedelta(days=3)))


def test_what_is_live_in_staging_is_refused_once_it_was_barred_in_production(world: World) -> None:
    first, second = world.release("one"), world.release("two")
    attempt(world, second, "staging")
    for each in (first, second):
        world.ledger.deploy(each, "production", actor="bob", reason="a test", approvals=(), at=NOW)
    world.ledger.deploy(first, "production", actor="bob", reason="it was slow", approvals=(), bar=2, at=NOW)
    refused = reasons(attempt(world, second, "staging"))
    assert refused.startswith("flights v2 is live in staging, but would be refused today: flights v2 was barred")


def test_what_is_live_needs_no_new_approvals_nor_a_comparison_with_itself(tmp_path: Path) -> None:
    world = World(FakeLedger(), FakeStore(tmp_path), policy(approvals={"production": 1}))
    first, second = world.release("one"), world.release("two", conditions=("always", "champion"))
    for release in (first, second):
        world.approval(release, f"carol {release.version}")
        assert isinstance(attempt(world, release), Promoted)
        again = attempt(world, release, now=NOW + dt.timedelta(days=30))
        assert isinstance(again, Promoted)
        assert again.unchanged


def test_whoever_takes_the_second_person_out_of_the_policy_still_needs_one(tmp_path: Path) -> None:
    strict = World(FakeLedger(), FakeStore(tmp_path), policy(approvals={"production": 1}))
    first = strict.release("one")
    word = approve(
        strict.policy, ledger=strict.ledger, model=MODEL, version=first.version, environment="production",
        approver="carol", now=NOW,
    )  # fmt: skip
    assert isinstance(word, Approval)
    assert isinstance(attempt(strict, first), Promoted)
    loose = World(strict.ledger, strict.store, policy(), strict.signing)
    second = loose.release("two", conditions=("always", "champion"))
    said = reasons(attempt(loose, second))
    assert "needs 1 approval for production" in said
    assert "as v1 had (the policy now asks for less), it has none" in said
    assert "--with-fewer-approvals" in said
    gone = attempt(loose, second, fewer_approvals="carol left, and nobody else may")
    assert isinstance(gone, Promoted)
    told = loose.ledger.last("approvals_lowered", subject=f"{MODEL}@production")
    assert told is not None
    assert (told.payload["before"], told.payload["now"], told.actor) == (1, 0, "bob")
    third = loose.release("three", conditions=("always", "champion"))
    assert isinstance(attempt(loose, third, fewer_approvals="as before"), Promoted)
    assert loose.ledger.last("approvals_lowered", subject=f"{MODEL}@production") == told


def test_a_broken_audit_chain_stops_every_promotion(world: World) -> None:
    class Broken(FakeLedger):
        def problems(self) -> Sequence[str]:
            return ("audit entry 4 was edited", "audit entry 7 is missing")

    release = world.release()
    broken = Broken()
    broken.__dict__.update(world.ledger.__dict__)
    refused = attempt(World(broken, world.store, world.policy), release)
    assert "the audit chain is broken: audit entry 4 was edited (and 1 more)" in reasons(refused)
    assert "`ml-platform audit verify`" in reasons(refused)
    assert isinstance(refused, Refused)
    assert refused.outcome == "refused"
    assert broken.live(MODEL, "production") is None
    assert isinstance(attempt(world, release), Promoted)
    broken.__dict__.update(world.ledger.__dict__)
    assert "is broken" in still_live_but_refused(world, attempt(World(broken, world.store, world.policy), release))


@pytest.mark.parametrize("stage", STAGES)
def test_a_failed_gate_of_any_stage_refuses_and_is_audited(world: World, stage: str) -> None:
    refused = attempt(world, world.release(values={stage: 0.1}), "staging")
    assert isinstance(refused, Refused)
    assert refused.outcome == "refused"
    assert any(f"{stage}_is_good failed" in reason and "do better" in reason for reason in refused.reasons)
    entry = world.ledger.last("promotion_refused", subject="flights@staging")
    assert entry is not None
    assert entry.payload["reasons"] == list(refused.reasons)
    assert world.ledger.live(MODEL, "staging") is None


@pytest.mark.parametrize("stage", STAGES)
def test_an_undecided_gate_refuses_for_want_of_evidence(world: World, stage: str) -> None:
    refused = attempt(world, world.release(values={stage: None}), "staging")
    assert isinstance(refused, Refused)
    assert refused.outcome == "undecided"
    assert refused.exit_code == 3


def test_a_closed_gate_that_only_warns_does_not_refuse(world: World) -> None:
    release = world.release()
    assert any(
        part.verdicts[1].outcome is Outcome.FAILED
        for part in evidence(world, release).parts
        if part.stage == "evaluation"
    )
    assert isinstance(attempt(world, release), Promoted)


def test_production_needs_staging_to_have_been_verified(world: World) -> None:
    its_candidate = candidate(put_model(world.store))
    made = parts(world.policy, its_candidate)
    release = register(world, evidence_of(world.policy, its_candidate, made), leave_out="staging")
    assert "gate staging_is_good (staging) never ran on this candidate" in reasons(attempt(world, release))
    world.ledger.record_part(MODEL, part(world.policy, "staging", its_candidate.digest, 0.2))
    assert "staging_is_good failed" in reasons(attempt(world, release))
    world.ledger.record_part(MODEL, part(world.policy, "staging", its_candidate.digest))
    assert isinstance(attempt(world, release), Promoted)


def test_a_policy_that_changed_since_refuses(world: World) -> None:
    release = world.release()
    stricter = make_policy({**gates(), "more": gates()["split_is_good"]}, (), {}, ("small",))
    refused = attempt(world, release, its_policy=stricter)
    assert "was made under policy" in reasons(refused)
    assert isinstance(refused, Refused)
    assert refused.outcome == "undecided"


def test_a_policy_without_gates_proves_nothing(tmp_path: Path) -> None:
    world = World(FakeLedger(), FakeStore(tmp_path), make_policy({}, (), {}, ()))
    release = register(world, evidence_of(world.policy, candidate(put_model(world.store)), {}))
    assert "no gates" in reasons(attempt(world, release))


def test_a_waived_gate_opens_until_its_waiver_has_run_out(tmp_path: Path) -> None:
    waiver = Waiver(gate="split_is_good", owner="dora", reason="known and harmless", expires=dt.date(2013, 7, 3))
    world = World(FakeLedger(), FakeStore(tmp_path), policy(waivers=[waiver]))
    release = world.release(values={"split": 0.1})
    late = attempt(world, release, now=NOW + dt.timedelta(days=3))
    assert "split_is_good failed" in reasons(late)
    assert "expired" in reasons(late)
    assert isinstance(attempt(world, release, now=NOW + dt.timedelta(days=2)), Promoted)


def test_an_altered_or_missing_model_refuses(world: World, tmp_path: Path) -> None:
    release = world.release()
    file = tmp_path / "models" / release.candidate.model_digest / "model.txt"
    file.write_text("other trees")
    assert "isn't intact" in reasons(attempt(world, release))
    file.unlink()
    assert "isn't intact" in reasons(attempt(world, release))


def test_altered_or_missing_evidence_refuses(world: World, tmp_path: Path) -> None:
    release = world.release()
    file = tmp_path / "evidence" / release.evidence_digest / "evidence.json"
    file.write_bytes(file.read_bytes().replace(b"passed", b"waived"))
    assert "altered" in reasons(attempt(world, release))
    file.unlink()
    assert "is gone" in reasons(attempt(world, release))


@pytest.mark.parametrize("content", [b"[]", b"{", b'{"schema_version":2}', b""])
def test_what_is_no_evidence_bundle_refuses(world: World, content: bytes) -> None:
    good = evidence(world, world.release())
    world.store.put("evidence", digest_of_bytes(content), {"evidence.json": content})
    release = world.ledger.record_release(good, digest_of_bytes(content), actor="mallory", at=NOW)
    assert "not an evidence bundle" in reasons(attempt(world, release))


def test_a_bundle_with_unknown_keys_refuses(world: World) -> None:
    good = evidence(world, world.release())
    content = msgspec.json.encode(good)[:-1] + b',"also":1}'
    world.store.put("evidence", digest_of_bytes(content), {"evidence.json": content})
    release = world.ledger.record_release(good, digest_of_bytes(content), actor="mallory", at=NOW)
    assert "holds more than an evidence bundle" in reasons(attempt(world, release))


def test_a_barred_version_refuses(world: World) -> None:
    first, second = world.release("one"), world.release("two")
    attempt(world, first, "staging")
    attempt(world, second, "staging")
    world.ledger.deploy(first, "staging", actor="bob", reason="it was slow", approvals=(), bar=2, at=NOW)
    assert "barred: it was slow" in reasons(attempt(world, second))


def test_a_gate_that_the_model_file_makes_applicable_can_not_be_skipped(world: World) -> None:
    release = world.release()
    refused = attempt(world, release, conditions=frozenset({"groups"}))
    assert "gate groups_are_equal applies now" in reasons(refused)
    assert "evaluation was judged as if it didn't" in reasons(refused)
    assert isinstance(refused, Refused)
    assert refused.outcome == "undecided"
    assert isinstance(attempt(world, release), Promoted)


def test_a_gate_that_applied_when_it_was_judged_counts_whatever_is_said_now(world: World) -> None:
    release = world.release(values={"evaluation": 0.1}, conditions=("always", "groups"))
    assert "groups_are_equal failed" in reasons(attempt(world, release))


def test_a_condition_that_held_for_one_stage_held_for_all(tmp_path: Path) -> None:
    sometimes = gate("release", when="groups")
    its_policy = make_policy({**gates(), "callers_are_equal": sometimes}, (), {}, ("small",))
    world = World(FakeLedger(), FakeStore(tmp_path), its_policy)
    its_candidate = candidate(put_model(world.store))
    made = parts(its_policy, its_candidate)
    informed = part(its_policy, "evaluation", its_candidate.evaluation_digest, conditions=("always", "groups"))
    release = register(world, evidence_of(its_policy, its_candidate, {**made, "evaluation": informed}))
    assert "gate callers_are_equal applies now" in reasons(attempt(world, release))


def test_whoever_follows_a_live_version_in_production_was_compared_with_one(world: World) -> None:
    first, second = world.release("one"), world.release("two")
    assert isinstance(attempt(world, first), Promoted)
    assert isinstance(attempt(world, second, "staging"), Promoted)
    assert "gate champion_is_beaten applies now" in reasons(attempt(world, second))
    compared = world.release("two", conditions=("always", "champion"))
    assert isinstance(attempt(world, compared), Promoted)


def test_the_same_model_again_needs_no_comparison_with_itself(world: World) -> None:
    first = world.release("one")
    assert isinstance(attempt(world, first), Promoted)
    anew = replace(candidate(first.candidate.model_digest), git_commit="58" * 20)
    second = register(world, evidence_of(world.policy, anew, parts(world.policy, anew)))
    assert second.version == 2
    assert isinstance(attempt(world, second), Promoted)


def test_unknown_versions_and_environments_are_wrong_input(world: World) -> None:
    release = world.release()
    with pytest.raises(DataInvalid, match=r"flights v9 isn't registered; known: v1"):
        attempt(world, replace(release, version=9))
    with pytest.raises(DataInvalid, match="known: staging, production"):
        attempt(world, release, "prod")


def test_what_changes_between_looking_and_deploying_refuses(world: World) -> None:
    release = world.release()

    class Race(FakeLedger):
        def deploy(
            self,
            release: ReleaseRecord,
            environment: str,
            *,
            actor: str,
            reason: str,
            approvals: Sequence[str],
            bar: int | None = None,
            hold: Hold | None = None,
            rollout: str = "",
            at: dt.datetime,
        ) -> DeploymentRecord:
            raise DataInvalid("barred meanwhile")

    raced = Race()
    raced.__dict__.update(world.ledger.__dict__)
    assert "barred meanwhile" in reasons(attempt(World(raced, world.store, world.policy), release))


def evidence(world: World, release: ReleaseRecord) -> Evidence:
    content = world.store.read("evidence", release.evidence_digest, "evidence.json")
    return msgspec.json.decode(content, type=Evidence)


def register(world: World, its_evidence: Evidence, *, leave_out: str = "") -> ReleaseRecord:
    """Record parts and register evidence, as somebody would who can write to the ledger and the store."""
    for each in its_evidence.parts:
        world.ledger.record_part(MODEL, each)
    if leave_out != "staging" and "staging_is_good" in world.policy.gates:
        digest = its_evidence.candidate.digest
        world.ledger.record_part(MODEL, part(world.policy, "staging", digest))
    return world.register(its_evidence)


Damage = Callable[[EvidencePart], EvidencePart | None]


def _outcome(outcome: Outcome) -> Damage:
    return lambda its_part: replace(
        its_part, verdicts=(replace(its_part.verdicts[0], outcome=outcome), *its_part.verdicts[1:])
    )


def _told_otherwise(**changes: object) -> Damage:
    """Change what the first verdict says in words, of its limit or of what decided it."""
    return lambda its_part: replace(
        its_part,
        verdicts=(replace(its_part.verdicts[0], **changes), *its_part.verdicts[1:]),  # type: ignore[arg-type]
    )


def _value(value: float | None) -> Damage:
    def change(its_part: EvidencePart) -> EvidencePart:
        first = its_part.verdicts[0]
        worse = tuple(replace(each, value=value) for each in first.measurements)
        return replace(its_part, verdicts=(replace(first, measurements=worse), *its_part.verdicts[1:]))

    return change


DAMAGES: dict[str, Damage] = {
    "the part is missing": lambda _: None,
    "a verdict is missing": lambda its_part: replace(its_part, verdicts=its_part.verdicts[1:]),
    "a verdict is there twice": lambda its_part: replace(its_part, verdicts=its_part.verdicts + its_part.verdicts[:1]),
    "the verdict failed": _outcome(Outcome.FAILED),
    "the verdict is undecided": _outcome(Outcome.UNDECIDED),
    "the verdict is waived by nobody": _outcome(Outcome.WAIVED),
    "the verdict is not applicable": _outcome(Outcome.NOT_APPLICABLE),
    "the measurement says otherwise": _value(0.1),
    "the measurement is undefined": _value(None),
    "nothing was measured": lambda its_part: replace(
        its_part, verdicts=(replace(its_part.verdicts[0], measurements=()), *its_part.verdicts[1:])
    ),
    "the verdict only warns": lambda its_part: replace(
        its_part, verdicts=(replace(its_part.verdicts[0], severity=Severity.WARN), *its_part.verdicts[1:])
    ),
    "the verdict names another policy": lambda its_part: replace(
        its_part, verdicts=(replace(its_part.verdicts[0], policy_digest="99" * 32), *its_part.verdicts[1:])
    ),
    "the verdict gives another reason": _told_otherwise(reason="all is well"),
    "the verdict gives another limit": _told_otherwise(limit="none"),
    "the verdict hides what decided it": _told_otherwise(worst=None),
    "a measurement is there twice": lambda its_part: replace(
        its_part,
        verdicts=(
            replace(its_part.verdicts[0], measurements=its_part.verdicts[0].measurements * 2),
            *its_part.verdicts[1:],
        ),
    ),
    "the conditions are left out": lambda its_part: replace(its_part, conditions=()),
    "another gate's verdict": lambda its_part: replace(
        its_part, verdicts=(replace(its_part.verdicts[0], gate="another"), *its_part.verdicts[1:])
    ),
    "another subject": lambda its_part: replace(its_part, subject_digest="99" * 32),
    "another policy": lambda its_part: replace(its_part, policy_digest="99" * 32),
    "another stage": lambda its_part: replace(its_part, stage="monitoring"),
}


CONDITIONS = st.sets(st.sampled_from(["groups", "champion"])).map(lambda some: frozenset({"always", *some}))


@settings(max_examples=100, deadline=None)
@given(
    damage=st.dictionaries(st.sampled_from(STAGES), st.sampled_from(sorted(DAMAGES)), max_size=3),
    approvals=st.sampled_from(
        ["good", "used", "expired", "own", "other policy", "too few", "same person", "rejected", "void"]
    ),
    environment=st.sampled_from(["staging", "production"]),
    judged_under=CONDITIONS,
    holds=CONDITIONS,
)
def test_only_complete_evidence_with_valid_approvals_opens_the_lock(
    damage: dict[str, str], approvals: str, environment: str, judged_under: frozenset[str], holds: frozenset[str]
) -> None:
    with tempfile.TemporaryDirectory() as home:
        world = World(FakeLedger(), FakeStore(Path(home)), policy(approvals={"production": 2}))
        its_candidate = candidate(put_model(world.store))
        made = parts(world.policy, its_candidate, conditions=judged_under)
        damaged = {stage: DAMAGES[damage[stage]](each) if stage in damage else each for stage, each in made.items()}
        kept = {stage: each for stage, each in damaged.items() if each is not None}
        release = register(world, evidence_of(world.policy, its_candidate, kept))
        give_approvals(world, release, approvals)
        outcome = attempt(world, release, environment, conditions=holds)
        expected = not damage and holds <= judged_under and (approvals == "good" or environment == "staging")
        assert isinstance(outcome, Promoted) == expected, (damage, approvals, judged_under, holds, outcome)
        assert (world.ledger.live(MODEL, environment) is not None) == expected


@pytest.mark.parametrize("hidden", ["groups", "champion"])
@pytest.mark.parametrize("claimed", [True, False])
def test_no_gate_can_be_hidden_as_not_applicable(world: World, hidden: str, *, claimed: bool) -> None:
    its_candidate = candidate(put_model(world.store))
    true = ("always", "champion", "groups")
    made = parts(world.policy, its_candidate, conditions=true)
    left = tuple(each for each in true if each != hidden)
    blind = part(world.policy, "evaluation", its_candidate.evaluation_digest, conditions=left)
    made["evaluation"] = replace(blind, conditions=true) if claimed else blind
    release = register(world, evidence_of(world.policy, its_candidate, made))
    refused = reasons(attempt(world, release, conditions=frozenset(true)))
    assert "is recorded as not_applicable, but its measurements say passed" in refused or not claimed
    assert "applies now" in refused or claimed


def give_approvals(world: World, release: ReleaseRecord, kind: str) -> None:
    world.approval(release, "carol")
    match kind:
        case "good":
            world.approval(release, "dora")
        case "used":
            used = world.approval(release, "dora")
            world.ledger.given["dora-1"] = replace(used, used_at=NOW)  # type: ignore[attr-defined]
        case "expired":
            world.approval(release, "dora", expires_at=NOW)
        case "own":
            world.approval(release, "Alice ")
        case "other policy":
            world.approval(release, "dora", policy_digest="99" * 32)
        case "same person":
            world.approval(release, "CAROL")
        case "rejected" | "void":
            world.approval(release, "dora")
            its = Said(model=MODEL, version=1, environment="production", person="emil", reason="no", now=NOW)
            reject(world.policy, world.ledger, its)
            if kind == "void":
                withdraw(world.policy, world.ledger, its, trained_by="")
        case _:
            pass


@pytest.mark.parametrize("stage", ALL_STAGES)
def test_verdicts_that_the_ledger_never_recorded_refuse(world: World, stage: str) -> None:
    its_candidate = candidate(put_model(world.store))
    made = parts(world.policy, its_candidate)
    for name, each in made.items():
        if name != stage:
            world.ledger.record_part(MODEL, each)
    its_evidence = evidence_of(world.policy, its_candidate, made)
    release = world.register(its_evidence, actor="mallory")
    assert "never" in reasons(attempt(world, release))
