"""Scores are measured with intervals, of all rows, of each group, with entities and with weights."""

from __future__ import annotations

import math
import re
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn import metrics

from ml_platform import evaluate, judge
from ml_platform.core.errors import DataInvalid
from ml_platform.core.measurement import Measurement
from ml_platform.core.verdict import Outcome
from ml_platform.stages.evaluation.evaluation import Evaluation
from ml_platform.stages.evaluation.weighted import weighted_area, weighted_precision
from ml_platform_tests.stages.evaluation.scored_people import people

SEEN = people(1500, 1)
RNG = np.random.default_rng(5)
CALIBRATION = ("expected_calibration_error", "calibration_slope", "calibration_intercept")
WEIGHTS = RNG.uniform(0.2, 3, SEEN.y.size)
CLASSES = RNG.dirichlet([1, 1, 1], 900)
TRUE_CLASSES = np.array([RNG.choice(3, p=row) for row in CLASSES])
NUMBERS = RNG.normal(size=700)
PREDICTED = NUMBERS + RNG.normal(scale=0.5, size=700)


def value_of(found: Evaluation, like: Measurement) -> float | None:
    """Return the value of the same metric and subject."""
    return next(one.value for one in found.measurements if (one.metric, one.subject) == (like.metric, like.subject))


def test_binary_metrics_are_scikit_learns() -> None:
    found = evaluate(SEEN.y, SEEN.better, task="binary", seed=3)
    decided = SEEN.better >= 0.5
    oracle = {
        "roc_auc": metrics.roc_auc_score(SEEN.y, SEEN.better),
        "average_precision": metrics.average_precision_score(SEEN.y, SEEN.better),
        "log_loss": metrics.log_loss(SEEN.y, SEEN.better),
        "brier": metrics.brier_score_loss(SEEN.y, SEEN.better),
        "accuracy": metrics.accuracy_score(SEEN.y, decided),
        "balanced_accuracy": metrics.balanced_accuracy_score(SEEN.y, decided),
        "precision": metrics.precision_score(SEEN.y, decided),
        "recall": metrics.recall_score(SEEN.y, decided),
        "f1": metrics.f1_score(SEEN.y, decided),
    }
    assert {name: found[name].value for name in oracle} == pytest.approx(oracle)
    assert all(found[name].low is not None and found[name].n > 0 for name in oracle)


def test_another_threshold_changes_the_decisions_alone() -> None:
    low, high = (evaluate(SEEN.y, SEEN.better, task="binary", threshold=at) for at in (0.3, 0.7))
    assert (low["recall"].value or 0) > (high["recall"].value or 0)
    assert low["roc_auc"] == high["roc_auc"]


def test_several_classes_numbers_and_quantiles_have_their_own_metrics() -> None:
    classes = evaluate(TRUE_CLASSES, CLASSES, task="multiclass")
    assert classes["macro_f1"].value == pytest.approx(
        metrics.f1_score(TRUE_CLASSES, CLASSES.argmax(axis=1), average="macro")
    )
    assert {one.subject for one in classes.measurements if one.metric == "class_recall"} == {"0", "1", "2"}
    numbers = evaluate(NUMBERS, PREDICTED.reshape(-1, 1), task="regression")
    assert numbers["r_squared"].value == pytest.approx(metrics.r2_score(NUMBERS, PREDICTED))
    quantile = evaluate(NUMBERS, PREDICTED, task="quantile", quantile=0.9)
    assert quantile["pinball_loss"].value == pytest.approx(metrics.mean_pinball_loss(NUMBERS, PREDICTED, alpha=0.9))


