"""Population stability index: how far the distribution of a column has moved."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ml_platform.stats.columns import Codes, column, is_numeric
from ml_platform.stats.histogram_edges import histogram_counts, histogram_edges
from ml_platform.stats.level_counts import level_counts
from ml_platform.stats.psi_of_counts import psi_of_counts

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from ml_platform.core.measurement import Measurement


def psi(
    reference: ArrayLike,
    current: ArrayLike,
    *,
    bins: int = 10,
    seed: int | None = None,
    confidence: float = 0.95,
    subject: str = "",
) -> Measurement:
    """Return the population stability index of the current against the reference column, shapes (n,) and (m,).

    A numeric column is cut into bins of equal reference mass, anything else into its levels; missing values are a bin
    of their own. Everything else, the bootstrap interval with a `seed` included, is as in `psi_of_counts`. Two equal
    constants have the index 0. Undefined when either column has no rows. Sources: Siddiqi 2006, Credit Risk
    Scorecards; Yurdakul 2018, Western Michigan University dissertation 3208.

    >>> import numpy as np
    >>> psi(np.arange(100.0), np.arange(50.0, 150.0), bins=2).text()
    'psi = 2.626 (n = 100)'
    >>> psi(["a", "a", "b", "b"], ["a", "b", "b", "b"]).text()
    'psi = 0.2747 (n = 4)'
    """
    counts = cell_counts(reference, current, bins)
    return psi_of_counts(*counts, seed=seed, confidence=confidence, subject=subject)


def cell_counts(reference: ArrayLike, current: ArrayLike, bins: int = 10) -> tuple[Codes, Codes]:
    """Count the rows of both columns per cell: bin (numeric) or level (anything else), the last one for missing."""
    old, new = column(reference, "reference"), column(current, "current")
    if is_numeric(old) and is_numeric(new):
        edges = histogram_edges(old, bins)
        return histogram_counts(old, edges), histogram_counts(new, edges)
    return level_counts(old, new)
