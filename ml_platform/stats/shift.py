"""Shift: the strongest evidence that the rows of one table were not dealt at random, with its size."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Shift:
    """A p-value that counts every comparison made, the largest share of rows that is too much, and where it is.

    `first` and `last` are the places (in the order of the values) between which the batch has too much or too little;
    `excess` is its share there minus the reference's.
    """

    p_value: float = 1.0
    excess: float = 0.0
    first: int = 0
    last: int = -1