@pytest.mark.parametrize(
    ("task", "true", "score"),
    [
        ("binary", SEEN.y, SEEN.better),
        ("multiclass", TRUE_CLASSES, CLASSES),
        ("regression", NUMBERS, PREDICTED),
        ("quantile", NUMBERS, PREDICTED),
    ],
)
def test_weights_of_one_change_no_value_and_of_two_are_rows_twice(task: Any, true: Any, score: Any) -> None:
    plain = evaluate(true, score, task=task)
    same = evaluate(true, score, task=task, weights=np.ones(len(true)))
    twice = np.repeat(np.arange(len(true)), np.where(np.arange(len(true)) % 3 == 0, 2, 1))
    repeated = evaluate(np.asarray(true)[twice], np.asarray(score)[twice], task=task)
    weighed = evaluate(true, score, task=task, weights=np.where(np.arange(len(true)) % 3 == 0, 2.0, 1.0))
    told = [one for one in weighed.measurements if one.value is not None]
    unmeasured = {one.metric for one in weighed.measurements} - {one.metric for one in told}
    assert unmeasured <= {*CALIBRATION, "lift", "median_absolute_error", "top_label_calibration_error", "macro_roc_auc"}
    for one in told:
        ones, rows, copies = (value_of(found, one) for found in (same, plain, repeated))
        assert ones == pytest.approx(rows)
        assert one.value == pytest.approx(copies)
        assert one.low is not None
        assert one.low <= (one.value or 0) <= (one.high or math.inf)


def test_weighted_values_are_scikit_learns_and_intervals_like_the_bootstraps() -> None:
    found = evaluate(SEEN.y, SEEN.better, task="binary", weights=WEIGHTS, seed=2)
    decided = SEEN.better >= 0.5
    assert found["roc_auc"].value == pytest.approx(metrics.roc_auc_score(SEEN.y, SEEN.better, sample_weight=WEIGHTS))
    assert found["f1"].value == pytest.approx(metrics.f1_score(SEEN.y, decided, sample_weight=WEIGHTS))
    assert found["log_loss"].value == pytest.approx(metrics.log_loss(SEEN.y, SEEN.better, sample_weight=WEIGHTS))
    drawn = []
    for _ in range(300):
        rows = RNG.integers(0, SEEN.y.size, SEEN.y.size)
        drawn.append(metrics.recall_score(SEEN.y[rows], decided[rows], sample_weight=WEIGHTS[rows]))
    recall = found["recall"]
    assert (recall.low, recall.high) == pytest.approx(tuple(np.quantile(drawn, [0.025, 0.975])), abs=0.015)
    assert found["calibration_slope"].reason == "isn't measured with weights"
    perfect = evaluate([0, 1] * 40, [0.1, 0.9] * 40, task="binary", weights=[1.0, 2.0] * 40)
    assert 0.9 < (perfect["accuracy"].low or 0) < 1


def test_weighted_values_of_every_task_are_scikit_learns() -> None:
    decided = SEEN.better >= 0.5
    binary = evaluate(SEEN.y, SEEN.better, task="binary", weights=WEIGHTS)
    area = metrics.average_precision_score(SEEN.y, SEEN.better, sample_weight=WEIGHTS)
    assert binary["average_precision"].value == pytest.approx(area)
    assert binary["balanced_accuracy"].value == pytest.approx(
        metrics.balanced_accuracy_score(SEEN.y, decided, sample_weight=WEIGHTS)
    )
    weights = WEIGHTS[: TRUE_CLASSES.size]
    classes = evaluate(TRUE_CLASSES, CLASSES, task="multiclass", weights=weights)
    said = {"y_true": TRUE_CLASSES, "y_pred": CLASSES.argmax(axis=1), "sample_weight": weights}
    assert classes["macro_f1"].value == pytest.approx(metrics.f1_score(**said, average="macro"))
    assert classes["macro_precision"].value == pytest.approx(metrics.precision_score(**said, average="macro"))
    assert classes["class_recall"].value == pytest.approx(metrics.recall_score(**said, average=None)[0])
    weights = WEIGHTS[: NUMBERS.size]
    numbers = evaluate(NUMBERS, PREDICTED, task="regression", weights=weights)
    assert numbers["r_squared"].value == pytest.approx(metrics.r2_score(NUMBERS, PREDICTED, sample_weight=weights))
    error = metrics.root_mean_squared_error(NUMBERS, PREDICTED, sample_weight=weights)
    assert numbers["root_mean_squared_error"].value == pytest.approx(error)


