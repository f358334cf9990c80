"""Bootstrap of counts: the interval of a distance between two binned columns."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ml_platform.stats.columns import Floats, flaw_of_numbers

REPETITIONS = 1000


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


def bootstrap_of_counts(
    distance: Callable[[Floats, Floats], Floats],
    old: Floats,
    new: Floats,
    *,
    seed: int | None,
    confidence: float,
) -> tuple[float | None, float | None]:
    """Return the basic bootstrap interval of a distance >= 0 of two columns of counts; (None, None) without a seed.

    Both sides are drawn again as multinomials. A distance grows by noise, and does so again when drawn again: the
    basic interval (twice the value minus the drawn quantiles, never below 0) takes that growth off.
    `distance` works along the last axis. Source: Davison and Hinkley 1997, Bootstrap Methods, section 5.2.
    """
    if seed is None:
        return None, None
    rng = np.random.default_rng(seed)
    drawn = [
        rng.multinomial(int(side.sum()), side / side.sum(), size=REPETITIONS).astype(np.float64) for side in (old, new)
    ]
    tail = (1 - confidence) / 2
    near, far = np.quantile(distance(drawn[0], drawn[1]), [tail, 1 - tail])
    value = float(distance(old, new))
    return max(0.0, 2 * value - float(far)), max(0.0, 2 * value - float(near))
