"""Population stability index of shares: the same statistic for many windows at once, against what was usual."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from ml_platform.stats.columns import Codes, Floats


def psi_of_shares(usual: Floats, shares: Floats, n: Codes) -> Floats:
    """Return the index of each window, shape (windows,), less what chance alone gives a window of so many rows.

    `usual` holds the shares of the cells, all above 0, shape (cells,), `shares` has the shape (windows, cells), `n` the
    rows of each window. A cell that is empty counts as half a row; a window without rows has the index 0. Sources:
    Siddiqi 2006, Credit Risk Scorecards; Yurdakul 2018, Western Michigan University dissertation 3208 (its null).

    >>> psi_of_shares(np.array([0.5, 0.5]), np.array([[0.25, 0.75]]), np.array([1000])).round(3).tolist()
    [0.274]
    """
    rows = np.maximum(n, 1)[:, None]
    q = np.maximum(shares, 0.5 / rows)
    index: Floats = ((q - usual) * np.log(q / usual)).sum(axis=1) - (usual.size - 1) / rows[:, 0]
    return np.where(n > 0, np.maximum(index, 0.0), 0.0)
