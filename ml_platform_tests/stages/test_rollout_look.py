"""Looks at a rollout: what is promoted, stopped, given up or goes on, from the lines of the traffic log."""

from __future__ import annotations

import dataclasses
import datetime as dt
import math
from typing import Any

import numpy as np
import pytest

from ml_platform.core.traffic import Label, Prediction
from ml_platform.policy.spec import Learner
from ml_platform.policy.strategy import Canary, Shadow
from ml_platform.stages.bounded_losses import bounded_losses
from ml_platform.stages.rollout_look import Continue, GiveUp, Look, Promote, Stop, look_at_rollout
from ml_platform.stages.rollout_traffic import Arms, Pairs, arms_of, pairs_of
from ml_platform_tests.stages.rollouts import CHALLENGER, CHAMPION, SINCE, Fault, canary, label, prediction, shadow

VERSIONS = (CHALLENGER, CHAMPION)
RULES: dict[str, Any] = {"error_margin": 0.02, "latency_margin": 0.5, "loss_margin": 0.5, "least_requests": 500}
HALF = Canary(kind="canary", weight=0.5, **RULES)
SHADOW = Shadow(kind="shadow", **RULES)


def learner(objective: str = "binary", **more: Any) -> Learner:
    said = {"kind": "lightgbm", "objective": objective, "seed": 1, "threads": 1, "rounds": 1, **more}
    return Learner.model_validate(said)


LOSS = bounded_losses(learner(), (), usual=None)


def looked(rules: Canary | Shadow, traffic: tuple[list[Prediction], dict[str, Label]], *, days: float = 1) -> Look:
    now = SINCE + dt.timedelta(days=days)
    if isinstance(rules, Canary):
        arms = arms_of(*traffic, versions=VERSIONS, weight=rules.weight, loss=LOSS)
        return look_at_rollout(rules, arms, since=SINCE, now=now)
    return look_at_rollout(rules, pairs_of(*traffic, versions=VERSIONS, loss=LOSS), since=SINCE, now=now)


@pytest.fixture(scope="module")
def equal() -> tuple[list[Prediction], dict[str, Label]]:
    return canary(6000, 0.5, Fault(), seed=1)


@pytest.fixture(scope="module")
def equal_pairs() -> tuple[list[Prediction], dict[str, Label]]:
    return shadow(3000, Fault(), seed=2)


def test_equal_versions_are_promoted_and_each_reason_names_its_measurement_and_size(
    equal: tuple[list[Prediction], dict[str, Label]],
) -> None:
    found = looked(HALF, equal)
    assert isinstance(found.decision, Promote)
    begins = [
        "proven within the margin of 2%: errors, of the requests: ", "proven within the margin of 50%: latency p95: ",
        "proven within the margin of 50%: latency p99: ", "proven within the margin of 10%: scores above the",
    ]  # fmt: skip
    assert all(reason.startswith(begin) for reason, begin in zip(found.decision.reasons, begins, strict=True)), (
        found.decision.reasons
    )
    assert all("(n = " in reason for reason in found.decision.reasons)
    assert [one.metric for one in found.measurements] == [
        "rollout_sample_ratio", "rollout_errors", "rollout_latency_p95", "rollout_latency_p99", "rollout_scores",
        "rollout_outcomes",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("fault", "monitor"),
    [
        (Fault(failures=0.1), "errors, of the requests"),
        (Fault(slower=3.0), "latency p95"),
        (Fault(bent=3.0), "scores above the champion's"),
        (Fault(lies=0.5), "loss"),
    ],
)
def test_what_is_worse_is_stopped_with_the_reason(fault: Fault, monitor: str) -> None:
    for rules, traffic in ((HALF, canary(2500, 0.5, fault, seed=3)), (SHADOW, shadow(2500, fault, seed=3))):
        found = looked(rules, traffic).decision
        assert isinstance(found, Stop)
        assert any(reason.startswith(f"proven worse: {monitor}") for reason in found.reasons)
        assert all(" at any look" in reason for reason in found.reasons)


def test_too_little_traffic_goes_on_and_is_given_up_when_its_days_are_over() -> None:
    few = canary(300, 0.5, Fault(), seed=4)
    found = looked(HALF, few).decision
    assert isinstance(found, Continue)
    assert found.reasons[0].startswith("the challenger has 1")
    assert found.reasons[0].endswith("requests, 500 are needed")
    assert any(
        reason.startswith("not yet proven within the margin of 2%: errors, of the requests: ")
        for reason in found.reasons
    )
    late = looked(HALF, few, days=14).decision
    assert isinstance(late, GiveUp)
    assert late.reasons == ("14.0 days have passed, 14 are allowed", *found.reasons)


