"""Influence: the variance of any smooth statistic from how much each row moves it, rows of one entity together."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from ml_platform.stats.columns import Floats
    from ml_platform.stats.entities import Entities


def influence_variance(influence: Floats, units: Entities) -> float | None:
    """Return the variance of a statistic whose derivative by the weight of row i is `influence[i]`.

    The values, shape (n,), sum to 0; whole entities are the independent units. None when there are fewer than two.
    This is the infinitesimal jackknife (Efron 1982, The Jackknife, the Bootstrap and Other Resampling Plans, ch. 6)
    with the factor units / (units - 1); for a mean it is s² / n.

    >>> from ml_platform.stats.entities import Entities
    >>> values = np.array([1.0, 2.0, 3.0])
    >>> round(influence_variance((values - 2) / 3, Entities()), 6)
    0.333333
    """
    count = units.count() or influence.size
    if count < 2:
        return None
    return float(np.square(unit_sums(influence, units)).sum()) * count / (count - 1)


def unit_sums(values: Floats, units: Entities) -> Floats:
    """Return the sum of the values of each independent unit, in the order of the entities' codes; 0 of absent codes."""
    return values if units.codes is None else np.bincount(units.codes, weights=values).astype(np.float64)
