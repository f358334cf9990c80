"""DeLong: the area under the ROC curve and how much each row moves it, in O(n log n)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ml_platform.stats.influence import influence_variance

if TYPE_CHECKING:
    from ml_platform.stats.columns import Flags, Floats
    from ml_platform.stats.entities import Entities


def area(positive: Flags, score: Floats) -> float:
    """Return the AUC alone, for rows of both classes and finite scores; fast enough to be drawn a thousand times.

    >>> area(np.array([False, False, True, True]), np.array([0.1, 0.4, 0.35, 0.8]))
    0.75
    """
    return float(_share_below(np.sort(score[~positive]), np.sort(score[positive])).mean())


def delong(positive: Flags, score: Floats) -> tuple[float, Floats]:
    """Return the AUC and its influence per row, shape (n,), for rows of both classes and finite scores.

    A positive row's placement is the share of negatives scored below it (ties count half), a negative row's the
    share of positives above it. Sources: DeLong et al. 1988, Biometrics 44; Sun and Xu 2014, IEEE Signal Process.
    Lett. 21 (sorting instead of comparing all pairs).

    >>> auc, influence = delong(np.array([False, False, True, True]), np.array([0.1, 0.4, 0.35, 0.8]))
    >>> auc, influence.tolist()
    (0.75, [0.125, -0.125, -0.125, 0.125])
    """
    _, level = np.unique(score, return_inverse=True)
    above, below = (np.bincount(level, weights=rows, minlength=int(level.max()) + 1) for rows in (positive, ~positive))
    beaten = (np.cumsum(below) - below / 2) / below.sum()
    beating = 1 - (np.cumsum(above) - above / 2) / above.sum()
    auc = float((above * beaten).sum() / above.sum())
    influence = np.where(positive, (beaten[level] - auc) / above.sum(), (beating[level] - auc) / below.sum())
    return auc, influence


def delong_variance(influence: Floats, positive: Flags, units: Entities) -> float | None:
    """Return the variance of an AUC from its influence, or that of a difference from the difference of influences.

    Without entities it is DeLong's, each class with its own degrees of freedom; with them, entities are the
    independent units, as in Obuchowski 1997, Biometrics 53. None when a class has one row or there is one entity.
    """
    if units.codes is not None:
        return influence_variance(influence, units)
    above = influence_variance(influence[positive], units)
    below = influence_variance(influence[~positive], units)
    return None if above is None or below is None else above + below


def _share_below(sorted_scores: Floats, scores: Floats) -> Floats:
    left = np.searchsorted(sorted_scores, scores, side="left")
    right = np.searchsorted(sorted_scores, scores, side="right")
    return (left + right) / (2 * sorted_scores.size)
