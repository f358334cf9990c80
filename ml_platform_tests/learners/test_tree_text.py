"""Where trees cut, as LightGBM's own dump says."""

from __future__ import annotations

import lightgbm
import numpy as np
import pytest

from ml_platform.core.errors import DataInvalid
from ml_platform.learners.tree_text import split_thresholds


def test_thresholds_are_those_of_the_dump_and_levels_have_none() -> None:
    rng = np.random.default_rng(1)
    values = np.column_stack([rng.normal(size=500), rng.integers(0, 5, 500), rng.integers(0, 5, 500)])
    target = values[:, 0] + values[:, 1] + (values[:, 2] == 3) + rng.normal(size=500)
    table = lightgbm.Dataset(values, target, feature_name=["a", "b", "c"], categorical_feature=["c"])
    booster = lightgbm.train({"num_leaves": 7, "verbosity": -1, "num_threads": 1}, table, 5)
    nodes = booster.trees_to_dataframe()
    cuts = nodes[nodes.decision_type == "<="].astype({"threshold": float})
    expected = {name: tuple(np.unique(each.threshold)) for name, each in cuts.groupby("split_feature")}
    found = split_thresholds(booster.model_to_string())
    assert set(found) == {"a", "b"} == set(expected)
    for name, each in found.items():
        assert each == pytest.approx(expected[name])


def test_a_tree_of_one_leaf_cuts_nothing() -> None:
    table = lightgbm.Dataset(np.ones((50, 1)), np.ones(50), feature_name=["a"])
    booster = lightgbm.train({"verbosity": -1, "num_threads": 1}, table, 2)
    assert split_thresholds(booster.model_to_string()) == {}


def test_what_is_no_model_is_refused() -> None:
    with pytest.raises(DataInvalid, match="no LightGBM model"):
        split_thresholds("tree\n")
