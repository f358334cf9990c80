"""Unseen share: how many rows hold a category that the reference never had."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np

from ml_platform.stats.levels import levels
from ml_platform.stats.wilson import wilson

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from ml_platform.core.measurement import Measurement


def unseen_share(
    reference: ArrayLike, current: ArrayLike, *, confidence: float = 0.95, subject: str = ""
) -> Measurement:
    """Return the share of current rows whose level isn't in the reference, with Wilson's interval.

    `reference` holds rows or just the known levels, shape (n,), `current` rows, shape (m,). Rows without a value
    aren't judged: fact `missing` counts them; fact `unseen_levels` counts the new levels. `n` is the rows judged.
    Undefined when no level is known and when no current row has a value. ValueError when a column isn't
    one-dimensional. Sources: Breck et al. 2019, Data Validation for Machine Learning, MLSys; Wilson 1927, J. Am.
    Stat. Assoc. 22.

    >>> unseen_share(["a", "b"], ["a", "b", "c", None]).text()
    'unseen_share = 0.3333 share [0.06149, 0.7923] (n = 3)'
    """
    known, found = set(levels(reference, "reference").present), levels(current, "current")
    new = np.array([name not in known for name in found.present], dtype=np.bool_)
    present = found.codes[found.codes < new.size]
    hits = int(new[present].sum())
    size = present.size if known else 0
    measured = wilson(hits if known else 0, size, metric="unseen_share", confidence=confidence, subject=subject)
    reason = measured.reason and ("no current row has a value" if known else "no level of the reference is known")
    facts = {"missing": found.missing, "unseen_levels": int(new.sum())}
    return dataclasses.replace(measured, reason=reason, facts=facts)
