"""Total variation: the share of rows that would have to change their category to undo a shift."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ml_platform.stats.level_counts import level_counts
from ml_platform.stats.total_variation_of_counts import total_variation_of_counts

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from ml_platform.core.measurement import Measurement


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
    counts = level_counts(reference, current)
    return total_variation_of_counts(*counts, seed=seed, confidence=confidence, subject=subject)
