"""A candidate is registered when a fresh process scores as its training did and no gate is closed."""

from __future__ import annotations

import datetime as dt
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from ml_platform.adapters.artefacts import FileArtefacts
from ml_platform.core.measurement import Measurement
from ml_platform.core.records import EvaluationRecord, Evidence, ReleaseRecord, SnapshotRecord, SourceFingerprint
from ml_platform.core.verdict import Outcome
from ml_platform.policy.conditions import conditions_of
from ml_platform.policy.gates import AtMost, Gate, Holds
from ml_platform.policy.judge import judge
from ml_platform.policy.resolve import Policy, make_policy
from ml_platform.stages.evidence import part_of, read_evidence
from ml_platform.stages.ingredients import Ingredients, measure_completeness
from ml_platform.stages.objection import Refused
from ml_platform.stages.promote import Promoted, promote
from ml_platform.stages.release import ReleaseMade, make_release
from ml_platform.stages.train import train
from ml_platform_tests.fakes.ledger import FakeLedger
from ml_platform_tests.fakes.signing import FakeSigning
from ml_platform_tests.fakes.tracker import FakeTracker
from ml_platform_tests.stages.lock_world import gate
from ml_platform_tests.stages.toy import NOW, repository, stored, toy_spec

SPEC = toy_spec()


@dataclass(frozen=True, slots=True)
class Trained:
    home: Path
    ingredients: Ingredients


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    return train_in(tmp_path_factory.mktemp("trained"))


def train_in(home: Path) -> Trained:
    store = FileArtefacts(home / "home")
    features, split = stored(store, SPEC)
    model = train(
        SPEC,
        store=store,
        features=features,
        tracker=FakeTracker(),
        actor="alice",
        now=NOW,
        root=repository(home / "repository"),
    ).record
    evaluation = EvaluationRecord(
        model=SPEC.model, digest="e" * 64, model_digest=model.digest, split_digest=split.digest, rows=100
    )
    for kind, digest in (("splits", split.digest), ("evaluations", evaluation.digest)):
        store.put(kind, digest, {"it.json": b"{}"})
    source = SourceFingerprint(model=SPEC.model, digest="5" * 64, tables={}, size_bytes=1, modified_at=None)
    snapshot = SnapshotRecord(
        model=SPEC.model,
        digest=split.snapshot_digest,
        rows=1200,
        columns=(),
        source_digest=source.digest,
        contract_digest="",
        as_of=None,
    )
    return Trained(
        store.home,
        Ingredients(
            source=source, snapshot=snapshot, split=split, features=features, model=model, evaluation=evaluation
        ),
    )


def holds(metric: str) -> Gate:
    return Holds(kind="holds", control="CONTROL", stage="release", metric=metric, why="a test", next_step="do better")


def limited(metric: str, limit: float, when: str = "always") -> Gate:
    return AtMost.model_validate(
        {
            "kind": "at_most",
            "metric": metric,
            "limit": limit,
            "when": when,
            "stage": "release",
            "control": "CONTROL",
            "why": "a test",
            "next_step": "do better",
        }
    )


def policy(largest_bytes: int = 10_000_000) -> Policy:
    return make_policy(
        {
            "split_is_good": gate("split"),
            "it_loads": holds("loads_in_clean_process"),
            "it_scores_the_same": limited("clean_scores_equal", 0.0),
            "it_is_small": limited("artefact_size_bytes", largest_bytes),
            "it_is_quick": limited("scoring_latency_p99_seconds", 5.0),
            "it_is_lean": limited("peak_memory_bytes", 4e9),
            "it_is_complete": holds("version_complete"),
            "callers_need_not_change": limited("interface_breaks", 0.0, "champion"),
            "incidents_are_answered": limited("incident_missed", 0.0, "incidents"),
        },
        (),
        {},
        ("small",),
    )


