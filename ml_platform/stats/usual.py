"""Usual: what is known of a quantity from before, so that chance in later means can be reckoned with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ml_platform.stats.columns import Floats, flaw_of_numbers, numbers

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

MOST_ROWS = 1_000
MOST_EXPONENT = 700.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Usual:
    """A quantity's earlier rows: how many, their mean and standard deviation.

    `rows` are what its later means are made of, less the mean: all of them, or the means of 1,000 evenly many in
    order, each as likely as its `weights` say, shapes (r,).
    """

    n: int
    mean: float
    deviation: float
    rows: Floats
    weights: Floats

    def log_moment(self, rate: Floats) -> Floats:
        """Return log E exp(rate (row - mean)) for each rate, of any shape."""
        exponent = np.multiply.outer(rate, self.rows)
        top = np.minimum(exponent.max(axis=-1), MOST_EXPONENT)
        with np.errstate(over="ignore"):
            found: Floats = top + np.log(np.exp(exponent - top[..., None]) @ self.weights)
        return found


def usual_rows(values: ArrayLike) -> Usual | None:
    """Return what is usual of numbers, shape (n,); None for fewer than two, for a constant and for what isn't finite.

    >>> found = usual_rows([1.0, 2.0, 3.0])
    >>> found.n, found.mean, round(found.deviation, 3)
    (3, 2.0, 0.816)
    """
    column = numbers(values, "values")
    if flaw_of_numbers(values=column) or column.min() == column.max():
        return None
    mean = float(column.mean())
    kept = np.sort(column)
    if kept.size > MOST_ROWS:
        edges = np.linspace(0, kept.size, MOST_ROWS + 1).astype(np.intp)
        kept = np.add.reduceat(kept, edges[:-1]) / np.diff(edges)
    deviation = float(column.std())
    kept = kept - kept.mean()
    return Usual(
        n=column.size,
        mean=mean,
        deviation=deviation,
        rows=kept * (deviation / kept.std()),
        weights=np.full(kept.size, 1 / kept.size),
    )


def usual_share(hits: int, n: int) -> Usual:
    """Return what is usual of a share that had `hits` among `n` rows; one more on each side: none is no proof of never.

    ValueError for a count that isn't one of n rows.

    >>> found = usual_share(1, 2)
    >>> found.mean, found.deviation
    (0.5, 0.5)
    """
    if not 0 <= hits <= n:
        message = f"hits: are {hits} of {n} rows; a count from 0 to n is needed; count the rows first"
        raise ValueError(message)
    mean = (hits + 1) / (n + 2)
    return Usual(
        n=n,
        mean=mean,
        deviation=float(np.sqrt(mean * (1 - mean))),
        rows=np.array([-mean, 1 - mean]),
        weights=np.array([1 - mean, mean]),
    )
