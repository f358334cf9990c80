"""Thresholds of groups: the limit is kept on the rows they are chosen on, with the fewest decisions changed."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from fairlearn.postprocessing import ThresholdOptimizer
from sklearn.base import BaseEstimator

from ml_platform.stages.group_thresholds import Alike, choose_group_thresholds

RNG = np.random.default_rng(4)
GROUP = np.array(["a", "b"], dtype=object)[(RNG.random(2_000) < 0.3) * 1]
SCORE = np.clip(RNG.normal(0.5 - 0.15 * (GROUP == "b"), 0.15), 0, 1)


def rates(decision: np.ndarray) -> list[float]:
    return [float(decision[name == GROUP].mean()) for name in "ab"]


@pytest.mark.parametrize("limit", [0.5, 0.8, 1.0])
@pytest.mark.parametrize("same_number", [True, False])
def test_the_limit_is_kept_on_the_rows_themselves(limit: float, *, same_number: bool) -> None:
    alike = [Alike(groups=GROUP, limit=limit)]
    found = choose_group_thresholds(SCORE, GROUP, alike, common=0.6, same_number=same_number)
    decision = found.decide(SCORE, GROUP)
    most, least = max(rates(decision)), min(rates(decision))
    assert least / most == pytest.approx(limit, abs=0.01)
    if same_number:
        assert decision.sum() == pytest.approx((SCORE >= 0.6).sum(), abs=2)


def test_no_other_shares_that_keep_the_limit_change_fewer_decisions() -> None:
    group, score = np.array(list("aaaaabbbbb"), dtype=object), np.array([0.9, 0.8, 0.7, 0.6, 0.1] + [0.55] + [0.1] * 4)
    found = choose_group_thresholds(score, group, [Alike(groups=group, limit=0.5)], common=0.5, same_number=False)
    changed = int((found.decide(score, group) != (score >= 0.5)).sum())
    kept = [(a, b) for a, b in itertools.product(range(6), repeat=2) if min(a, b) >= 0.5 * max(a, b)]
    assert changed >= min(abs(a - 4) + abs(b - 1) for a, b in kept) == 1


def test_what_keeps_the_limit_already_isnt_touched() -> None:
    group = np.array(["a", "b"] * 1_000, dtype=object)
    found = choose_group_thresholds(
        np.repeat(SCORE[:1_000], 2), group, [Alike(groups=group, limit=0.8)], common=0.5, same_number=True
    )
    assert found.own == {}
    assert choose_group_thresholds(SCORE, GROUP, [], common=0.5, same_number=True).own == {}


def test_a_group_of_which_none_shall_be_selected_has_a_threshold_above_its_scores() -> None:
    group, other = np.array(["a"] * 4 + ["b"] * 4, dtype=object), np.array(["x", "x", "y", "y"] * 2, dtype=object)
    score = np.array([0.9, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1])
    found = choose_group_thresholds(
        score, group, [Alike(groups=other, limit=1.0), Alike(groups=group, limit=1.0)], common=0.5, same_number=False
    )
    assert found.own["a"] > 0.9
    assert not found.decide(score, group).any()


class AsScored(BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """A model whose prediction is its only feature."""

    fitted_ = True

    def fit(self, *_: object) -> AsScored:
        """Learn nothing."""
        return self

    def predict(self, values: np.ndarray) -> np.ndarray:
        """Return the scores."""
        return values[:, 0]


@pytest.mark.filterwarnings("ignore")
def test_equal_shares_decide_as_fairlearn_does_when_as_many_are_selected() -> None:
    target = (RNG.random(2_000) < SCORE) * 1
    theirs = ThresholdOptimizer(
        estimator=AsScored(), constraints="demographic_parity", objective="accuracy_score", prefit=True,
        predict_method="predict",
    )  # fmt: skip
    theirs.fit(SCORE[:, None], target, sensitive_features=GROUP)
    fair = theirs.predict(SCORE[:, None], sensitive_features=GROUP, random_state=1) == 1
    common = float(np.quantile(SCORE, 1 - fair.mean()))
    alike = [Alike(groups=GROUP, limit=1.0)]
    ours = choose_group_thresholds(SCORE, GROUP, alike, common=common, same_number=True).decide(SCORE, GROUP)
    assert rates(ours) == pytest.approx(rates(fair), abs=0.03)
    assert (ours == target).mean() == pytest.approx((fair == target).mean(), abs=0.01)
    assert (ours == fair).mean() > 0.97