class World:
    """One trained candidate with a ledger of its own."""

    def __init__(self, trained: Trained, home: Path) -> None:
        shutil.copytree(trained.home, home)
        self.store = FileArtefacts(home)
        self.ledger = FakeLedger()
        self.tracker = FakeTracker()
        self.signing = FakeSigning()
        self.ingredients = trained.ingredients
        self.judge_split()

    def judge_split(self, value: float = 0.9, its_policy: Policy | None = None) -> None:
        its_policy = its_policy or policy()
        measured = [Measurement(metric="split_metric", value=value, n=9)]
        conditions = conditions_of(SPEC)
        verdicts = judge(its_policy, "split", measured, conditions=conditions, now=NOW)
        subject = self.ingredients.split.digest
        part = part_of("split", subject, its_policy, verdicts, conditions=conditions, now=NOW)
        self.ledger.record_part(SPEC.model, part)

    def release(self, its_policy: Policy | None = None, *, now: dt.datetime = NOW) -> ReleaseMade:
        return make_release(
            SPEC,
            its_policy or policy(),
            store=self.store,
            ledger=self.ledger,
            tracker=self.tracker,
            signing=self.signing,
            ingredients=self.ingredients,
            actor="alice",
            now=now,
            run_id="run7",
        )

    def promote(self, release: ReleaseRecord) -> Promoted | Refused:
        return promote(
            policy(),
            store=self.store,
            ledger=self.ledger,
            verifier=self.signing,
            model=SPEC.model,
            version=release.version,
            environment="production",
            actor="bob",
            reason="a test",
            now=NOW,
            conditions=conditions_of(SPEC),
        )

    def deploy_model(self, model_digest: str) -> None:
        """Register a version around another model and make it live in production."""
        candidate = replace(self.ingredients.candidate, model_digest=model_digest)
        evidence = Evidence(candidate=candidate, policy_digest="", parts=(), made_at=NOW, trained_by="alice")
        release = self.ledger.record_release(evidence, "e" * 64, actor="alice", at=NOW)
        self.ledger.deploy(release, "production", actor="bob", reason="a test", approvals=(), at=NOW)


@pytest.fixture
def world(trained: Trained, tmp_path: Path) -> World:
    return World(trained, tmp_path / "home")


def registered(made: ReleaseMade) -> ReleaseRecord:
    assert isinstance(made.outcome, ReleaseRecord), made.outcome
    return made.outcome


def value(made: ReleaseMade, metric: str) -> float | None:
    return next(each.value for each in made.measurements if each.metric == metric)


def outcomes(made: ReleaseMade) -> Mapping[str, Outcome]:
    return {verdict.gate: verdict.outcome for verdict in made.verdicts}


def test_a_good_candidate_is_registered_with_evidence_that_opens_the_lock(world: World) -> None:
    made = world.release()
    release = registered(made)
    assert (release.version, release.released_by, made.unchanged) == (1, "alice", False)
    assert release.candidate == world.ingredients.candidate
    assert value(made, "clean_scores_equal") == 0.0
    assert value(made, "loads_in_clean_process") == value(made, "version_complete") == 1.0
    assert outcomes(made)["callers_need_not_change"] is Outcome.NOT_APPLICABLE
    evidence = read_evidence(world.store, release.evidence_digest)
    assert [part.stage for part in evidence.parts] == ["split", "release"]
    assert evidence.parts[1].run_id == "run7"
    assert world.tracker.released == {(SPEC.model, 1): world.ingredients.model.run_id}
    assert isinstance(world.promote(release), Promoted)


def test_the_same_candidate_again_is_the_same_version_without_measuring_anew(world: World) -> None:
    first = world.release()
    world.tracker.released.clear()
    shutil.rmtree(world.store.home / "features")  # what a fresh measurement would need
    world.store.put("features", world.ingredients.features.digest, {"it.json": b"{}"})
    again = world.release(now=NOW + dt.timedelta(days=1))
    assert (again.outcome, again.unchanged) == (first.outcome, True)
    assert not world.tracker.released
    assert len(world.ledger.releases(SPEC.model)) == 1


def test_a_closed_gate_of_any_stage_registers_nothing_and_names_all(world: World) -> None:
    strict = policy(largest_bytes=10)
    world.judge_split(0.1, strict)
    made = world.release(strict)
    assert isinstance(made.outcome, Refused)
    assert [reason.split()[1] for reason in made.outcome.reasons] == ["split_is_good", "it_is_small"]
    assert outcomes(made)["it_is_small"] is Outcome.FAILED
    assert world.ledger.releases(SPEC.model) == ()
    entry = world.ledger.last("release_refused", subject=SPEC.model)
    assert entry is not None
    assert entry.payload["reasons"] == list(made.outcome.reasons)


def test_a_gate_that_never_ran_registers_nothing(world: World) -> None:
    world.ledger.parts.clear()
    made = world.release()
    assert isinstance(made.outcome, Refused)
    assert made.outcome.outcome == "undecided"
    assert "gate split_is_good (split) never ran on this candidate" in made.outcome.reasons[0]


