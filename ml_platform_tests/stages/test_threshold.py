from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from ml_platform.core.errors import DataInvalid
from ml_platform.policy.spec import Costs, Deployment
from ml_platform.stages.threshold import choose_threshold
from ml_platform.stages.threshold_rule import (
    LargestYouden,
    LeastCost,
    PrecisionAtLeast,
    RecallAtLeast,
    SelectedShare,
    ThresholdRule,
    rule_of,
)

Floats = NDArray[np.float64]
SCORES = np.array([0.1, 0.2, 0.3, 0.4, 0.5])


def test_a_share_selects_the_highest_scores() -> None:
    found = choose_threshold(SCORES, np.zeros(5), SelectedShare(0.4))
    assert (found.value, found.selected_share, found.n) == (0.4, 0.4, 5)


def test_rows_of_equal_score_are_decided_alike() -> None:
    found = choose_threshold(np.array([0.1, 0.5, 0.5, 0.5]), np.zeros(4), SelectedShare(0.25))
    assert (found.value, found.selected_share) == (0.5, 0.75)


def test_a_share_of_nearly_nothing_still_selects_a_row() -> None:
    assert choose_threshold(SCORES, np.zeros(5), SelectedShare(0.0)).value == 0.5
    assert choose_threshold(SCORES, np.zeros(5), SelectedShare(1.0)).value == 0.1


def test_without_a_share_the_largest_youden_index_decides() -> None:
    found = choose_threshold(SCORES, np.array([0.0, 1.0, 0.0, 1.0, 1.0]), LargestYouden())
    assert found.value == 0.4
    assert "Youden" in found.rule


@given(st.lists(st.tuples(st.sampled_from([0.1, 0.2, 0.4, 0.9]), st.booleans()), min_size=2))
def test_no_other_score_has_a_larger_youden_index(rows: list[tuple[float, bool]]) -> None:
    score, target = np.array([row[0] for row in rows]), np.array([float(row[1]) for row in rows])
    if np.ptp(target) == 0:
        return

    def youden(at: float) -> float:
        return float((score >= at)[target == 1].mean() - (score >= at)[target == 0].mean())

    best = choose_threshold(score, target, LargestYouden()).value
    assert youden(best) == pytest.approx(max(youden(at) for at in score))


def test_no_rows_and_one_class_are_refused_with_a_way_out() -> None:
    with pytest.raises(DataInvalid, match="larger calibration part"):
        choose_threshold(np.array([]), np.array([]), LargestYouden())
    with pytest.raises(DataInvalid, match="one class"):
        choose_threshold(SCORES, np.ones(5), LargestYouden())


ROWS = st.lists(st.tuples(st.sampled_from([0.1, 0.2, 0.4, 0.7, 0.9]), st.booleans()), min_size=2, max_size=30)
COSTS = Costs(false_positive=1, false_negative=5, true_positive=-1, true_negative=0.5)


def two_classes(rows: list[tuple[float, bool]]) -> tuple[Floats, Floats]:
    """Return scores and outcomes, the last two rows of either class."""
    score, target = np.array([row[0] for row in rows]), np.array([float(row[1]) for row in rows])
    target[-2:] = 0.0, 1.0
    return score, target


def every_threshold(score: Floats) -> list[float]:
    return [float(np.nextafter(score.max(), np.inf)), *sorted(set(score.tolist()), reverse=True)]


def cost_of(score: Floats, target: Floats, at: float, costs: Costs) -> float:
    return sum(costs.matrix[int(true)][int(one >= at)] for one, true in zip(score, target, strict=True))


@given(ROWS)
def test_no_other_threshold_costs_less(rows: list[tuple[float, bool]]) -> None:
    score, target = two_classes(rows)
    chosen = choose_threshold(score, target, LeastCost(COSTS)).value
    costs = [cost_of(score, target, at, COSTS) for at in every_threshold(score)]
    assert cost_of(score, target, chosen, COSTS) == pytest.approx(min(costs))


@given(ROWS, st.sampled_from([0.2, 0.5, 1.0]))
def test_the_highest_threshold_with_the_wanted_recall_is_chosen(rows: list[tuple[float, bool]], least: float) -> None:
    score, target = two_classes(rows)
    kept = [at for at in set(score.tolist()) if (score >= at)[target == 1].mean() >= least]
    assert choose_threshold(score, target, RecallAtLeast(least)).value == max(kept)


@given(ROWS, st.sampled_from([0.2, 0.5, 1.0]))
def test_the_lowest_threshold_with_the_wanted_precision_is_chosen(rows: list[tuple[float, bool]], least: float) -> None:
    score, target = two_classes(rows)
    kept = [at for at in set(score.tolist()) if target[score >= at].mean() >= least]
    if kept:
        assert choose_threshold(score, target, PrecisionAtLeast(least)).value == min(kept)
    else:
        with pytest.raises(DataInvalid, match="the best is"):
            choose_threshold(score, target, PrecisionAtLeast(least))


def test_where_no_decision_pays_nobody_is_selected() -> None:
    found = choose_threshold(SCORES, np.array([1.0, 0, 0, 0, 0]), LeastCost(Costs(false_positive=9, false_negative=1)))
    assert found.value > SCORES.max()
    assert found.selected_share == 0
    assert found.rule == (
        "least cost (false positive 9, false negative 1, true positive 0, true negative 0) on the calibration rows"
    )


def test_costs_of_calibrated_scores_choose_about_their_own_odds() -> None:
    rng = np.random.default_rng(1)
    score = rng.random(200_000)
    target = (rng.random(score.size) < score).astype(np.float64)
    found = choose_threshold(score, target, LeastCost(Costs(false_positive=1, false_negative=4)))
    assert found.value == pytest.approx(0.2, abs=0.03)  # Elkan 2001: 1 / (1 + 4)


@pytest.mark.parametrize(
    ("said", "rule"),
    [
        ({}, LargestYouden()),
        ({"youden": True}, LargestYouden()),
        ({"selected_share": 0.0}, SelectedShare(0.0)),
        ({"costs": COSTS}, LeastCost(COSTS)),
        ({"recall_at_least": 0.9}, RecallAtLeast(0.9)),
        ({"precision_at_least": 0.5}, PrecisionAtLeast(0.5)),
    ],
)
def test_the_rule_is_the_one_that_is_said(said: dict[str, object], rule: ThresholdRule) -> None:
    assert rule_of(Deployment.model_validate(said)) == rule


@pytest.mark.parametrize("rule", [LargestYouden(), LeastCost(COSTS), RecallAtLeast(0.5), PrecisionAtLeast(0.5)])
def test_one_class_shows_no_rule_its_threshold(rule: ThresholdRule) -> None:
    with pytest.raises(DataInvalid, match="one class"):
        choose_threshold(SCORES, np.zeros(5), rule)
