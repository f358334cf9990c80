"""Reweighed rows: group and outcome are independent under the weights, or the rows are refused."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ml_platform.core.errors import DataInvalid
from ml_platform.learners.reweighing import learn_reweighing

GROUP = np.array(["a"] * 5 + ["b"] * 5, dtype=object)
TARGET = np.array([1.0, 1, 1, 0, 0, 1, 1, 1, 1, 0])


def test_the_weights_are_those_of_the_paper() -> None:
    factors = learn_reweighing(GROUP, TARGET).factors
    # P(a) · P(1) / P(a, 1) = .5 · .7 / .3, and so on.
    assert factors["a"] == pytest.approx((0.5 * 0.3 / 0.2, 0.5 * 0.7 / 0.3))
    assert factors["b"] == pytest.approx((0.5 * 0.3 / 0.1, 0.5 * 0.7 / 0.4))


@settings(max_examples=25)
@given(st.integers(0, 10_000), st.booleans())
def test_under_the_weights_every_group_has_the_same_share_of_outcomes(seed: int, weighted: object) -> None:
    rng = np.random.default_rng(seed)
    group = np.append(rng.choice(["a", "b", "c"], 60), ["a", "a", "b", "b", "c", "c"]).astype(object)
    target = np.append(rng.random(60) < 0.3, [0, 1, 0, 1, 0, 1]) * 1.0
    own = rng.random(66) + 0.1 if weighted else None
    weight = learn_reweighing(group, target, own).weigh(group, target, own)
    shares = [np.average(target[group == name], weights=weight[group == name]) for name in "abc"]
    assert shares == pytest.approx([np.average(target, weights=own)] * 3)
    assert weight.sum() == pytest.approx(66 if own is None else own.sum())


def test_a_group_that_taught_nothing_counts_as_it_is() -> None:
    found = learn_reweighing(GROUP, TARGET)
    assert found.weigh(np.array(["c"], dtype=object), np.array([1.0]), np.array([2.0])).tolist() == [2.0]


@pytest.mark.parametrize(
    ("group", "target", "weight", "words"),
    [
        (["a", "a", "b"], [0, 1, 1], None, "1 of 4 combinations of group and outcome have no training row"),
        (["a", "a", "b", "b"], [0, 1, 0, 1], [1, 1, 1, 0], "a group of 2 rows, none with the outcome 1"),
        ([], [], None, "0 rows in all"),
    ],
)
def test_a_group_without_one_of_the_outcomes_is_refused(
    group: list[str], target: list[float], weight: list[float] | None, words: str
) -> None:
    own = None if weight is None else np.array(weight, dtype=float)
    with pytest.raises(DataInvalid, match=words):
        learn_reweighing(np.array(group, dtype=object), np.array(target, dtype=float), own)