def test_a_model_that_was_altered_does_not_load_and_is_measured_anew_when_it_was_restored(world: World) -> None:
    text = world.store.home / "models" / world.ingredients.model.digest / "scoring.json"
    before = text.read_bytes()
    text.write_bytes(before[:-1] + bytes([before[-1] ^ 1]))
    made = world.release()
    assert isinstance(made.outcome, Refused)
    assert value(made, "loads_in_clean_process") == 0.0
    assert outcomes(made)["it_scores_the_same"] is Outcome.UNDECIDED
    text.write_bytes(before)
    registered(world.release())


def test_a_version_that_misses_something_is_not_complete(world: World) -> None:
    assert measure_completeness(world.store, world.ingredients).value == 1.0
    shutil.rmtree(world.store.home / "evaluations")
    missing = measure_completeness(world.store, world.ingredients)
    assert missing.value == 0.0
    assert "evaluations/" in str(missing.facts["flaws"])


@pytest.mark.parametrize(
    ("what", "change", "flaw"),
    [
        ("snapshot", {"source_digest": "x"}, "taken from another source"),
        ("split", {"snapshot_digest": "x"}, "split is of another snapshot"),
        ("features", {"split_digest": "x"}, "features are of another split"),
        ("features", {"code_digest": ""}, "code_digest is unknown"),
        ("model", {"features_digest": "x"}, "learned from other features"),
        ("model", {"run_id": ""}, "isn't tracked"),
        ("evaluation", {"model_digest": "x"}, "another model was evaluated"),
        ("evaluation", {"split_digest": "x"}, "evaluated on another split"),
    ],
)
def test_records_that_do_not_belong_together_are_not_complete(
    world: World, what: str, change: dict[str, str], flaw: str
) -> None:
    changed = replace(world.ingredients, **{what: replace(getattr(world.ingredients, what), **change)})
    found = measure_completeness(world.store, changed)
    assert found.value == 0.0
    assert flaw in str(found.facts["flaws"])


def test_a_candidate_after_a_live_version_must_answer_its_callers(world: World) -> None:
    first = registered(world.release())
    other = "a" * 64
    digest = first.candidate.model_digest
    files = {name: world.store.read("models", digest, name) for name in world.store.names("models", digest)}
    world.store.put("models", other, files)
    world.deploy_model(other)
    made = world.release()
    assert outcomes(made)["callers_need_not_change"] is Outcome.PASSED
    release = registered(made)
    assert (release.version, made.unchanged) == (3, False)  # its evidence says more than the first one's
    assert isinstance(world.promote(first), Refused)
    assert isinstance(world.promote(release), Promoted)


def test_a_candidate_that_is_live_already_is_compared_with_nothing_and_stays_as_it_is(world: World) -> None:
    first = registered(world.release())
    assert isinstance(world.promote(first), Promoted)
    again = world.release(now=NOW + dt.timedelta(days=1))
    assert (again.outcome, again.unchanged) == (first, True)
    assert outcomes(again)["callers_need_not_change"] is Outcome.NOT_APPLICABLE


def test_a_live_version_stays_as_it_is_when_it_is_evaluated_again_without_the_one_it_followed(world: World) -> None:
    first = registered(world.release())
    world.promote(first)
    alone = replace(world.ingredients.evaluation, digest="d" * 64)
    world.store.put("evaluations", alone.digest, {"it.json": b"{}"})
    world.ingredients = replace(world.ingredients, evaluation=alone)
    again = world.release(now=NOW + dt.timedelta(days=1))
    assert (again.outcome, again.unchanged, again.candidate) == (first, True, first.candidate)
    assert len(again.verdicts) == len(policy().gates_of("release"))
    assert isinstance(world.release(policy(largest_bytes=9_000_000)).outcome, Refused)  # never judged by this policy


def test_a_live_version_whose_evidence_is_spoiled_gets_a_new_version(world: World) -> None:
    first = registered(world.release())
    world.promote(first)
    shutil.rmtree(world.store.home / "evidence" / first.evidence_digest)
    assert registered(world.release(now=NOW + dt.timedelta(days=1))).version == 2


def test_a_tracker_that_is_down_stops_no_release_and_is_told_later(world: World) -> None:
    world.tracker.down = True
    made = world.release()
    release = registered(made)
    assert "isn't in the tracker yet" in made.problems[0]
    world.tracker.down = False
    assert world.release().problems == ()
    assert world.tracker.released == {(SPEC.model, release.version): world.ingredients.model.run_id}


def test_spoiled_evidence_needs_a_new_version(world: World) -> None:
    first = registered(world.release())
    shutil.rmtree(world.store.home / "evidence" / first.evidence_digest)
    again = registered(world.release(now=NOW + dt.timedelta(days=1)))
    assert again.version == 2
