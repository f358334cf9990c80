"""Two models are compared on the same rows, and judged by a margin or a policy."""

from __future__ import annotations

import math
import re
from typing import Any

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.contingency_tables import mcnemar

from ml_platform import compare, evaluate, judge
from ml_platform.core.errors import DataInvalid
from ml_platform.core.verdict import Outcome
from ml_platform.policy.resolve import make_policy
from ml_platform.policy.shipped import shipped_policy
from ml_platform.stages.evaluation import paired
from ml_platform.stages.evaluation.paired import METRICS
from ml_platform_tests.stages.evaluation.scored_people import people

SEEN = people(1200, 2)
RNG = np.random.default_rng(9)
CLASSES = RNG.dirichlet([1, 1, 1], 600)
TRUE_CLASSES = np.array([RNG.choice(3, p=row) for row in CLASSES])
FLAT = np.full_like(CLASSES, 1 / 3) + 0.3 * (CLASSES - 1 / 3)
NUMBERS = RNG.normal(size=500)


def given(metric: str) -> tuple[Any, Any, Any]:
    """Return outcomes, a worse and a better prediction of them."""
    if METRICS[metric].takes == "classes":
        return TRUE_CLASSES, FLAT[:, [1, 0, 2]], CLASSES
    if METRICS[metric].takes == "number":
        return NUMBERS, NUMBERS + RNG.normal(scale=1.5, size=500), NUMBERS + RNG.normal(scale=0.5, size=500)
    return SEEN.y, SEEN.worse, SEEN.better


@pytest.mark.parametrize("metric", METRICS)
def test_the_gain_is_the_difference_of_the_two_and_positive_where_the_challenger_is_better(
    metric: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(paired, "REPETITIONS", 60)
    true, worse, better = given(metric)
    found = compare(true, worse, better, metric=metric, margin=0.01, seed=1)
    assert (found.estimate or 0) > 0
    task: Any = {"classes": "multiclass", "number": "regression", "probability": "binary"}[METRICS[metric].takes]
    if metric not in {"mean_squared_error", "pinball_loss"}:
        one, other = (evaluate(true, score, task=task)[metric].value for score in (better, worse))
        assert found.estimate == pytest.approx(abs((one or 0) - (other or 0)))
    turned = compare(true, better, worse, metric=metric, margin=0.01, seed=1)
    assert turned.estimate == pytest.approx(-(found.estimate or 0))
    low, high = found.interval
    assert low is not None
    assert high is not None
    assert low <= (found.estimate or 0) <= high
    assert 0 <= (found.p_value or 0) <= 1
    assert 0 < (found.power or 0) < 1
    assert (found.smallest_detectable or 0) > 0


def test_mean_losses_are_compared_by_students_paired_test() -> None:
    found = compare(SEEN.y, SEEN.worse, SEEN.better, metric="brier", margin=0.0)
    oracle = stats.ttest_rel((SEEN.worse - SEEN.y) ** 2, (SEEN.better - SEEN.y) ** 2)
    assert found.p_value == pytest.approx(oracle.pvalue)
    assert found.interval == pytest.approx(tuple(oracle.confidence_interval(0.95)))
    assert found.p_value_worse == pytest.approx(oracle.pvalue / 2)


def test_shares_of_right_decisions_are_compared_by_mcnemar() -> None:
    found = compare(SEEN.y, SEEN.worse, SEEN.better, metric="accuracy", margin=0.01)
    right = [(score >= 0.5) == SEEN.y for score in (SEEN.better, SEEN.worse)]
    table = [[int((a & b).sum()) for b in (right[1], ~right[1])] for a in (right[0], ~right[0])]
    exact = mcnemar(table, exact=True).pvalue
    assert exact / 1.5 < (found.p_value or 0) < exact


def test_entities_make_a_comparison_less_sure() -> None:
    first = (SEEN.entity * 3).astype(int)
    for metric in ("roc_auc", "accuracy", "log_loss", "f1"):
        rows = SEEN.y[first], SEEN.worse[first], SEEN.better[first]
        alone = compare(*rows, metric=metric, margin=0.01)
        together = compare(*rows, metric=metric, margin=0.01, entity=SEEN.entity)
        assert (together.smallest_detectable or 0) > 1.3 * (alone.smallest_detectable or 0), metric


def test_the_same_seed_gives_the_same_comparison() -> None:
    one, other = (compare(SEEN.y, SEEN.worse, SEEN.better, metric="f1", margin=0.0, seed=4) for _ in range(2))
    assert one == other


@pytest.mark.parametrize(
    ("champion", "challenger", "margin", "no_worse", "better"),
    [
        (SEEN.worse, SEEN.better, 0.01, Outcome.PASSED, Outcome.PASSED),
        (SEEN.better, SEEN.worse, 0.01, Outcome.FAILED, Outcome.FAILED),
        (SEEN.better, SEEN.better, 0.01, Outcome.PASSED, Outcome.FAILED),
        (SEEN.worse, SEEN.worse + RNG.normal(scale=0.02, size=1200), 0.02, Outcome.PASSED, Outcome.UNDECIDED),
        (SEEN.worse[:80], SEEN.worse[:80] + RNG.normal(scale=0.1, size=80), 0.0, Outcome.UNDECIDED, Outcome.UNDECIDED),
        (SEEN.worse, np.full(1200, np.nan), 0.01, Outcome.UNDECIDED, Outcome.UNDECIDED),
    ],
)
def test_a_comparison_is_judged_by_its_margin(
    champion: Any, challenger: Any, margin: float, no_worse: Outcome, better: Outcome
) -> None:
    found = compare(SEEN.y[: len(champion)], champion, challenger, metric="roc_auc", margin=margin)
    verdicts = judge(found)
    assert [verdict.outcome for verdict in verdicts] == [no_worse, better]
    assert [verdict.closes for verdict in verdicts] == [not no_worse.opens, False]


@pytest.mark.parametrize("metric", METRICS)
def test_a_model_is_no_worse_than_itself_and_never_better(metric: str) -> None:
    true, same, _ = (one[:200] for one in given(metric))
    found = compare(true, same, same, metric=metric, margin=0.05)
    no_worse, better = judge(found)
    assert found.estimate == 0
    assert str(no_worse.outcome) == "passed"
    assert str(better.outcome) in {"failed", "undecided"}
    assert better.limit == "> 0 over the whole interval"
    assert "≥ 0" not in better.reason
    assert ("no p-value: every row says the same" in found.text()) == (found.p_value is None)
    assert "?" not in found.text()


def test_a_comparison_without_a_p_value_says_why() -> None:
    undefined = compare([0, 1, 1], [0.2, math.nan, 0.9], [0.2, 0.3, 0.9], metric="log_loss", margin=0.01)
    assert "no p-value: the gain is undefined" in str(undefined)
    alone = compare([1.0], [0.2], [0.9], metric="mean_absolute_error", margin=0.01)
    assert "no p-value: the gain" in str(alone)
    flat = compare([0, 0, 0], [2.0, 2.0, 2.0], [1.0, 1.0, 1.0], metric="mean_absolute_error", margin=0.01)
    assert [str(one.outcome) for one in judge(flat)] == ["passed", "passed"]


def test_a_policy_judges_by_its_own_gates() -> None:
    policy = shipped_policy()
    found = compare(SEEN.y, SEEN.worse, SEEN.better, metric="roc_auc", margin=0.01)
    (verdict,) = judge(found, policy)
    assert (verdict.gate, verdict.outcome) == ("no_worse_than_champion", Outcome.PASSED)
    other = compare(SEEN.y, SEEN.worse, SEEN.better, metric="f1", margin=0.01)
    with pytest.raises(DataInvalid, match="no gate of the policy speaks of f1_gain"):
        judge(other, policy)
    few = make_policy({"auc_is_sufficient": policy.gates["auc_is_sufficient"]}, (), policy.approvals, policy.packs)
    assert [one.gate for one in judge(evaluate(SEEN.y, SEEN.better, task="binary"), few)] == ["auc_is_sufficient"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"metric": "auc"}, "metric is 'auc', which isn't known; "),
        ({"metric": "roc_auk"}, "did you mean 'roc_auc'?"),
        ({"margin": -0.1}, "margin is -0.1; a number ≥ 0 is needed"),
        ({"margin": math.nan}, "margin is nan"),
        ({"champion": [0.1]}, "champion has 1 rows and y_true 2"),
        ({"metric": "macro_f1"}, "challenger has the shape (2,); (n, classes)"),
    ],
)
def test_arguments_that_make_no_sense_are_refused_in_words(arguments: dict[str, Any], words: str) -> None:
    good: dict[str, Any] = {
        "y_true": [0, 1], "champion": [0.2, 0.7], "challenger": [0.3, 0.6], "metric": "roc_auc", "margin": 0.0,
    }  # fmt: skip
    with pytest.raises(DataInvalid, match=re.escape(words)):
        compare(**{**good, **arguments})


