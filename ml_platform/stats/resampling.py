"""Resampling: rows of a table drawn again, entity by entity and stratum by stratum."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ml_platform.stats.columns import Codes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ml_platform.stats.entities import Entities


@dataclass(frozen=True, slots=True)
class Resampling:
    """Row numbers ordered by unit, where each unit's rows start and how many they are, and each unit's stratum."""

    order: Codes
    start: Codes
    size: Codes
    stratum: Codes

    @property
    def units(self) -> int:
        """The number of independent units."""
        return self.start.size

    def draws(self, rng: np.random.Generator, repetitions: int) -> Iterator[Codes]:
        """Yield the row numbers of tables drawn with replacement; a stratum keeps its number of units."""
        members = [np.flatnonzero(self.stratum == code) for code in np.unique(self.stratum)]
        for _ in range(repetitions):
            chosen = [some[rng.integers(0, some.size, some.size)] for some in members]
            yield self.rows_of(np.concatenate(chosen))

    def leave_outs(self, groups: int) -> Iterator[Codes]:
        """Yield the row numbers without one group of units after the other; units are dealt to groups in turn."""
        group = np.arange(self.units) % min(groups, self.units)
        for left_out in range(min(groups, self.units)):
            yield self.rows_of(np.flatnonzero(group != left_out))

    def rows_of(self, chosen: Codes) -> Codes:
        """Return the row numbers of units, a unit's rows as often as it was chosen."""
        size = self.size[chosen]
        offset = np.repeat(self.start[chosen] - (np.cumsum(size) - size), size)
        return self.order[offset + np.arange(offset.size)]


def resampling(units: Entities, strata: Codes) -> Resampling:
    """Order the rows of a table by unit; a unit belongs to the stratum of its first row.

    >>> from ml_platform.stats.entities import Entities
    >>> plan = resampling(Entities(np.array([1, 0, 1])), np.array([0, 0, 0]))
    >>> plan.rows_of(np.array([1, 1])).tolist()
    [0, 2, 0, 2]
    """
    codes = np.arange(strata.size) if units.codes is None else units.codes
    _, compact = np.unique(codes, return_inverse=True)
    order = np.argsort(compact, kind="stable")
    size = np.bincount(compact)
    start = np.cumsum(size) - size
    return Resampling(order, start, size, strata[order[start]])
