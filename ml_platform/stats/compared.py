"""Compared rows: two numbers for the same row, checked once for every statistic of their difference."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ml_platform.stats.columns import Floats, flaw_of_sizes, numbers, require_same_length
from ml_platform.stats.entities import Entities, entities

if TYPE_CHECKING:
    from numpy.typing import ArrayLike


@dataclass(frozen=True, slots=True)
class Compared:
    """What is (or was) and what is claimed (or came after) for the same rows; `flaw` says why not to use them."""

    true: Floats
    other: Floats
    units: Entities
    flaw: str


def compared(
    true: ArrayLike, other: ArrayLike, entity: ArrayLike | None = None, names: tuple[str, str] = ("y_true", "y_pred")
) -> Compared:
    """Check two finite columns of shape (n,), whose squares are finite too; ValueError when shapes differ."""
    one, two = numbers(true, names[0]), numbers(other, names[1])
    require_same_length(**{names[0]: one, names[1]: two})
    units = entities(entity, one)
    return Compared(one, two, units, flaw_of_sizes(**{names[0]: one, names[1]: two}) or units.flaw)
