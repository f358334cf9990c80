"""The tree of dependences against scikit-learn and scipy, by likelihood, and where there is little to learn from."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse.csgraph import minimum_spanning_tree
from sklearn.metrics import mutual_info_score

from ml_platform.stats.dependence_tree import dependence_tree

PRIOR = [np.full(size, 0.05) for size in (4, 4, 4, 4, 3)]


def chain(n: int, *, seed: int = 1) -> np.ndarray:
    """Return columns 0 - 2 - 1 - 3, each a noisy copy of the one before it, and one on its own."""
    rng = np.random.default_rng(seed)
    first = rng.integers(0, 4, n)
    noisy = [first]
    for _ in range(3):
        noisy.append(np.where(rng.random(n) < 0.8, noisy[-1], rng.integers(0, 4, n)))
    return np.column_stack([noisy[0], noisy[2], noisy[1], noisy[3], rng.integers(0, 3, n)])


def test_the_tree_follows_the_chain() -> None:
    tree = dependence_tree(chain(3000), PRIOR)
    assert tree.parent[:4] == (-1, 2, 0, 1)
    assert len(tree.surprise) == 5


@pytest.mark.parametrize("seed", range(5))
def test_its_information_is_that_of_the_maximum_spanning_tree(seed: int) -> None:
    cells = chain(500, seed=seed)
    information = np.array([[mutual_info_score(one, other) for other in cells.T] for one in cells.T])
    weights = np.where(np.eye(5) > 0, 0.0, -information)
    best = -minimum_spanning_tree(weights).sum()
    tree = dependence_tree(cells, PRIOR)
    assert sum(information[one, above] for one, above in enumerate(tree.parent) if above >= 0) == pytest.approx(best)


def test_a_break_of_dependence_is_surprising_though_each_value_is_common() -> None:
    cells = chain(5000)
    tree = dependence_tree(cells, PRIOR)
    rng = np.random.default_rng(2)
    shuffled = np.column_stack([rng.permutation(column) for column in cells.T])
    usual, odd = tree.surprises(cells).sum(axis=1), tree.surprises(shuffled).sum(axis=1)
    assert np.median(odd) > np.quantile(usual, 0.9)


def test_frequencies_of_a_row_add_up_to_one() -> None:
    tree = dependence_tree(chain(200), PRIOR)
    for table in tree.surprise:
        np.testing.assert_allclose(np.exp(-table).sum(axis=1), 1.0)


def test_a_cell_without_rows_is_more_surprising_than_any_other_and_not_impossible() -> None:
    tree = dependence_tree(np.zeros((100, 1), dtype=np.intp), [np.full(3, 0.5)])
    seen, unseen = tree.surprises(np.array([[0], [2]])).ravel()
    assert seen < 0.1
    assert 4 < unseen < np.inf


def test_no_columns_surprise_nobody() -> None:
    tree = dependence_tree(np.zeros((5, 0), dtype=np.intp), [])
    assert tree.parent == ()
    assert tree.surprises(np.zeros((3, 0), dtype=np.intp)).shape == (3, 0)
