"""Ratio contrast: how far the ratio of two sums in some rows lies from that in others."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ml_platform.stats.columns import Flags, Floats


@dataclass(frozen=True, slots=True)
class Contrast:
    """A difference, its standard error, and the rows on either side; None where a side says nothing."""

    difference: float
    standard_error: float
    inside: int
    outside: int

    @property
    def z(self) -> float:
        """Return the difference in standard errors."""
        return self.difference / self.standard_error

    def p_value(self, *, two_sided: bool) -> float:
        """Return how likely so large a difference is where there is none; large means above 0, or on either side."""
        one_sided = math.erfc((abs(self.z) if two_sided else self.z) / math.sqrt(2)) / 2
        return 2 * one_sided if two_sided else one_sided


def ratio_contrast(numerator: Floats, denominator: Floats, inside: Flags, outside: Flags) -> Contrast | None:
    """Return the ratio of sums over the rows inside minus that over the rows outside, each (n,); rows are independent.

    None without spread, with fewer than two rows on a side or a denominator whose sum isn't above 0. Source: Cochran
    1977, Sampling Techniques, 6.4 (linearised variance of a ratio).

    >>> ones = np.ones(4)
    >>> found = ratio_contrast(np.array([1.0, 0, 1, 0]), ones, np.array([1, 1, 0, 0]) > 0, np.array([0, 0, 1, 1]) > 0)
    >>> found.difference, round(found.standard_error, 3)
    (0.0, 0.707)
    """
    sides = [_ratio(numerator[rows], denominator[rows]) for rows in (inside, outside)]
    if sides[0] is None or sides[1] is None:
        return None
    error = math.sqrt(sides[0][1] + sides[1][1])
    if not error > 0:
        return None
    return Contrast(sides[0][0] - sides[1][0], error, int(inside.sum()), int(outside.sum()))


def _ratio(numerator: Floats, denominator: Floats) -> tuple[float, float] | None:
    """Return a ratio of sums and its variance."""
    total = float(denominator.sum())
    if numerator.size < 2 or not total > 0:
        return None
    ratio = float(numerator.sum()) / total
    spread = float(np.square(numerator - ratio * denominator).sum()) * numerator.size / (numerator.size - 1)
    return ratio, spread / total**2