def test_weights_that_are_all_one_leave_intervals_about_as_they_are() -> None:
    for task, true, score in (
        ("binary", SEEN.y, SEEN.better), ("multiclass", TRUE_CLASSES, CLASSES), ("regression", NUMBERS, PREDICTED),
    ):  # fmt: skip
        plain = evaluate(true, score, task=task)  # type: ignore[arg-type]
        same = evaluate(true, score, task=task, weights=np.ones(len(true)))  # type: ignore[arg-type]
        for one in (one for one in same.measurements if one.value is not None and not one.subject):
            known = plain[one.metric]
            width = (known.high or 0) - (known.low or 0)
            assert (one.high or 0) - (one.low or 0) == pytest.approx(width, rel=0.15), one.metric


def test_a_weighted_area_of_one_class_is_none() -> None:
    assert weighted_precision(np.zeros(3), np.arange(3.0), np.ones(3)) is None
    assert weighted_area(np.ones(3), np.arange(3.0), np.ones(3)) is None


def test_rows_of_one_entity_make_intervals_wider() -> None:
    entity = np.arange(SEEN.y.size) // 3
    first = (entity * 3).astype(int)
    copied = SEEN.y[first], SEEN.better[first]
    alone, together = evaluate(*copied, task="binary"), evaluate(*copied, task="binary", entity=entity)
    for metric in ("roc_auc", "log_loss", "accuracy", "expected_calibration_error"):
        one, other = alone[metric], together[metric]
        assert (other.high or 0) - (other.low or 0) > 1.2 * ((one.high or 0) - (one.low or 0)), metric
    weighed = evaluate(*copied, task="binary", entity=entity, weights=np.ones(entity.size))
    assert (weighed["log_loss"].low, weighed["log_loss"].high) == pytest.approx(
        (together["log_loss"].low, together["log_loss"].high)
    )
    assert "entity" in together.conditions


def test_each_group_is_measured_and_all_differences_hold_together() -> None:
    groups = {"sex": SEEN.sex, "rare": SEEN.rare}
    found = evaluate(SEEN.y, SEEN.better, task="binary", groups=groups)
    mine = next(one for one in found.by_group if one.metric == "roc_auc" and one.subject == "sex=f")
    rows = SEEN.sex == "f"
    assert mine.value == pytest.approx(metrics.roc_auc_score(SEEN.y[rows], SEEN.better[rows]))
    ratios = [one for one in found.measurements if one.metric == "selection_rate_ratio"]
    together = [one for one in found.measurements if one.metric == "intersection_selection_rate_ratio"]
    assert any("sex=f, rare=1" in one.subject for one in together)
    assert {(one.facts["comparisons"], one.confidence) for one in ratios} == {(2, 0.975)}
    assert {one.facts["comparisons"] for one in together} == {3}
    alone = evaluate(SEEN.y, SEEN.better, task="binary", groups=pd.Series(SEEN.sex, name="sex"))
    (ratio,) = [one for one in alone.measurements if one.metric == "selection_rate_ratio"]
    assert ratio.confidence == 0.95
    assert ratio.subject.startswith("sex=")
    assert evaluate(SEEN.y, SEEN.better, task="binary", groups=pd.DataFrame(groups)).by_group == found.by_group


@pytest.mark.parametrize(
    ("task", "true", "score", "metric"),
    [
        ("multiclass", TRUE_CLASSES, CLASSES, "group_accuracy_gap"),
        ("multiclass", TRUE_CLASSES + 3, CLASSES, "group_loss_gap"),
        ("regression", NUMBERS, PREDICTED, "group_bias_gap"),
        ("quantile", NUMBERS, PREDICTED, "group_loss_gap"),
    ],
)
def test_groups_are_compared_whatever_is_predicted(task: Any, true: Any, score: Any, metric: str) -> None:
    found = evaluate(true, score, task=task, groups={"part": np.arange(len(true)) % 2})
    assert found[metric].subject.startswith("part")


COSTS = {"false_positive": 1, "false_negative": 2.0, "true_positive": -0.5}
TABLE = np.array([[0.0, 1, 2], [3, 0, 1], [5, 2, 0]])


