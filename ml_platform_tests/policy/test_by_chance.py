"""Whether a learner draws anything by chance is known from its parameters, as LightGBM itself shows."""

from __future__ import annotations

from typing import Any

import lightgbm
import numpy as np
import pytest

from ml_platform.policy.by_chance import draws_by_chance
from ml_platform.policy.conditions import conditions_of
from ml_platform.policy.spec import ModelSpec
from ml_platform_tests.stages.toy import toy_spec

RNG = np.random.default_rng(2)
VALUES = RNG.normal(size=(400, 6))
CAME = (VALUES[:, 0] + VALUES[:, 1] + RNG.normal(size=400) > 0) * 1.0


def trees(seed: int, parameters: dict[str, Any]) -> str:
    said = {"objective": "binary", "verbosity": -1, "num_threads": 1, "seed": seed, "min_data_in_leaf": 5, **parameters}
    text = lightgbm.train(said, lightgbm.Dataset(VALUES, CAME, params=said), 15).model_to_string()
    return text.split("\nparameters:")[0]


@pytest.mark.parametrize(
    ("parameters", "drawn"),
    [
        ({}, False),
        ({"num_leaves": 7, "lambda_l2": 1.0, "max_bin": 31}, False),
        ({"bagging_fraction": 0.5}, False),
        ({"bagging_freq": 1}, False),
        ({"bagging_freq": 1, "bagging_fraction": 1.0}, False),
        ({"bagging_freq": 1, "bagging_fraction": 0.5}, True),
        ({"bagging_freq": 1, "pos_bagging_fraction": 0.5}, True),
        ({"feature_fraction": 0.5}, True),
        ({"feature_fraction_bynode": 0.5}, True),
        ({"extra_trees": True}, True),
        ({"extra_trees": False}, False),
        ({"data_sample_strategy": "goss", "learning_rate": 0.5}, True),
        ({"boosting": "dart", "drop_rate": 0.5}, True),
        ({"use_quantized_grad": True}, True),
        ({"bin_construct_sample_cnt": 50}, True),
    ],
)
def test_the_seed_makes_another_model_only_where_something_is_said_to_be_drawn(
    parameters: dict[str, Any], drawn: bool
) -> None:
    assert draws_by_chance(parameters) is drawn
    assert (len({trees(seed, parameters) for seed in range(4)}) > 1) is drawn


def test_what_isnt_known_counts_as_drawn() -> None:
    assert draws_by_chance({"feature_fraction": "half"})
    assert draws_by_chance({}, searched=["feature_fraction"])
    assert not draws_by_chance({}, searched=["num_leaves"])


def learner(**parameters: object) -> ModelSpec:
    return toy_spec(learner=toy_spec().learner.model_dump(mode="json") | {"parameters": parameters})


def test_gates_on_seeds_apply_only_to_a_full_evaluation_of_what_is_drawn() -> None:
    found = [
        "by_chance" in conditions_of(spec, full=full)
        for spec in (learner(num_leaves=7), learner(feature_fraction=0.5))
        for full in (False, True)
    ]
    assert found == [False, False, False, True]
