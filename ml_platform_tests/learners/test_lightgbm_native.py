from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ml_platform.core.errors import DataInvalid
from ml_platform.learners.lightgbm_native import contributions, fit, predict
from ml_platform.learners.rows import Rows
from ml_platform.learners.tree_text import same_beginning, tree_count, tree_digest
from ml_platform.policy.spec import Learner


def learner(**changes: Any) -> Learner:
    said = {
        "kind": "lightgbm",
        "objective": "binary",
        "seed": 7,
        "threads": 1,
        "rounds": 12,
        "parameters": {"num_leaves": 7, "bagging_fraction": 0.8, "bagging_freq": 1},
    }
    return Learner.model_validate(said | changes)


def rows(n: int = 400, *, seed: int = 1) -> Rows:
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(n, 3))
    values[:, 2] = rng.integers(0, 4, n)
    values[rng.random(n) < 0.1, 1] = np.nan
    target = (values[:, 0] + rng.normal(size=n) > 0).astype(np.float64)
    return Rows(values=values, target=target, names=("a", "b", "place"), categorical=("place",))


def test_the_same_rows_and_parameters_give_the_same_trees() -> None:
    assert tree_digest(fit(learner(), rows()).text) == tree_digest(fit(learner(), rows()).text)


def test_the_number_of_threads_changes_the_file_but_no_tree() -> None:
    one, two = fit(learner(), rows()), fit(learner(threads=2), rows())
    assert one.text != two.text
    assert tree_digest(one.text) == tree_digest(two.text)


def test_another_seed_gives_another_tree_digest() -> None:
    assert tree_digest(fit(learner(), rows()).text) != tree_digest(fit(learner(seed=8), rows()).text)


def test_training_fewer_rounds_repeats_the_beginning_of_the_model() -> None:
    whole = fit(learner(), rows())
    beginning = fit(learner(), rows(), rounds=5)
    assert (whole.rounds, beginning.rounds) == (12, 5)
    assert same_beginning(whole.text, beginning.text)
    assert not same_beginning(beginning.text, whole.text)
    assert not same_beginning(whole.text, fit(learner(seed=8), rows(), rounds=5).text)


def test_training_stops_early_where_the_validation_rows_stop_improving() -> None:
    trained = fit(learner(rounds=300, early_stopping_rounds=5), rows(), rows(200, seed=2))
    assert trained.rounds < 300
    assert trained.rounds == tree_count(trained.text)
    scores = predict(trained.text, rows(200, seed=2).values)
    chance = np.where(rows(200, seed=2).target == 1, scores, 1 - scores)
    assert trained.validation_loss == pytest.approx(-np.log(chance).mean())


def test_early_stopping_without_validation_rows_is_refused() -> None:
    with pytest.raises(DataInvalid, match="no validation rows"):
        fit(learner(early_stopping_rounds=5), rows())


def test_predictions_are_the_boosters_own_whatever_the_thread_count() -> None:
    import lightgbm

    text, values = fit(learner(), rows()).text, rows(50, seed=3).values
    own = lightgbm.Booster(model_str=text).predict(values)
    assert predict(text, values).tobytes() == np.asarray(own).tobytes() == predict(text, values, threads=2).tobytes()


def test_contributions_add_up_to_the_log_odds_but_for_the_base() -> None:
    text, values = fit(learner(), rows()).text, rows(20, seed=3).values
    scores = predict(text, values)
    rest = np.log(scores / (1 - scores)) - contributions(text, values).sum(axis=1)
    assert np.ptp(rest) < 1e-9


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"target": np.ones(400)}, "one class"),
        ({"target": np.full(400, 2.0)}, "neither 0 nor 1"),
        ({"target": np.full(400, np.nan)}, "neither 0 nor 1"),
        ({"values": np.zeros((0, 3)), "target": np.zeros(0)}, "there are none"),
        ({"values": np.full((400, 3), np.inf)}, "1,200 values are infinite"),
        ({"names": ("a", "b")}, "shape"),
    ],
)
def test_rows_that_teach_nothing_are_refused(change: dict[str, Any], words: str) -> None:
    good = rows()
    said: dict[str, Any] = {"values": good.values, "target": good.target, "names": good.names}
    with pytest.raises(DataInvalid, match=words):
        fit(learner(), Rows(**(said | change)))


@pytest.mark.parametrize(
    "parameters", [{"deterministic": False}, {"force_col_wise": True}, {"linear_tree": True}, {"verbosity": 2}]
)
def test_a_parameter_that_keeps_a_training_from_being_repeated_is_refused(parameters: dict[str, Any]) -> None:
    with pytest.raises(DataInvalid, match="remove it"):
        fit(learner(parameters=parameters), rows())


def test_saying_what_is_fixed_anyway_is_accepted() -> None:
    assert fit(learner(parameters={"deterministic": True}), rows()).rounds == 12


def test_text_that_is_no_whole_model_is_never_parsed() -> None:
    text = fit(learner(), rows()).text
    for broken in ("", "tree\n", text[: len(text) // 2], text.replace("end of trees", "")):
        with pytest.raises(DataInvalid, match="no LightGBM model"):
            predict(broken, rows().values)
