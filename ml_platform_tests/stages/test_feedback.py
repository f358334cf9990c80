"""Outcomes have to belong to predictions, to agree, and to be the target's; without any, nothing is defined."""

from __future__ import annotations

from ml_platform.stages.feedback import judge_labels
from ml_platform_tests.stages.toy import toy_spec

SPEC = toy_spec()


def test_outcomes_of_unknown_predictions_and_contrary_ones_are_counted() -> None:
    labels = {"a": 1.0, "b": 0.0, "stray": 1.0}
    measured = judge_labels(SPEC, labels=labels, conflicting={"b"}, predicted=["a", "b", "c"])
    assert (measured.record.labels, measured.record.joined, measured.record.conflicting) == (3, 2, 1)
    found = {one.metric: one for one in measured.measurements}
    assert found["unknown_label_share"].value == 1 / 3
    assert found["label_conflict_share"].value == 1 / 3
    assert found["label_conflict_share"].n == 3
    assert found["impossible_label_share"].value == 0


def test_without_outcomes_every_share_is_undefined() -> None:
    measured = judge_labels(SPEC, labels={}, conflicting=(), predicted=["a"])
    assert all(one.value is None for one in measured.measurements)


def test_an_outcome_that_the_target_cant_have_is_counted() -> None:
    contract = {"late": {"type": "category", "levels": ["none", "late", "2"], "role": "target"}}
    learner = {"kind": "lightgbm", "objective": "multiclass", "seed": 1, "threads": 1, "rounds": 1}
    several = toy_spec(contract=SPEC.model_dump(mode="json", exclude_none=True)["contract"] | contract, learner=learner)
    labels: dict[str, float | str] = {"a": "none", "b": "late", "c": 2.0, "d": "lost", "e": 0.0}
    (strange,) = (
        one
        for one in judge_labels(several, labels=labels, conflicting=(), predicted=labels).measurements
        if one.metric == "impossible_label_share"
    )
    assert (strange.value, strange.n) == (2 / 5, 5)
    two = judge_labels(SPEC, labels={"a": 1.0, "b": 0.5, "c": "late"}, conflicting=(), predicted=()).measurements
    assert two[-1].value == 2 / 3


def test_the_digest_follows_the_outcomes() -> None:
    def digest(labels: dict[str, float]) -> str:
        return judge_labels(SPEC, labels=labels, conflicting=(), predicted=()).record.digest

    assert digest({"a": 1.0, "b": 0.0}) == digest({"b": 0.0, "a": 1.0})
    assert digest({"a": 1.0}) != digest({"a": 0.0})
