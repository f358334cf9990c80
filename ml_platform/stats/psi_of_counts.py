"""Population stability index of counts: the same statistic when only a stored profile of the reference is left."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ml_platform.stats.count_distance import count_distance

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from ml_platform.core.measurement import Measurement
    from ml_platform.stats.columns import Floats


def psi_of_counts(
    reference_counts: ArrayLike,
    current_counts: ArrayLike,
    *,
    seed: int | None = None,
    confidence: float = 0.95,
    subject: str = "",
) -> Measurement:
    """Return the sum over cells of (current share - reference share) times ln(current share / reference share).

    The counts, shape (cells,), name the same cells in the same order. A cell that is empty on one side counts as half
    a row there, so that the index stays finite; a cell empty on both sides is left out. With a `seed` the interval is
    a basic bootstrap of both multinomials. Without any shift the index isn't 0 but about (cells - 1)(1/n + 1/m): fact
    `expected_without_shift`. `n` is the smaller side; facts: cells, reference_n, current_n. Undefined when a side is
    empty or its counts are no whole numbers from 0. ValueError when lengths differ. Sources: Kullback and Leibler 1951,
    Ann. Math. Stat. 22 (the divergence J); Yurdakul 2018, Western Michigan University dissertation 3208 (its null).

    >>> psi_of_counts([50, 50], [25, 75]).text()
    'psi = 0.2747 (n = 100)'
    """
    return count_distance(
        _psi,
        _expected,
        reference_counts,
        current_counts,
        metric="psi",
        seed=seed,
        confidence=confidence,
        subject=subject,
    )


def _psi(old: Floats, new: Floats) -> Floats:
    p = np.maximum(old, 0.5) / old.sum(axis=-1, keepdims=True)
    q = np.maximum(new, 0.5) / new.sum(axis=-1, keepdims=True)
    index: Floats = ((q - p) * np.log(q / p)).sum(axis=-1)
    return index


def _expected(old: Floats, new: Floats) -> float:
    return float((old.size - 1) * (1 / old.sum() + 1 / new.sum()))
