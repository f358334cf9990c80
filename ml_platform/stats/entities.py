"""Entities: which rows belong together (a person, a machine) and so aren't independent evidence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ml_platform.stats.columns import Codes, Flags, require_same_length
from ml_platform.stats.levels import levels

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


@dataclass(frozen=True, slots=True)
class Entities:
    """A code per row, or None when every row stands for itself; `flaw` says why the codes can't be used."""

    codes: Codes | None = None
    flaw: str = ""

    def of(self, rows: Flags) -> Entities:
        """Return the entities of some of the rows."""
        return self if self.codes is None else Entities(self.codes[rows], self.flaw)

    def count(self) -> int | None:
        """Return how many different entities there are; None when every row stands for itself."""
        return None if self.codes is None else int(np.unique(self.codes).size)


def entities(entity: ArrayLike | None, rows: NDArray[np.generic]) -> Entities:
    """Give each entity of the rows a number; ValueError when the lengths differ.

    >>> entities(["ann", "bob", "ann"], np.zeros(3)).codes.tolist()
    [0, 1, 0]
    """
    if entity is None:
        return Entities()
    found = levels(entity, "entity")
    require_same_length(rows=rows, entity=found.codes)
    flaw = f"{found.missing} of {found.codes.size} rows have no entity" if found.missing else ""
    return Entities(found.codes, flaw)
