"""Square and add: the interval of a difference or a sum of two independent measurements from their own intervals."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ml_platform.core.measurement import Measurement

Bounds = tuple[float | None, float | None]


def bounds_of_difference(a: Measurement, b: Measurement) -> Bounds:
    """Return the interval of a - b; (None, None) when either has no value or no interval.

    Each side of the result takes the distance from each estimate to its own bound, squares and adds. With Wilson
    intervals it is Newcombe's. Sources: Newcombe 1998, Stat. Med. 17; Zou and Donner 2008, Stat. Med. 27.

    >>> from ml_platform.stats.wilson import wilson
    >>> low, high = bounds_of_difference(wilson(56, 70), wilson(48, 80))
    >>> round(low, 4), round(high, 4)
    (0.0524, 0.3339)
    """
    arms_a, arms_b = _arms(a), _arms(b)
    if arms_a is None or arms_b is None:
        return None, None
    value, down, up = arms_a
    other, other_down, other_up = arms_b
    return value - other - math.hypot(down, other_up), value - other + math.hypot(up, other_down)


def bounds_of_mean(a: Measurement, b: Measurement, *, correlation: float = 0.0) -> Bounds:
    """Return the interval of (a + b) / 2 in the same way; (None, None) when either has no value or no interval.

    `correlation` is that of the two estimates. Source: Zou 2009, Br. J. Math. Stat. Psychol. 62 (dependent ones).
    """
    arms_a, arms_b = _arms(a), _arms(b)
    if arms_a is None or arms_b is None:
        return None, None
    value, down, up = arms_a
    other, other_down, other_up = arms_b
    mean = (value + other) / 2
    return mean - _added(down, other_down, correlation) / 2, mean + _added(up, other_up, correlation) / 2


def _added(one: float, other: float, correlation: float) -> float:
    return math.sqrt(max(one**2 + other**2 + 2 * correlation * one * other, 0.0))


def _arms(one: Measurement) -> tuple[float, float, float] | None:
    """Return the value and how far down and up its interval reaches."""
    if one.value is None or one.low is None or one.high is None:
        return None
    return one.value, one.value - one.low, one.high - one.value
