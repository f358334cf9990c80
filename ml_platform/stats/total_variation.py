"""Total variation: the share of rows that would have to change their category to undo a shift."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ml_platform.stats.count_distance import count_distance
from ml_platform.stats.level_counts import level_counts

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from ml_platform.core.measurement import Measurement
    from ml_platform.stats.columns import Floats


def total_variation(
    reference: ArrayLike,
    current: ArrayLike,
    *,
    seed: int | None = None,
    confidence: float = 0.95,
    subject: str = "",
) -> Measurement:
    """Return half the sum over categories of |current share - reference share|, in 0..1.

    The columns have the shapes (n,) and (m,); missing is a category. With a `seed` the interval is a basic bootstrap
    of both multinomials. Fact `expected_without_shift` is the normal approximation of what chance alone gives. Two
    equal constants have the distance 0. `n` is the smaller column; facts: cells, reference_n, current_n. Undefined
    when either column has no rows. Source: Levin et al. 2009, Markov Chains and Mixing Times, section 4.1.

    >>> total_variation(["a", "a", "b", "b"], ["a", "b", "b", "b"]).text()
    'total_variation = 0.25 (n = 4)'
    """
    return count_distance(
        _distance,
        _expected,
        *level_counts(reference, current),
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
