"""Satterthwaite: how many degrees of freedom a variance has that was itself estimated."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from ml_platform.stats.influence import unit_sums

if TYPE_CHECKING:
    from ml_platform.stats.columns import Floats
    from ml_platform.stats.entities import Entities


def satterthwaite(influence: Floats, units: Entities) -> float:
    """Return the degrees of freedom of the variance of a statistic whose influence per row is given, shape (n,).

    They are 2 over the squared relative error of that variance, which grows with the kurtosis: values with a long tail
    tell less of their own spread than their number says. At most units - 1, what normal values have; for two units or
    more. Source: Satterthwaite 1946, Biometrics Bull. 2; Hummel, Banga and Hettmansperger 2005, Better Confidence
    Intervals for the Variance in a Random Sample.

    >>> from ml_platform.stats.entities import Entities
    >>> values = np.array([1.0, 2.0, 3.0, 30.0])
    >>> round(satterthwaite((values - values.mean()) / 4, Entities()), 2)
    3.0
    >>> values = np.append(np.zeros(99), 1.0)
    >>> round(satterthwaite((values - values.mean()) / 100, Entities()), 2)
    2.06
    """
    count = units.count() or influence.size
    squares = np.square(unit_sums(influence, units))
    total = float(squares.sum())
    relative = float(np.square(squares).sum()) / total**2 - 1 / count if total > 0 else 0.0
    return min(2 / relative, count - 1.0) if relative > 0 else count - 1.0


def freedom_of(influence: Floats, units: Entities) -> float:
    """Return the same with entities, and no end of them for independent rows, whose variance a share itself tells."""
    return math.inf if units.codes is None else max(satterthwaite(influence, units), 1.0)
