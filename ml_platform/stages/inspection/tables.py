"""Tables: the columns of a reference and a batch, and which rows are whose."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ml_platform.stages.inspection.table import Column

Whole = NDArray[np.int64]
MOST_TOGETHER = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Tables:
    """Columns of both tables, the reference's rows first; `fit` are the reference rows that models may learn from.

    The other reference rows (`held`) are what the batch is compared with wherever a model was learned: neither had a
    part in it, so that under no fault they can't be told apart.
    """

    columns: tuple[Column, ...]
    reference_rows: int
    batch_rows: int
    fit: NDArray[np.int64]
    held: NDArray[np.int64]
    target: Column | None = None
    scores: NDArray[np.float64] | None = None

    @property
    def rows(self) -> int:
        """Rows of both tables."""
        return self.reference_rows + self.batch_rows

    @property
    def compared(self) -> NDArray[np.int64]:
        """The held reference rows, then the batch's."""
        return np.concatenate([self.held, np.arange(self.reference_rows, self.rows)])

    @property
    def chosen(self) -> tuple[Column, ...]:
        """The columns that are compared with each other: those that vary, at most 60 (the first ones)."""
        return tuple(column for column in self.columns if column.values.size > 1)[:MOST_TOGETHER]

    def of_kind(self, *kinds: str) -> Iterator[Column]:
        """Return the columns of some kinds."""
        return (column for column in self.columns if column.kind in kinds)

    def counts(self, column: Column) -> tuple[Whole, Whole]:
        """Return how often each distinct value occurs in both tables and in the batch."""
        codes, mine = column.codes, column.codes[self.reference_rows :]
        size = column.values.size
        return count_of(codes, size), count_of(mine, size)


def count_of(codes: Whole, size: int) -> Whole:
    """Return how often each code from 0 to size - 1 occurs; -1 is left out."""
    return np.bincount(codes + 1, minlength=size + 1)[1:]
