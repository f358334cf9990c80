"""Every task is learned: what comes out, what is refused, and that it can be repeated."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn import metrics

from ml_platform.core.errors import DataInvalid
from ml_platform.learners.lightgbm_native import contributions, fit, predict
from ml_platform.learners.tree_text import same_beginning, tree_count, tree_digest
from ml_platform.policy.spec import Objective
from ml_platform_tests.learners.made import CLASSES, NUMBERS, learner, rows

OBJECTIVES: tuple[Objective, ...] = ("binary", "multiclass", *NUMBERS)


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_every_objective_can_be_repeated_to_the_digit(objective: Objective) -> None:
    whole = fit(learner(objective), rows(objective))
    beginning = fit(learner(objective), rows(objective), rounds=5)
    assert (whole.rounds, beginning.rounds) == (12, 5)
    assert same_beginning(whole.text, beginning.text)
    assert not same_beginning(whole.text, fit(learner(objective, seed=8), rows(objective), rounds=5).text)


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_the_number_of_threads_changes_no_tree_of_any_objective(objective: Objective) -> None:
    train = rows(objective, 4000)
    one, three = (fit(learner(objective, threads=threads, rounds=5), train) for threads in (1, 3))
    assert tree_digest(one.text) == tree_digest(three.text)


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_every_objective_stops_early_by_its_own_loss(objective: Objective) -> None:
    stopping = learner(objective, rounds=400, early_stopping_rounds=4, parameters={"learning_rate": 0.3})
    trained = fit(stopping, rows(objective), rows(objective, 200, seed=2))
    assert trained.rounds < 400
    assert trained.rounds == tree_count(trained.text) / (len(CLASSES) if objective == "multiclass" else 1)
    assert trained.validation_loss is not None


@pytest.mark.parametrize(
    ("objective", "name", "oracle"),
    [
        ("multiclass", "log_loss", metrics.log_loss),
        ("regression", "mean_squared_error", metrics.mean_squared_error),
        ("regression_l1", "mean_absolute_error", metrics.mean_absolute_error),
        ("quantile", "pinball_loss", lambda y, p: metrics.mean_pinball_loss(y, p, alpha=0.8)),
    ],
)
def test_the_loss_on_the_validation_rows_is_what_its_name_says(objective: Objective, name: str, oracle: Any) -> None:
    held = rows(objective, 200, seed=2)
    trained = fit(learner(objective, early_stopping_rounds=5), rows(objective), held)
    assert trained.validation_metric == name
    assert trained.validation_loss == pytest.approx(oracle(held.target, predict(trained.text, held.values)), rel=1e-6)


def test_several_classes_get_a_probability_each_in_the_order_of_their_codes() -> None:
    held = rows("multiclass", 300, seed=2)
    scores = predict(fit(learner("multiclass"), rows("multiclass")).text, held.values)
    assert scores.shape == (300, 3)
    assert scores.sum(axis=1) == pytest.approx(1)
    assert (scores.argmax(axis=1) == held.target).mean() > 0.5


def test_contributions_to_each_class_add_up_to_its_logit_but_for_the_base() -> None:
    text, values = fit(learner("multiclass"), rows("multiclass")).text, rows("multiclass", 20, seed=3).values
    found = contributions(text, values)
    assert found.shape == (20, 3, 3)
    rest = np.log(predict(text, values)) - found.sum(axis=2)
    assert np.ptp(rest - rest[:, :1], axis=0) == pytest.approx(0, abs=1e-9)


def test_a_quantile_lies_above_its_share_of_the_outcomes() -> None:
    train, held = rows("quantile", 3000), rows("quantile", 3000, seed=2)
    trained = fit(learner("quantile", rounds=60), train)
    assert (held.target <= predict(trained.text, held.values)).mean() == pytest.approx(0.8, abs=0.05)


@pytest.mark.parametrize(
    ("objective", "change", "words"),
    [
        ("multiclass", {"target": np.zeros(400)}, "no outcome is of class late, lost"),
        ("multiclass", {"target": np.full(400, 3.0)}, "400 of 400 outcomes are no code of one of the 3 classes"),
        ("multiclass", {"target": np.full(400, 0.5)}, "no code"),
        ("multiclass", {"target": np.full(400, np.nan)}, "no code"),
        ("multiclass", {"classes": ()}, "no code of one of the 0 classes"),
        ("regression", {"target": np.ones(400)}, "all 400 outcomes are the same"),
        ("regression", {"target": np.r_[np.nan, np.ones(399)]}, "1 of 400 outcomes are missing or not finite"),
        ("regression", {"target": np.r_[np.inf, np.ones(399)]}, "1 of 400 outcomes are missing or not finite"),
        ("poisson", {"target": np.r_[-1.0, np.ones(399)]}, "1 of 400 outcomes aren't 0 or more"),
        ("gamma", {"target": np.r_[0.0, np.ones(399)]}, "1 of 400 outcomes aren't above 0"),
        ("quantile", {"values": np.zeros((0, 3)), "target": np.zeros(0)}, "there are none"),
    ],
)
def test_rows_that_a_task_cannot_be_learned_from_are_refused(
    objective: Objective, change: dict[str, Any], words: str
) -> None:
    with pytest.raises(DataInvalid, match=f"^training rows: .*{words}"):
        fit(learner(objective), rows(objective, **change))


def test_validation_rows_may_lack_a_class_but_hold_no_unknown_one() -> None:
    stopping = learner("multiclass", early_stopping_rounds=3)
    lacking = rows("multiclass", target=np.zeros(400))
    assert fit(stopping, rows("multiclass"), lacking).validation_loss is not None
    with pytest.raises(DataInvalid, match=r"^validation rows: 400 of 400 outcomes are no code"):
        fit(stopping, rows("multiclass"), rows("multiclass", target=np.full(400, 3.0)))


def test_what_a_task_adds_is_said_to_lightgbm_and_nothing_else() -> None:
    plain = fit(learner(), rows()).parameters
    assert not {"num_class", "alpha", "monotone_constraints"} & plain.keys()
    assert fit(learner("multiclass"), rows("multiclass")).parameters["num_class"] == 3
    assert fit(learner("quantile"), rows("quantile")).parameters["alpha"] == 0.8
