"""Dependence tree: how unusual a row is, each of its columns seen in the light of the one that tells most about it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from ml_platform.stats.columns import Codes, Floats

# Rows that a column's own frequencies count for where few rows have the parent's cell.
CONDITION = 2.0

Cells = NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class DependenceTree:
    """For each column its parent, -1 for the root, and the surprise of each cell given each cell of the parent."""

    parent: tuple[int, ...]
    surprise: tuple[Floats, ...]

    def surprises(self, cells: Cells) -> Floats:
        """Return -log p of each row's cell in each column, given the row's cell in the parent, shape (n, columns)."""
        given = [np.zeros(len(cells), dtype=np.intp) if one < 0 else cells[:, one] for one in self.parent]
        found = [
            table[above, cells[:, place]] for place, (table, above) in enumerate(zip(self.surprise, given, strict=True))
        ]
        return np.column_stack(found) if found else np.zeros((len(cells), 0))


def dependence_tree(cells: Cells, prior: Sequence[Floats]) -> DependenceTree:
    """Learn the tree of pairs of columns with the most mutual information, and how frequent cells are along it.

    `cells` holds the cell of each row in each column, shape (n, columns), n > 0; `prior`, one array per column, how
    many rows each cell counts as beforehand, more than 0, so that a cell that no row is in is surprising and not
    impossible. Of all distributions that are products along a tree this one has the highest likelihood. Source: Chow
    and Liu 1968, IEEE Trans. Inf. Theory 14.

    >>> cells = np.array([[0, 0], [1, 1], [0, 0], [1, 1]])
    >>> tree = dependence_tree(cells, [np.full(2, 0.05), np.full(2, 0.05)])
    >>> tree.parent, tree.surprises(np.array([[0, 0], [0, 1]])).sum(axis=1).round(1).tolist()
    ((-1, 0), [1.0, 2.1])
    """
    sizes = [each.size for each in prior]
    own = [_frequencies(cells[:, place], each) for place, each in enumerate(prior)]
    parent = _parents(_information(cells, sizes))
    tables = [
        -np.log(own[place])[None, :] if above < 0 else -np.log(_conditional(cells, sizes, (above, place), own[place]))
        for place, above in enumerate(parent)
    ]
    return DependenceTree(parent, tuple(tables))


def _frequencies(column: Codes, prior: Floats) -> Floats:
    counts = np.bincount(column, minlength=prior.size) + prior
    found: Floats = counts / counts.sum()
    return found


def _joint(cells: Cells, sizes: Sequence[int], pair: tuple[int, int]) -> Floats:
    one, other = pair
    counts = np.bincount(cells[:, one] * sizes[other] + cells[:, other], minlength=sizes[one] * sizes[other])
    return counts.reshape(sizes[one], sizes[other]).astype(np.float64)


def _conditional(cells: Cells, sizes: Sequence[int], pair: tuple[int, int], own: Floats) -> Floats:
    joint = _joint(cells, sizes, pair)
    found: Floats = (joint + CONDITION * own[None, :]) / (joint.sum(axis=1, keepdims=True) + CONDITION)
    return found


def _information(cells: Cells, sizes: Sequence[int]) -> Floats:
    """Return the mutual information of each pair of columns, in nats, shape (columns, columns)."""
    found = np.zeros((len(sizes), len(sizes)))
    for one, other in combinations(range(len(sizes)), 2):
        joint = _joint(cells, sizes, (one, other)) / len(cells)
        alone = joint.sum(axis=1, keepdims=True) * joint.sum(axis=0, keepdims=True)
        some = joint > 0
        found[one, other] = found[other, one] = float((joint[some] * np.log(joint[some] / alone[some])).sum())
    return found


def _parents(information: Floats) -> tuple[int, ...]:
    """Return each column's parent in the spanning tree of most information, grown from the first column (Prim)."""
    count = len(information)
    parent, best = [-1] * count, np.full(count, -np.inf)
    outside = set(range(count))
    while outside:
        column = max(sorted(outside), key=lambda one: round(float(best[one]), 12) if parent[one] >= 0 else -np.inf)
        outside.remove(column)
        for one in outside:
            if information[column, one] > best[one]:
                best[one], parent[one] = information[column, one], column
    return tuple(parent)
