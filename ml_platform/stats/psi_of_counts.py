"""Population stability index of counts: the same statistic when only a stored profile of the reference is left."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from ml_platform.core.measurement import Measurement
from ml_platform.stats.columns import Floats, numbers, require_same_length
from ml_platform.stats.count_bootstrap import bootstrap_of_counts, flaw_of_counts


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
    empty or a count is negative or not finite. ValueError when lengths differ. Sources: Kullback and Leibler 1951,
    Ann. Math. Stat. 22 (the divergence J); Yurdakul 2018, Western Michigan University dissertation 3208 (its null).

    >>> psi_of_counts([50, 50], [25, 75]).text()
    'psi = 0.2747 (n = 100)'
    """
    old, new = numbers(reference_counts, "reference_counts"), numbers(current_counts, "current_counts")
    require_same_length(reference_counts=old, current_counts=new)
    reason = flaw_of_counts(reference=old, current=new)
    if reason:
        return Measurement(metric="psi", value=None, n=0, subject=subject, reason=reason)
    used = (old + new) > 0
    old, new = old[used], new[used]
    n, m = int(old.sum()), int(new.sum())
    value = float(_psi(old, new))
    low, high = bootstrap_of_counts(_psi, old, new, seed=seed, confidence=confidence)
    return Measurement(
        metric="psi",
        value=value,
        n=min(n, m),
        low=low,
        high=high,
        confidence=None if seed is None else confidence,
        subject=subject,
        facts={
            "cells": old.size,
            "reference_n": n,
            "current_n": m,
            "expected_without_shift": (old.size - 1) * (1 / n + 1 / m),
        },
    )


def _psi(old: Floats, new: Floats) -> Floats:
    """Return the index along the last axis."""
    p = np.maximum(old, 0.5) / old.sum(axis=-1, keepdims=True)
    q = np.maximum(new, 0.5) / new.sum(axis=-1, keepdims=True)
    index: Floats = ((q - p) * np.log(q / p)).sum(axis=-1)
    return index
