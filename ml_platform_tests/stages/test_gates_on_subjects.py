"""Gates that name their subjects: the lock, the platform and the auditors' program judge them as the run did."""

from __future__ import annotations

import copy
import itertools
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from ml_platform.core.measurement import Measurement
from ml_platform.core.records import EvidencePart
from ml_platform.policy.gates import AtLeast, AtMost, Gate
from ml_platform.policy.judge import judge
from ml_platform.policy.resolve import Policy, make_policy
from ml_platform.stages.attest import sign_evidence
from ml_platform.stages.examine import examine_part
from ml_platform.stages.promote import Promoted, promote
from ml_platform_tests.fakes.ledger import FakeLedger
from ml_platform_tests.fakes.store import FakeStore
from ml_platform_tests.stages.lock_world import MODEL, NOW, World, candidate, evidence_of, gates, parts, put_model
from ml_platform_tests.stages.test_attest import MAKING, SIGNING, auditors, platforms, signed_again, statements
from ml_platform_tests.stages.test_promote import register

SHARE = "feature_share"
FOUND = {"wind": 0.3, "hour": 0.02, "snow": 0.4, "rain": 0.28}
ALWAYS = frozenset({"always"})


def on(*subjects: str, most: float | None = None, severity: str = "block") -> Gate:
    """Return a gate on the share of features; at least 0.01 unless `most` is given."""
    limit = {"kind": "at_least", "limit": 0.01} if most is None else {"kind": "at_most", "limit": most}
    said = {
        **limit, "control": "CONTROL", "stage": "evaluation", "metric": SHARE, "severity": severity,
        "why": "a test", "next_step": "do better", "subjects": subjects or None,
    }  # fmt: skip
    return (AtLeast if most is None else AtMost).model_validate(said)


def policy_with(*more: Gate) -> Policy:
    named = {f"share_{place}": gate for place, gate in enumerate(more)}
    return make_policy({**gates(), **named}, (), {}, ("small",))


def shares(names: Iterable[str] = FOUND) -> list[Measurement]:
    return [Measurement(metric=SHARE, value=FOUND[name], n=100, subject=name) for name in names]


def judged(policy: Policy, found: Sequence[Measurement]) -> dict[str, EvidencePart]:
    """Return the parts of a candidate of which the evaluation measured shares, too."""
    made = parts(policy, candidate("a" * 64))
    part = made["evaluation"]
    measured = [*part.verdicts[0].measurements, *found]
    verdicts = judge(policy, "evaluation", measured, conditions=ALWAYS, now=NOW)
    return {**made, "evaluation": replace(part, verdicts=verdicts)}


GATES = {
    "two that share nothing": (on("wind"), on("hour", most=0.05)),
    "two that share one": (on("wind", "hour"), on("hour", "snow")),
    "one that names none after one that does": (on("hour"), on()),
    "three in a ring": (on("wind", "hour"), on("hour", "snow"), on("snow", "wind")),
    "one that warns of what nobody measured": (on("wind"), on("snwo", severity="warn")),
    "one of whose subjects one was measured": (on("hour"), on("wind", "sno", severity="warn"), on("wind")),
}


@pytest.mark.parametrize("name", GATES)
def test_gates_on_different_subjects_of_a_metric_open_as_the_run_said(name: str) -> None:
    policy = policy_with(*GATES[name])
    for order in itertools.islice(itertools.permutations(FOUND), 0, 24, 5):
        made = judged(policy, shares(order))
        evidence = evidence_of(policy, candidate("a" * 64), made)
        content = sign_evidence(SIGNING, evidence=evidence, policy=policy, making=MAKING)
        assert platforms(content) == []
        assert auditors(content) == []


def test_the_lock_opens_for_them(tmp_path: Path) -> None:
    policy = policy_with(on("wind"), on("hour", most=0.05), on("snwo", severity="warn"))
    world = World(FakeLedger(), FakeStore(tmp_path), policy)
    its_candidate = candidate(put_model(world.store))
    evaluated = replace(judged(policy, shares())["evaluation"], subject_digest=its_candidate.evaluation_digest)
    made = {**parts(policy, its_candidate), "evaluation": evaluated}
    release = register(world, evidence_of(policy, its_candidate, made))
    done = promote(
        policy, store=world.store, ledger=world.ledger, verifier=world.signing, model=MODEL, version=release.version,
        environment="production", actor="bob", reason="a test", now=NOW, conditions=ALWAYS,
    )  # fmt: skip
    assert isinstance(done, Promoted)


@pytest.mark.parametrize(
    ("first", "second", "said"),
    [
        (on("wind", "hour"), on("hour"), "was judged on other measurements than gate share_0"),
        (on(), on("hour"), "was judged on other measurements than gate share_0"),
        (on("hour"), on("sno", severity="warn"), "was judged on other measurements than gate share_0"),
    ],
)
def test_one_subject_with_two_values_is_refused_whoever_signed(first: Gate, second: Gate, said: str) -> None:
    policy = policy_with(first, second)
    good, other = judged(policy, shares()), judged(policy, [replace(one, value=0.5) for one in shares()])
    mixed = [
        after if after.gate == "share_1" else before
        for before, after in zip(good["evaluation"].verdicts, other["evaluation"].verdicts, strict=True)
    ]
    evaluation = replace(good["evaluation"], verdicts=tuple(mixed))
    found = examine_part(policy, "evaluation", evaluation, evaluation.subject_digest, holds=ALWAYS, now=NOW)
    assert [said in one.reason for one in found] == [True]
    evidence = evidence_of(policy, candidate("a" * 64), {**good, "evaluation": evaluation})
    content = sign_evidence(SIGNING, evidence=evidence, policy=policy, making=MAKING)
    assert platforms(content)
    assert any("judged on other measurements" in problem for problem in auditors(content))


def test_a_named_subject_can_not_be_left_out_whoever_signed() -> None:
    policy = policy_with(on("wind", "hour"))
    evidence = evidence_of(policy, candidate("a" * 64), judged(policy, shares()))
    content = sign_evidence(SIGNING, evidence=evidence, policy=policy, making=MAKING)
    provenance, summary = copy.deepcopy(statements(content))
    for part in summary["predicate"]["ml_platform_evidence"]["parts"]:
        for verdict in part["verdicts"]:
            if verdict["gate"] == "share_0":
                verdict["measurements"] = [one for one in verdict["measurements"] if one["subject"] != "hour"]
    forged = signed_again(provenance, summary)
    assert platforms(forged)
    assert any("share_0" in problem and "undecided" in problem for problem in auditors(forged))