def test_costs_are_those_of_the_confusion_matrix_and_the_gate_on_them_is_asked() -> None:
    found = evaluate(SEEN.y, SEEN.better, task="binary", threshold=0.3, costs=COSTS)
    shares = metrics.confusion_matrix(SEEN.y, SEEN.better >= 0.3, normalize="all")
    expected = shares[0, 1] + 2 * shares[1, 0] - shares[1, 1] / 2
    assert found["expected_cost"].value == pytest.approx(expected)
    always = min(2 * SEEN.y.mean(), 1 - 1.5 * SEEN.y.mean())
    assert found["expected_cost_gain"].value == pytest.approx(always - expected)
    assert {one.gate: one.outcome for one in judge(found)}["decisions_pay_off"] is Outcome.PASSED
    free = evaluate(SEEN.y, SEEN.better, task="binary")
    assert "expected_cost" not in {one.metric for one in free.measurements}
    assert "decisions_pay_off" not in {one.gate for one in judge(free)}


def test_decisions_that_are_always_the_cheapest_one_prove_nothing() -> None:
    found = evaluate(SEEN.y, SEEN.better, task="binary", threshold=1e-9, costs=COSTS)
    gain = found["expected_cost_gain"]
    assert (gain.value, gain.low, gain.high) == (0.0, None, None)
    assert {one.gate: one.outcome for one in judge(found)}["decisions_pay_off"] is Outcome.UNDECIDED


def test_several_classes_have_a_table_of_costs() -> None:
    found = evaluate(TRUE_CLASSES, CLASSES, task="multiclass", costs=TABLE.tolist())
    cost = TABLE[TRUE_CLASSES, CLASSES.argmax(axis=1)]
    assert found["expected_cost"].value == pytest.approx(cost.mean())
    assert found["expected_cost_gain"].value == pytest.approx(TABLE[TRUE_CLASSES].mean(axis=0).min() - cost.mean())
    unknown = evaluate([0, 1, 2], [[0.5, 0.5], [1.0, 0.0], [0.0, 1.0]], task="multiclass", costs=[[0, 1], [2, 0]])
    assert unknown["expected_cost"].reason == "1 of 3 rows are of a class without costs"


@pytest.mark.parametrize(
    ("task", "true", "score", "costs"),
    [("binary", SEEN.y, SEEN.better, COSTS), ("multiclass", TRUE_CLASSES, CLASSES, TABLE)],
)
def test_weighted_costs_are_those_of_rows_repeated(task: Any, true: Any, score: Any, costs: Any) -> None:
    twice = np.repeat(np.arange(len(true)), np.where(np.arange(len(true)) % 3 == 0, 2, 1))
    repeated = evaluate(np.asarray(true)[twice], np.asarray(score)[twice], task=task, costs=costs)
    weights = np.where(np.arange(len(true)) % 3 == 0, 2.0, 1.0)
    weighed = evaluate(true, score, task=task, weights=weights, costs=costs)
    for metric in ("expected_cost", "expected_cost_gain"):
        assert weighed[metric].value == pytest.approx(repeated[metric].value)


@pytest.mark.parametrize("minority", [0, 1, 2, 3, 30])
def test_fairness_of_a_small_group_is_undecided_and_never_a_crash(minority: int) -> None:
    rare = np.where(np.arange(SEEN.y.size) < minority, 1, 0)
    found = evaluate(SEEN.y, SEEN.better, task="binary", groups={"rare": rare})
    outcomes = {verdict.gate: verdict.outcome for verdict in judge(found)}
    assert outcomes["selection_rates_are_similar"] is Outcome.UNDECIDED


ODD: dict[str, tuple[Any, Any, str]] = {
    "one class": ([1, 1, 1], [0.2, 0.3, 0.9], "roc_auc"),
    "one row": ([1], [0.2], "roc_auc"),
    "no rows": ([], [], "roc_auc"),
    "constant scores": ([0, 1, 1], [0.5, 0.5, 0.5], "roc_auc"),
    "a score that is no number": ([0, 1, 1], [0.5, math.nan, 0.7], "accuracy"),
    "a score that is None": ([0, 1, 1], [0.5, None, 0.7], "accuracy"),
    "scores that are no probabilities": ([0, 1, 1], [5.0, -3.0, 0.7], "log_loss"),
    "outcomes that are no classes": ([0, 2, 1], [0.5, 0.4, 0.7], "roc_auc"),
    "an endless outcome": ([0, math.inf, 1], [0.5, 0.4, 0.7], "brier"),
}