def test_classes_of_two_models_must_be_as_many() -> None:
    with pytest.raises(DataInvalid, match=re.escape("champion has the shape (600, 2), challenger (600, 3)")):
        compare(TRUE_CLASSES, CLASSES[:, :2], CLASSES, metric="macro_f1", margin=0.0)


@pytest.mark.parametrize("metric", ["log_loss", "brier", "accuracy", "f1", "roc_auc", "multiclass_log_loss"])
def test_predictions_that_are_no_numbers_leave_the_comparison_undefined(metric: str) -> None:
    true, worse, better = given(metric)
    spoilt = better.copy()
    spoilt[3] = math.nan
    found = compare(true, worse, spoilt, metric=metric, margin=0.01)
    assert found.estimate is None
    assert found.measurement.reason
    assert (found.p_value, found.power) == (None, None)
    assert "no p-value: the gain is undefined" in str(found)


def test_only_an_evaluation_or_a_comparison_is_judged_and_only_by_a_policy() -> None:
    wrong: Any = 0.7
    with pytest.raises(DataInvalid, match="judge: got a float; what evaluate"):
        judge(wrong)
    with pytest.raises(DataInvalid, match="judge: policy is a float; a Policy is needed"):
        judge(evaluate(SEEN.y, SEEN.better, task="binary"), wrong)


def test_a_comparison_can_be_read_as_text_table_and_page() -> None:
    found = compare(SEEN.y, SEEN.worse, SEEN.better, metric="log_loss", margin=0.01)
    assert str(found).startswith("log_loss: log_loss_gain = ")
    assert "for worse by 0.01" in str(found)
    (row,) = found.to_frame().to_dict("records")
    assert (row["metric"], row["n"], row["estimate"]) == ("log_loss", 1200, found.estimate)
    assert found._repr_html_().startswith("<p><strong>log_loss")
