"""Level counts: the rows of two columns per level, side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ml_platform.stats.levels import levels

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from ml_platform.stats.columns import Codes


def level_counts(reference: ArrayLike, current: ArrayLike) -> tuple[Codes, Codes]:
    """Count the rows of both columns per level of either, the last one for missing.

    >>> [counts.tolist() for counts in level_counts(["a", "b", None], ["b", "c"])]
    [[1, 1, 0, 1], [0, 1, 1, 0]]
    """
    old, new = levels(reference, "reference"), levels(current, "current")
    names = sorted({*old.present, *new.present})
    places = {name: place for place, name in enumerate(names)}
    counted = []
    for found in (old, new):
        where = np.array([places.get(name, len(names)) for name in found.names], dtype=np.intp)
        counted.append(np.bincount(where[found.codes], minlength=len(names) + 1))
    return counted[0], counted[1]
