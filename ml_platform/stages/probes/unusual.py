"""Unusual: says of rows of features whether they look like those that the model was trained on; cheap when serving."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ml_platform.stats.dependence_tree import DependenceTree, dependence_tree
from ml_platform.stats.histogram_edges import histogram_edges

if TYPE_CHECKING:
    from ml_platform.stages.matrix import Matrix

# Of clean rows, the share that may be called unusual.
ALARMS = 0.01
BINS = 10
UNSEEN = 0.05

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class Detector:
    """The cells of each feature, what is surprising in them, and from where on a row is unusual.

    A row is unusual when its whole surprise, or the largest surprise of one feature, is beyond what all but one in two
    hundred of the clean rows have. A row costs one search and one look-up per feature.
    """

    edges: tuple[Floats, ...]
    tree: DependenceTree
    most_in_all: float
    most_in_one: float

    def unusual(self, values: Floats) -> Flags:
        """Return which rows of features, shape (n, features), are unusual, shape (n,)."""
        in_all, in_one = _surprise(self.tree, self.edges, values)
        found: Flags = (in_all > self.most_in_all) | (in_one > self.most_in_one)
        return found


def learn_unusual(train: Matrix, clean: Matrix) -> Detector:
    """Learn what rows look like from training rows, and where to draw the line from clean rows beside them."""
    edges = tuple(
        _edges(train.values[:, place], level=name in train.categorical) for place, name in enumerate(train.names)
    )
    prior = [_prior(each, level=name in train.categorical) for each, name in zip(edges, train.names, strict=True)]
    tree = dependence_tree(_cells(edges, train.values), prior)
    in_all, in_one = (
        float(np.quantile(each, 1 - ALARMS / 2)) for each in _surprise(tree, edges, clean.values)
    )  # fmt: skip
    return Detector(edges=edges, tree=tree, most_in_all=in_all, most_in_one=in_one)


def _edges(column: Floats, *, level: bool) -> Floats:
    """Return where a feature's cells begin: each level, or tenths of the rows; beyond the ends is a cell of its own."""
    present = column[~np.isnan(column)]
    if level or not present.size:
        return np.unique(present)
    ends = np.array([present.min(), np.nextafter(present.max(), np.inf)])
    return np.unique(np.concatenate([ends[:1], histogram_edges(present, BINS), ends[1:]]))


def _prior(edges: Floats, *, level: bool) -> Floats:
    """Return how many rows each cell counts as beforehand: next to none, but one beyond the ends of a number.

    The next of exchangeable numbers is the largest as often as any one of them was.
    """
    prior = np.full(edges.size + 2, UNSEEN)
    if not level:
        prior[[0, -2]] = 1.0
    return prior


def _cells(edges: tuple[Floats, ...], values: Floats) -> NDArray[np.intp]:
    """Return the cell of each row in each feature, shape (n, features); the last is that of missing values."""
    found = np.empty(values.shape, dtype=np.intp)
    for place, starts in enumerate(edges):
        column = values[:, place]
        found[:, place] = np.where(np.isnan(column), starts.size + 1, np.searchsorted(starts, column, side="right"))
    return found


def _surprise(tree: DependenceTree, edges: tuple[Floats, ...], values: Floats) -> tuple[Floats, Floats]:
    surprises = tree.surprises(_cells(edges, values))
    return surprises.sum(axis=1), surprises.max(axis=1, initial=0.0)
