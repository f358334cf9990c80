"""Missing-share difference: how much more, or less, a column is missing than it was."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from ml_platform.stats.groups import group_distance
from ml_platform.stats.missing_share import missing_share

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from ml_platform.core.measurement import Measurement


def missing_share_difference(
    reference: ArrayLike, current: ArrayLike, *, confidence: float = 0.95, subject: str = ""
) -> Measurement:
    """Return the distance between the columns' shares of missing rows, without sign, with Newcombe's interval.

    The columns have the shapes (n,) and (m,). A fall counts like a rise: either says that the data come to be in
    another way; fact `signed` (current - reference) tells them apart. `n` is the smaller column; facts: reference,
    current, reference_n, current_n. Undefined when either column has no rows. Source: Newcombe 1998, Stat. Med. 17.

    >>> missing_share_difference([1.0, None, 3.0, 4.0], [1.0, 2.0, 3.0, 4.0]).text()
    'missing_share_difference = 0.25 share [0, 0.6994] (n = 4)'
    """
    old = missing_share(reference, confidence=confidence, subject="reference")
    new = missing_share(current, confidence=confidence, subject="current")
    found = group_distance(new, old, metric="missing_share_difference")
    facts = {
        "signed": found.facts["signed"],
        "reference": old.value,
        "current": new.value,
        "reference_n": old.n,
        "current_n": new.n,
    }
    return dataclasses.replace(found, unit="share", subject=subject, facts=facts)