def test_nothing_at_all_goes_on_and_then_is_given_up() -> None:
    for rules in (HALF, SHADOW):
        found = looked(rules, ([], {}))
        assert isinstance(found.decision, Continue)
        assert all(one.value is None and one.reason for one in found.measurements)
        assert isinstance(looked(rules, ([], {}), days=15).decision, GiveUp)


def test_outcomes_are_waited_for_when_the_model_file_asks_for_them(
    equal: tuple[list[Prediction], dict[str, Label]],
) -> None:
    asks = HALF.model_copy(update={"least_labels": 1000})
    assert isinstance(looked(asks, equal).decision, Promote)
    without = looked(asks, (equal[0], {})).decision
    assert isinstance(without, Continue)
    assert without.reasons[0] == "the challenger has 0 outcomes, 1,000 are needed"
    assert "loss: not known (no outcome has come yet; n = 0)" in without.reasons[1]


def test_requests_that_arent_sent_as_stated_end_the_trial_without_a_word_on_the_version(
    equal: tuple[list[Prediction], dict[str, Label]],
) -> None:
    lost = [one for row, one in enumerate(equal[0]) if one.route == "live" or row % 3]
    found = looked(HALF, (lost, equal[1])).decision
    assert isinstance(found, GiveUp)
    assert found.reasons[0].startswith("requests aren't sent as stated, so the two can't be compared: 3")


def test_a_shadow_is_promoted_when_nearly_all_requests_were_mirrored(
    equal_pairs: tuple[list[Prediction], dict[str, Label]],
) -> None:
    assert isinstance(looked(SHADOW, equal_pairs).decision, Promote)
    holes = [one for row, one in enumerate(equal_pairs[0]) if one.route == "live" or row % 11]
    found = looked(SHADOW, (holes, equal_pairs[1])).decision
    assert isinstance(found, Continue)
    (reason,) = found.reasons
    assert reason.startswith("at least 95% of the requests have to be mirrored: mirrored requests: 9")


def test_the_wrong_kind_of_traffic_raises() -> None:
    arms = arms_of([], {}, versions=VERSIONS, weight=0.5, loss=LOSS)
    with pytest.raises(TypeError, match="the traffic of a shadow is needed, not Arms"):
        look_at_rollout(SHADOW, arms, since=SINCE, now=SINCE)


def test_only_the_two_versions_count_and_a_line_that_comes_twice_once() -> None:
    lines = [
        prediction("b", 2, version=CHALLENGER, route="canary", status=500),
        prediction("a", 1, score=0.25),
        prediction("a", 1, score=0.25),
        prediction("other", 3, version=9),
        prediction("early", 0, version=CHALLENGER),
        prediction("mirror", 4, version=CHALLENGER, route="shadow", pair="a"),
    ]
    arms = arms_of(lines, {}, versions=VERSIONS, weight=0.5, loss=LOSS)
    assert arms.ours.tolist() == [False, True]
    assert arms.failed.tolist() == [0, 1]
    np.testing.assert_array_equal(arms.score, [0.25, math.nan])


def test_what_is_live_answered_for_a_canary_that_failed_is_no_request_of_the_champion() -> None:
    lines = [
        prediction("a", 1, version=CHALLENGER, route="canary", status=500, pair="b"),
        prediction("b", 1),
        prediction("c", 2),
    ]
    arms = arms_of(lines, {"b": label("b"), "c": label("c")}, versions=VERSIONS, weight=0.5, loss=LOSS)
    assert (arms.ours.tolist(), arms.failed.tolist()) == ([True, False], [1, 0])
    assert arms.outcome_ours.tolist() == [False]


def test_what_the_champion_answered_before_is_kept_apart() -> None:
    before = [
        prediction("old", -2, latency=0.5, score=0.1),
        prediction("failed", -1, status=500),
        prediction("other", -1, version=9),
    ]
    lines = [prediction("a", 1), prediction("x", 1, version=CHALLENGER, route="shadow", pair="a")]
    for traffic in (
        arms_of(lines, {}, versions=VERSIONS, weight=0.5, loss=LOSS, before=before),
        pairs_of(lines, {}, versions=VERSIONS, loss=LOSS, before=before),
    ):
        assert (traffic.past.latency.tolist(), traffic.past.score.tolist()) == ([0.5], [0.1])


