"""Intersections: one group per combination of several attributes, where unfairness hides from each alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ml_platform.stats.columns import require_same_length
from ml_platform.stats.groups import group_names
from ml_platform.stats.levels import levels

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import ArrayLike, NDArray


def intersections(groups: Mapping[str, ArrayLike]) -> NDArray[np.object_]:
    """Return one label per row such as "black=1, female=0", shape (n,), from at least one attribute of shape (n,).

    Missing is a level of its own. ValueError when there is no attribute or lengths differ. Source: Kearns et al. 2018,
    Preventing Fairness Gerrymandering, ICML.

    >>> intersections({"black": [1, 0], "female": ["yes", None]}).tolist()
    ['black=1, female=yes', 'black=0, female=missing']
    """
    if not groups:
        raise ValueError("groups: is empty; at least one attribute is needed; name the columns that make the groups")
    found = {attribute: levels(values, attribute) for attribute, values in groups.items()}
    require_same_length(**{attribute: one.codes for attribute, one in found.items()})
    names = [np.array(group_names(one, attribute), dtype=object)[one.codes] for attribute, one in found.items()]
    labels = names[0]
    for more in names[1:]:
        labels = labels + ", " + more
    return labels
