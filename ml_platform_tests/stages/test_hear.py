"""Only answers of a known source, which the record proves and nobody contradicts, are learned from."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from ml_platform.core.measured import Measured
from ml_platform.core.records import FeedbackRecord
from ml_platform.core.remark import Remark
from ml_platform.core.traffic import Outcome, Prediction
from ml_platform.policy.judge import judge
from ml_platform.policy.load import load_model
from ml_platform.policy.resolve import Policy
from ml_platform.stages import accept_feedback, sort_remarks
from ml_platform.stages.feedback_cells import source_name
from ml_platform.stages.hear import Heard, hear, keep_accepted, with_remarks
from ml_platform.stages.learn_from_feedback import Learned, read_learned
from ml_platform_tests.fakes.store import FakeStore
from ml_platform_tests.policy.files import NOW, write_model
from ml_platform_tests.stages.toy import toy_spec

SPEC = toy_spec()
N = 3000


@pytest.fixture(scope="module")
def policy(tmp_path_factory: pytest.TempPathFactory) -> Policy:
    return load_model(write_model(tmp_path_factory.mktemp("defs")), now=NOW).policy


def world(seed: int = 1) -> tuple[list[Prediction], dict[str, float]]:
    """Return predictions of a calibrated model, and what came true of each."""
    rng = np.random.default_rng(seed)
    scores, sites = rng.uniform(0.02, 0.6, N), rng.choice(["north", "south"], N)
    predictions = [
        Prediction(
            id=f"p{i:05}", at=NOW, event_time=NOW, model="toy", environment="production", version=1, model_digest="d",
            status=200, score=float(scores[i]), latency_seconds=0.1, inputs={"site": str(sites[i]), "load": float(i)},
        )
        for i in range(N)
    ]  # fmt: skip
    return predictions, {one.id: float(rng.random() < scores[i]) for i, one in enumerate(predictions)}


def remark(prediction_id: str, outcome: Outcome | None, *, by: str = "kim", at: dt.datetime | None = NOW) -> Remark:
    return Remark(prediction_id=prediction_id, outcome=outcome, by=by, at=at, heard_at=NOW)


def heard(policy: Policy, remarks: Sequence[Remark], truth: dict[str, float], predictions: list[Prediction]) -> Heard:
    return hear(SPEC, policy, remarks=remarks, truth=truth, predictions=predictions)


def test_a_source_that_the_record_proves_is_learned_from_where_the_record_says_nothing(policy: Policy) -> None:
    predictions, truth = world()
    record = {name: truth[name] for name in list(truth)[:1200]}
    found = heard(policy, [remark(name, truth[name]) for name in list(truth)[600:]], record, predictions)
    assert found.accepted.left_out == {accept_feedback.RECORDED: 600}
    assert len(found.accepted.labels) == 1800
    one = found.accepted.labels[0]
    assert (one.prediction_id, one.label, one.source) == ("p01200", truth["p01200"], source_name("kim"))
    assert one.remark == remark("p01200", truth["p01200"]).identity
    assert 0.99 < one.weight < 1
    verdicts = judge(
        policy, "feedback", found.measurements, conditions=frozenset({"feedback", "much_feedback", "binary"}), now=NOW
    )
    assert {one.outcome for one in verdicts if one.gate not in OF_LABELS} == {"passed"}


OF_LABELS = {"labels_belong_to_predictions", "labels_agree", "labels_are_possible"}


def test_what_isnt_proven_isnt_learned_from(policy: Policy) -> None:
    predictions, truth = world()
    everything = [remark(name, truth[name]) for name in truth]
    assert heard(policy, everything, {}, predictions).accepted.left_out == {accept_feedback.UNPROVEN: N}
    few = {name: truth[name] for name in list(truth)[:29]}
    unproven = heard(policy, everything, few, predictions).accepted
    assert unproven.left_out == {accept_feedback.RECORDED: 29, accept_feedback.UNPROVEN: N - 29}
    some = [remark(name, truth[name]) for name in list(truth)[:200]]
    record = {name: truth[name] for name in list(truth)[100:]}
    assert accept_feedback.UNTOLD in heard(policy, some, record, predictions).accepted.left_out


def test_a_source_that_turns_a_tenth_of_a_slice_round_teaches_nothing(policy: Policy) -> None:
    predictions, truth = world()
    rng = np.random.default_rng(2)
    record = {name: truth[name] for name in list(truth)[:1200]}
    turned = {
        one.id: truth[one.id] if one.inputs["site"] == "south" or rng.random() > 0.2 else 1 - truth[one.id]
        for one in predictions
    }
    told = [remark(name, turned[name]) for name in list(truth)[1100:]]
    told += [remark(name, truth[name]) for name in list(truth)[:1100]]
    found = heard(policy, told, record, predictions)
    assert set(found.accepted.left_out) == {accept_feedback.RECORDED, accept_feedback.STRANGE}
    assert found.accepted.labels == ()
    conditions = frozenset({"feedback", "much_feedback", "binary"})
    verdicts = {one.gate: one for one in judge(policy, "feedback", found.measurements, conditions=conditions, now=NOW)}
    assert verdicts["no_slice_is_turned_round"].closes
    assert "site = north" in verdicts["no_slice_is_turned_round"].reason


def test_nobody_never_and_contrary_words_are_left_out(policy: Policy) -> None:
    predictions, truth = world()
    record = {name: truth[name] for name in list(truth)[:1200]}
    told = [remark(name, truth[name]) for name in list(truth)[600:2990]]
    told += [remark("p02990", 1, by=""), remark("p02991", 1, at=None)]
    told += [remark("p02992", 1), remark("p02992", 0, by="lou"), remark("p02993", None)]
    found = heard(policy, told, record, predictions)
    left_out = found.accepted.left_out
    assert (left_out[accept_feedback.NOBODY], left_out[accept_feedback.NEVER]) == (1, 1)
    assert left_out[accept_feedback.CONTRARY] == 2
    metrics = {one.metric: one.value for one in found.measurements if not one.subject}
    assert metrics["feedback_conflict_share"] == pytest.approx(1 / 2393)
    assert metrics["feedback_without_source_share"] == pytest.approx(1 / 2394)


def test_what_cant_be_used_is_kept_aside_with_its_reason(policy: Policy) -> None:
    predictions, _ = world()
    refused = dataclasses.replace(predictions[1], status=422, score=None)
    late = NOW + dt.timedelta(days=1)
    told = [
        remark("nobody", 1), remark("p00000", 7), remark("p00000", 1, at=late), remark("p00001", 1),
        Remark(key={"load": 2.0}, outcome=1, heard_at=NOW), Remark(key={"site": "north"}, outcome=1, heard_at=NOW),
        Remark(key={"other": 2.0}, outcome=1, heard_at=NOW),
    ]  # fmt: skip
    found = heard(policy, told, {}, [predictions[0], refused, *predictions[2:]])
    assert [reason for _, reason in found.sorted.aside] == [
        sort_remarks.UNKNOWN, sort_remarks.IMPOSSIBLE, sort_remarks.FUTURE, sort_remarks.REFUSED,
        sort_remarks.SEVERAL, sort_remarks.UNKNOWN,
    ]  # fmt: skip
    assert [one.prediction.id for one in found.sorted.about] == ["p00002"]
    assert (found.is_told, found.is_much) == (True, False)


def test_accepted_labels_are_kept_and_named_by_the_record(policy: Policy, tmp_path: Path) -> None:
    predictions, truth = world()
    record = {name: truth[name] for name in list(truth)[:1200]}
    found = heard(policy, [remark(name, truth[name]) for name in truth], record, predictions)
    store = FakeStore(tmp_path)
    digest = keep_accepted(store, found.accepted)
    assert keep_accepted(store, found.accepted) == digest
    assert read_learned(store, digest) == Learned(digest=digest, labels=found.accepted.labels)
    plain = FeedbackRecord(model="toy", digest="d", labels=0, joined=0, conflicting=0)
    told = with_remarks(Measured(record=plain, measurements=()), found, digest).record
    assert (told.remarks, told.accepted, told.accepted_digest) == (N, len(found.accepted.labels), digest)
    assert told.digest != plain.digest


def test_without_a_remark_nothing_is_said(policy: Policy, tmp_path: Path) -> None:
    found = heard(policy, [], {}, [])
    assert (found.measurements, found.is_told, found.is_much) == ((), False, False)
    assert keep_accepted(FakeStore(tmp_path), found.accepted) == ""
    plain = Measured(record=FeedbackRecord(model="toy", digest="d", labels=0, joined=0, conflicting=0), measurements=())
    assert with_remarks(plain, found, "") == plain
    only_opinions = heard(policy, [Remark(prediction_id="p00000", rating=3, heard_at=NOW)], {}, world()[0])
    assert {one.reason for one in only_opinions.measurements if one.metric == "feedback_agreement"} == {
        "nobody said what came true"
    }