def test_of_each_key_the_first_request_counts() -> None:
    lines = [
        prediction("a", 1, inputs={"carrier": "sea"}),
        prediction("b", 2, inputs={"carrier": "land"}, version=CHALLENGER, route="canary"),
        prediction("c", 3, inputs={"carrier": "sea"}),
        prediction("d", 4, inputs={"carrier": None}),
        prediction("e", 5, inputs={}),
    ]
    arms = arms_of(lines, {}, versions=VERSIONS, weight=0.5, loss=LOSS, key="carrier")
    assert arms.ours.tolist() == [False, True, False, False]


def test_outcomes_count_in_the_order_in_which_they_came_and_those_that_are_none_dont() -> None:
    lines = [prediction("a", 1, score=0.2), prediction("b", 2, version=CHALLENGER, route="canary", score=0.9)]
    said = {"b": label("b", 1.0), "lost": label("lost"), "a": label("a", 0.0)}
    arms = arms_of(lines, said, versions=VERSIONS, weight=0.5, loss=LOSS)
    assert arms.outcome_loss.tolist() == pytest.approx([0.01, 0.04])
    assert arms.outcome_ours.tolist() == [True, False]
    none = arms_of(lines, {"a": label("a", 7.0)}, versions=VERSIONS, weight=0.5, loss=LOSS)
    assert none.outcome_loss.size == none.outcome_ours.size == 0


def test_of_a_pair_the_first_outcome_counts_whichever_of_both_it_names() -> None:
    lines = [
        prediction("a", 1, score=0.2),
        prediction("x", 1, version=CHALLENGER, route="shadow", pair="a", score=0.4),
        prediction("b", 2),
        prediction("y", 2, version=CHALLENGER, route="shadow", pair="b", status=503),
        prediction("c", 3),
    ]
    said = {one: label(one, outcome) for one, outcome in (("x", 0.0), ("a", 1.0), ("b", 1.0), ("c", 1.0))}
    pairs = pairs_of(lines, said, versions=VERSIONS, loss=LOSS)
    assert (pairs.live, pairs.failed[0].tolist(), pairs.failed[1].tolist()) == (3, [0, 1], [0, 0])
    assert [side.tolist() for side in pairs.outcome_loss] == [pytest.approx([0.16]), pytest.approx([0.04])]


def test_losses_of_each_task_lie_between_0_and_1() -> None:
    classes = bounded_losses(learner("multiclass"), ("early", "late"), usual=None)
    made = [prediction(str(row), row, scores=scores) for row, scores in enumerate([(0.2, 0.8), (0.5, 0.5), (1.0,)])]
    np.testing.assert_allclose(classes(made, ["early", "lost", "early"]), [0.64, math.nan, math.nan])
    numbers = [prediction("a", 1, score=10.0), prediction("b", 2, score=1000.0)]
    lost = bounded_losses(learner("regression"), (), usual=5.0)
    assert lost(numbers, [12.0, 0.0]).tolist() == [0.05, 1.0]
    quantile = bounded_losses(learner("quantile", quantile=0.9), (), usual=1.0)
    assert quantile(numbers[:1], [14.0]).tolist() == [pytest.approx(0.45)]
    assert np.isnan(bounded_losses(learner("regression"), (), usual=None)(numbers, [1.0, 2.0])).all()


def test_the_arrays_of_a_look_are_those_of_arms_or_pairs() -> None:
    assert isinstance(arms_of([], {}, versions=VERSIONS, weight=0.1, loss=LOSS), Arms)
    assert isinstance(pairs_of([], {}, versions=VERSIONS, loss=LOSS), Pairs)


def test_a_challenger_that_abstains_where_the_champion_answers_has_not_failed_there() -> None:
    made, labels = canary(600, 0.5, Fault(), seed=4)
    silent = [
        dataclasses.replace(one, score=None) if one.route == "canary" and at % 2 else one for at, one in enumerate(made)
    ]
    plain, found = (arms_of(rows, labels, versions=VERSIONS, weight=0.5, loss=LOSS) for rows in (made, silent))
    assert found.failed.tolist() == plain.failed.tolist()
    assert np.isnan(found.score).sum() > np.isnan(plain.score).sum()
    assert found.outcome_loss.size < plain.outcome_loss.size
    pairs, outcomes = shadow(300, Fault(), seed=5)
    silent = [
        dataclasses.replace(one, score=None) if one.route == "shadow" and one.status < 300 else one for one in pairs
    ]
    both = pairs_of(silent, outcomes, versions=VERSIONS, loss=LOSS)
    assert both.failed[0].sum() == sum(one.status == 500 for one in pairs if one.route == "shadow")
    assert np.isnan(both.score[0]).all()
    assert both.outcome_loss[0].size == 0
    assert not isinstance(
        look_at_rollout(SHADOW, both, since=SINCE, now=SINCE + dt.timedelta(days=1)).decision, Promote
    )
