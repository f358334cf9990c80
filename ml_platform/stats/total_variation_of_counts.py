"""Total variation of counts: the same statistic when only a stored profile of the reference is left."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ml_platform.stats.count_distance import count_distance

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from ml_platform.core.measurement import Measurement
    from ml_platform.stats.columns import Floats


def total_variation_of_counts(
    reference_counts: ArrayLike,
    current_counts: ArrayLike,
    *,
    seed: int | None = None,
    confidence: float = 0.95,
    subject: str = "",
) -> Measurement:
    """Return half the sum over cells of |current share - reference share|, in 0..1.

    The counts, shape (cells,), name the same cells in the same order. Everything else, the bootstrap interval with a
    `seed` included, is as in `total_variation`. Source: Levin et al. 2009, Markov Chains and Mixing Times, section 4.1.

    >>> total_variation_of_counts([50, 50], [25, 75]).text()
    'total_variation = 0.25 (n = 100)'
    """
    return count_distance(
        _distance,
        _expected,
        reference_counts,
        current_counts,
        metric="total_variation",
        seed=seed,
        confidence=confidence,
        subject=subject,
    )


def _distance(old: Floats, new: Floats) -> Floats:
    apart = old / old.sum(axis=-1, keepdims=True) - new / new.sum(axis=-1, keepdims=True)
    distance: Floats = np.abs(apart).sum(axis=-1) / 2
    return distance


def _expected(old: Floats, new: Floats) -> float:
    pooled = (old + new) / (old.sum() + new.sum())
    spread = np.sqrt(pooled * (1 - pooled) * (1 / old.sum() + 1 / new.sum()))
    return float(spread.sum() / np.sqrt(2 * np.pi))
