"""Simultaneous: p-values of several hypotheses adjusted so that one budget covers all of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from numpy.typing import ArrayLike


def holm(p_values: ArrayLike) -> NDArray[np.float64]:
    """Return Holm's adjusted p-values, shape (k,): at most `alpha` are false with probability alpha, however dependent.

    Source: Holm 1979, Scand. J. Stat. 6.

    >>> holm([0.01, 0.04, 0.03]).round(2).tolist()
    [0.03, 0.06, 0.06]
    """
    p = np.asarray(p_values, dtype=np.float64)
    order = np.argsort(p, kind="stable")
    stepped = np.maximum.accumulate(p[order] * np.arange(p.size, 0, -1))
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(stepped, 1.0)
    return adjusted


def answerable(least_p: ArrayLike, alpha: float) -> NDArray[np.bool_]:
    """Return which hypotheses could be rejected at all, given the smallest p-value that each could have, shape (k,).

    The others needn't be counted: they are never rejected, whatever the data. Source: Tarone 1990, Biometrics 46.

    >>> answerable([0.2, 0.0001, 0.004], 0.005).tolist()
    [False, True, False]
    """
    least = np.asarray(least_p, dtype=np.float64)
    ordered = np.sort(least)
    counted = np.arange(1, least.size + 1)
    # The smallest number of hypotheses K such that no more than K could be rejected at alpha / K.
    among = np.searchsorted(ordered, alpha / counted, side="right")
    fits = np.flatnonzero(among <= counted)
    bound = alpha / counted[fits[0]] if fits.size else 0.0
    found: NDArray[np.bool_] = least <= bound
    return found
