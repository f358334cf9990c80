"""Classifiers of faulty rows against the same rows clean, as further scores for the oracle."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import lightgbm
import numpy as np
from fault_power import Score
from numpy.typing import NDArray

if TYPE_CHECKING:
    from fault_scores import Scores

Classifier = Callable[[Score], Score]


def matrix_of(scores: Scores) -> NDArray[np.float64]:
    """Return the scores that aren't a classifier's own, shape (n, scores)."""
    return np.column_stack([score for name, score in scores.items() if not name.startswith("~")])


def trained(clean: Scores, faulty: Scores) -> dict[str, Classifier]:
    """Train a linear and a boosted classifier of faulty rows against the same rows clean."""
    before, after = matrix_of(clean), matrix_of(faulty)
    values, origin = np.vstack([before, after]), np.repeat([0.0, 1.0], [len(before), len(after)])
    settings = {
        "objective": "binary", "num_leaves": 15, "num_threads": 1, "seed": 1, "verbosity": -1, "learning_rate": 0.1,
        "min_data_in_leaf": 40,
    }  # fmt: skip
    boosted = lightgbm.train(settings, lightgbm.Dataset(values, origin), 40)
    middle, spread = np.nanmean(before, axis=0), np.nanstd(before, axis=0)
    spread = np.where(spread > 0, spread, 1.0)

    def scaled(matrix: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(np.nan_to_num(np.clip((matrix - middle) / spread, -8, 8)))

    # Fisher's direction: what moved, in units of how it varies together.
    moved = scaled(after).mean(axis=0) - scaled(before).mean(axis=0)
    together = np.cov(scaled(before), rowvar=False) + 0.02 * np.eye(before.shape[1])
    direction = np.linalg.solve(together, moved)
    return {
        "~boosted": lambda matrix: np.clip(np.asarray(boosted.predict(matrix, raw_score=True, num_threads=1)), -6, 6),
        "~linear": lambda matrix: np.clip(scaled(matrix) @ direction, -1e6, 1e6),
    }
