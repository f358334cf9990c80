from __future__ import annotations

import numpy as np
import pytest
from sklearn.utils.class_weight import compute_class_weight

from ml_platform.core.errors import DataInvalid
from ml_platform.learners.lightgbm_native import fit, library, predict
from ml_platform.learners.row_weights import class_weights, row_weights
from ml_platform.learners.tree_text import tree_digest
from ml_platform_tests.learners.made import CLASSES, learner, rows


def test_balanced_classes_weigh_what_scikit_learn_says() -> None:
    train = rows("multiclass")
    oracle = compute_class_weight("balanced", classes=np.arange(3), y=train.target)
    assert class_weights(learner("multiclass", class_weight="balanced"), train) == pytest.approx(oracle)


def test_balanced_classes_weigh_the_same_in_sum_whatever_the_rows_weigh() -> None:
    train = rows(weight=np.random.default_rng(1).random(400))
    by_class = class_weights(learner(class_weight="balanced"), train)
    weight = row_weights(train, by_class)
    assert weight is not None
    assert weight[train.target == 0].sum() == pytest.approx(weight[train.target == 1].sum())


def test_a_class_that_isnt_named_weighs_one() -> None:
    found = class_weights(learner("multiclass", class_weight={"lost": 4.0}), rows("multiclass"))
    assert found is not None
    assert dict(zip(CLASSES, found.tolist(), strict=True)) == {"none": 1.0, "late": 1.0, "lost": 4.0}


def test_without_weights_every_row_counts_the_same() -> None:
    assert class_weights(learner(), rows()) is None
    assert row_weights(rows(), None) is None


def test_class_weights_change_the_trees_as_the_same_row_weights_do() -> None:
    train = rows()
    weight = np.where(train.target == 1, 3.0, 1.0)
    by_class = fit(learner(class_weight={"positive": 3.0}), train)
    by_row = fit(learner(), rows(weight=weight))
    assert tree_digest(by_class.text) == tree_digest(by_row.text) != tree_digest(fit(learner(), train).text)


def test_weighted_trees_are_lightgbms_own() -> None:
    train = rows("regression", weight=np.random.default_rng(2).random(400))
    ours = fit(learner("regression"), train)
    table = library().Dataset(train.values, train.target, weight=train.weight, categorical_feature=[2])
    theirs = library().train(dict(ours.parameters), table, num_boost_round=12)
    assert predict(ours.text, train.values).tobytes() == theirs.predict(train.values).tobytes()


def test_the_validation_loss_counts_rows_as_training_does() -> None:
    held = rows("regression", 200, seed=2, weight=np.r_[np.ones(100), np.zeros(100)])
    trained = fit(learner("regression", early_stopping_rounds=5), rows("regression"), held)
    errors = (held.target - predict(trained.text, held.values)) ** 2
    assert trained.validation_loss == pytest.approx(errors[:100].mean(), rel=1e-6)


@pytest.mark.parametrize(
    ("weight", "words"),
    [
        (np.r_[-1.0, np.ones(399)], "1 of 400 weights are negative or not finite"),
        (np.r_[np.nan, np.ones(399)], "1 of 400 weights are negative or not finite"),
        (np.full(400, np.inf), "400 of 400 weights are negative or not finite"),
        (np.zeros(400), "all 400 weights are 0"),
        (np.ones(3), r"the weights have the shape \(3,\)"),
    ],
)
def test_weights_that_say_nothing_are_refused(weight: np.ndarray, words: str) -> None:
    with pytest.raises(DataInvalid, match=words):
        fit(learner(), rows(weight=weight))


def test_a_weight_for_something_that_is_no_class_is_refused() -> None:
    with pytest.raises(DataInvalid, match="names lots; the classes are none, late, lost"):
        fit(learner("multiclass", class_weight={"lots": 2.0}), rows("multiclass"))


def test_a_class_whose_rows_weigh_nothing_cannot_be_balanced() -> None:
    train = rows()
    with pytest.raises(DataInvalid, match="the rows of class positive weigh nothing"):
        fit(learner(class_weight="balanced"), rows(weight=1 - train.target))