@pytest.mark.parametrize("name", ODD)
def test_what_can_not_be_measured_is_undefined_and_judged_undecided(name: str) -> None:
    true, score, metric = ODD[name]
    found = evaluate(true, score, task="binary")
    assert found[metric].value is None
    assert found[metric].reason
    assert all(not verdict.outcome.opens for verdict in judge(found) if verdict.gate == "auc_is_sufficient")


def test_odd_numbers_and_300_classes_are_no_crash() -> None:
    assert evaluate([1.0, math.inf], [1.0, 2.0], task="regression")["mean_absolute_error"].value is None
    assert evaluate([1.0], [1.0], task="regression")["r_squared"].value is None
    many = RNG.dirichlet(np.ones(300), 400)
    found = evaluate(RNG.integers(0, 300, 400), many, task="multiclass")
    assert found["multiclass_log_loss"].value is not None
    assert found["macro_roc_auc"].reason
    nowhere = evaluate([0, 1, 2], [[0.5, math.nan], [1.0, 0.0], [0.0, 1.0]], task="multiclass")
    assert nowhere["class_accuracy"].value is None


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"task": "binry"}, "task is 'binry', which isn't known; did you mean 'binary'?"),
        ({"task": "clustering"}, "choose one of binary, multiclass, regression, quantile"),
        ({"y_true": ["a", "b"]}, "y_true holds values that are no numbers"),
        ({"y_score": [0.1]}, "y_score has 1 rows and y_true 2"),
        ({"y_score": [[0.1, 0.9], [0.2, 0.8]]}, "`predict_proba(x)[:, 1]`"),
        ({"y_true": [[0], [1]]}, "y_true has the shape (2, 1)"),
        ({"task": "multiclass"}, "y_score has the shape (2,); (n, classes)"),
        ({"entity": [1]}, "entity has the shape (1,); (2,) is needed"),
        ({"groups": {"sex": ["f"]}}, "groups['sex'] has the shape (1,)"),
        ({"groups": pd.DataFrame([[1, 2], [3, 4]], columns=["a", "a"])}, "groups has several columns named 'a'"),
        ({"weights": [1.0, 0.0]}, "1 of 2 weights aren't numbers > 0"),
        ({"weights": [1.0, 1.0], "groups": [1, 2]}, "groups with weights aren't compared"),
        ({"threshold": 1}, "threshold is 1; a number between 0 and 1"),
        ({"confidence": "0.95"}, "confidence is '0.95'"),
        ({"costs": {"false_positive": 1}}, "costs['false_negative']: field required; finite false_positive and"),
        ({"costs": {"false_positive": math.inf, "false_negative": 1}}, "costs['false_positive']"),
        ({"costs": {"false_positive": 1, "false_negative": 1, "hit": 1}}, "a name in costs is 'hit'"),
        ({"costs": [[0, 1]]}, "costs have the shape (1, 2); finite numbers of shape (2, 2) are needed"),
        ({"costs": [[0, 1], [math.nan, 0]]}, "finite numbers of shape (2, 2)"),
        ({"costs": COSTS, "task": "regression"}, "costs are given, but a number is no decision"),
        ({"costs": COSTS, "task": "multiclass", "y_score": np.eye(3)[:2]}, "but there are 3 classes"),
    ],
)
def test_arguments_that_make_no_sense_are_refused_in_words(arguments: dict[str, Any], words: str) -> None:
    good: dict[str, Any] = {"y_true": [0, 1], "y_score": [0.2, 0.7], "task": "binary"}
    with pytest.raises(DataInvalid, match=re.escape(words)):
        evaluate(**{**good, **arguments})


def test_an_evaluation_can_be_read_as_text_table_and_page() -> None:
    found = evaluate(SEEN.y, SEEN.better, task="binary", groups={"<b>": SEEN.sex})
    assert str(found).startswith("binary, 1,500 rows\n  roc_auc = 0.")
    assert "<b>" not in found._repr_html_().replace("<p><strong>", "")
    frame = found.to_frame()
    assert len(frame) == len(found.measurements) + len(found.by_group)
    assert list(frame["metric"].head(2)) == ["roc_auc", "average_precision"]
    with pytest.raises(DataInvalid, match="'auc' wasn't measured; there are roc_auc"):
        found["auc"]
