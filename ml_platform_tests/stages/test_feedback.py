"""Outcomes have to belong to predictions and to agree; without any, nothing is defined."""

from __future__ import annotations

from ml_platform.stages.feedback import judge_labels


def test_outcomes_of_unknown_predictions_and_contrary_ones_are_counted() -> None:
    labels = {"a": 1.0, "b": 0.0, "stray": 1.0}
    measured = judge_labels("tides", labels=labels, conflicting={"b"}, predicted=["a", "b", "c"])
    assert (measured.record.labels, measured.record.joined, measured.record.conflicting) == (3, 2, 1)
    found = {one.metric: one for one in measured.measurements}
    assert found["unknown_label_share"].value == 1 / 3
    assert found["label_conflict_share"].value == 1 / 3
    assert found["label_conflict_share"].n == 3


def test_without_outcomes_every_share_is_undefined() -> None:
    measured = judge_labels("tides", labels={}, conflicting=(), predicted=["a"])
    assert all(one.value is None for one in measured.measurements)


def test_the_digest_follows_the_outcomes() -> None:
    def digest(labels: dict[str, float]) -> str:
        return judge_labels("tides", labels=labels, conflicting=(), predicted=()).record.digest

    assert digest({"a": 1.0, "b": 0.0}) == digest({"b": 0.0, "a": 1.0})
    assert digest({"a": 1.0}) != digest({"a": 0.0})
