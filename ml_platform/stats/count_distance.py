"""Count distance: how far two binned columns are apart, and how far chance alone would put them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from ml_platform.core.measurement import Measurement
from ml_platform.stats.columns import Floats, flaw_of_numbers, numbers, require_same_length
from ml_platform.stats.confidence import z_value

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

Distance = Callable[[Floats, Floats], Floats]
Expected = Callable[[Floats, Floats], float]
REPETITIONS = 1000


def count_distance(
    distance: Distance,
    expected: Expected,
    reference_counts: ArrayLike,
    current_counts: ArrayLike,
    *,
    metric: str,
    seed: int | None,
    confidence: float,
    subject: str,
) -> Measurement:
    """Return the distance of two columns of counts over the same cells, shape (cells,).

    `distance` (0 or more) works along the last axis; `expected` says how large it is on average without any shift.
    Cells that are empty on both sides are left out. Both see at least one cell and one row per side. With a `seed` the
    interval is a bootstrap. Undefined when a side is empty or its counts are no counts. ValueError when lengths differ.
    """
    old, new = numbers(reference_counts, "reference_counts"), numbers(current_counts, "current_counts")
    require_same_length(reference_counts=old, current_counts=new)
    reason = flaw_of_counts(reference=old, current=new)
    if reason:
        return Measurement(metric=metric, value=None, n=0, subject=subject, reason=reason)
    used = (old + new) > 0
    old, new = old[used], new[used]
    low, high = _bootstrap(distance, old, new, seed, confidence)
    return Measurement(
        metric=metric,
        value=float(distance(old, new)),
        n=int(min(old.sum(), new.sum())),
        low=low,
        high=high,
        confidence=None if seed is None else confidence,
        subject=subject,
        facts={
            "cells": old.size,
            "reference_n": int(old.sum()),
            "current_n": int(new.sum()),
            "expected_without_shift": expected(old, new),
        },
    )


def flaw_of_counts(**counts: Floats) -> str:
    """Say why counts can't be used: no rows, negative, fractional or not finite; "" when they can.

    >>> flaw_of_counts(current=np.array([0.0, 0.0]))
    'current has no rows'
    """
    for name, values in counts.items():
        flaw = flaw_of_numbers(**{name: values})
        if flaw:
            return flaw
        if (values < 0).any() or (values % 1 != 0).any():
            return f"{name} holds counts that are no whole numbers from 0"
        if values.sum() == 0:
            return f"{name} has no rows"
    return ""


def _bootstrap(
    distance: Distance, old: Floats, new: Floats, seed: int | None, confidence: float
) -> tuple[float | None, float | None]:
    """Return the basic bootstrap interval of a distance, both sides drawn again as multinomials; none without a seed.

    A distance grows by noise, and does so again when drawn again: the basic interval (twice the value minus the drawn
    quantiles, never below 0) takes that growth off. Davison and Hinkley 1997, Bootstrap Methods, section 5.2.
    """
    z_value(confidence)
    if seed is None:
        return None, None
    rng = np.random.default_rng(seed)
    again = [
        rng.multinomial(int(side.sum()), side / side.sum(), size=REPETITIONS).astype(np.float64) for side in (old, new)
    ]
    tail = (1 - confidence) / 2
    near, far = np.quantile(distance(again[0], again[1]), [tail, 1 - tail])
    value = float(distance(old, new))
    return max(0.0, 2 * value - float(far)), max(0.0, 2 * value - float(near))
