"""Dependence: whether values of different columns still go together as they do in the reference."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ml_platform.stages.inspection.bins import binned
from ml_platform.stages.inspection.evidence import Evidence
from ml_platform.stages.inspection.scored import shift_of, strongest

if TYPE_CHECKING:
    from ml_platform.stages.inspection.tables import Tables
    from ml_platform.stats.shift import Shift

Floats = NDArray[np.float64]
PRIOR_ROWS = 1.0
MOST_PARTNERS = 6
LEAST_INFORMATION = 0.005


def pairs(tables: Tables) -> Iterator[Evidence]:
    """How well each column's value goes with those of the columns that tell most about it.

    The score is the sum over partners of log(seen / expected) of the row's combination among the fitting rows, a
    row added to both: a value that was shuffled, swapped or converted goes with fewer of the others. Learned twice,
    from the fitting rows and from all rows of both tables: the second compares all of the reference's.
    """
    everyone = np.arange(tables.rows)
    learned = [_learn(tables, tables.fit, tables.compared, tables.held.size)]
    learned.append(_learn(tables, everyone, everyone, tables.reference_rows))
    for place, column in enumerate(tables.chosen):
        partners = learned[0].partners(place)
        if not partners:
            continue
        names = (column.name, *(tables.chosen[other].name for other in partners))
        shifts = [shift for one in learned for shift in one.shifts(place)]
        yield strongest("dependence", names, shifts, tables)


@dataclass(frozen=True, slots=True)
class _Learned:
    """What some rows tell of pairs of columns, the rows that are scored by it, and how many of these are reference."""

    classes: list[NDArray[np.int64]]
    sizes: list[int]
    information: Floats
    logs: dict[tuple[int, int], Floats]
    scored: NDArray[np.int64]
    reference: int

    def partners(self, place: int) -> list[int]:
        """Return the columns that tell most about one."""
        nearest = np.argsort(-self.information[place], kind="stable")[:MOST_PARTNERS]
        return [int(other) for other in nearest if self.information[place, other] > LEAST_INFORMATION]

    def shifts(self, place: int) -> Iterator[Shift]:
        """Compare how well the column's values go with its partners': together, and with the one they suit least."""
        found = [self._score(place, other) for other in self.partners(place)]
        if found:
            yield shift_of(np.sum(found, axis=0), self.reference)
            yield shift_of(np.min(found, axis=0), self.reference)

    def _score(self, place: int, other: int) -> Floats:
        first, second = min(place, other), max(place, other)
        mine, theirs = self.classes[first][self.scored], self.classes[second][self.scored]
        found: Floats = self.logs[first, second][mine * self.sizes[second] + theirs]
        return found


def _learn(tables: Tables, fit: NDArray[np.int64], scored: NDArray[np.int64], reference: int) -> _Learned:
    classes = [binned(column, fit) for column in tables.chosen]
    sizes = [int(found.max(initial=0)) + 1 for found in classes]
    information, logs = _information(fit, classes, sizes)
    return _Learned(classes, sizes, information, logs, scored, reference)


def _information(
    fit: NDArray[np.int64], classes: list[NDArray[np.int64]], sizes: list[int]
) -> tuple[Floats, dict[tuple[int, int], Floats]]:
    """Return the information that columns hold of each other (nats, bias taken off), and the logs of their pairs."""
    count = len(classes)
    mine = [found[fit] for found in classes]
    shares = [
        (np.bincount(found, minlength=size) + 0.5) / (fit.size + 0.5 * size)
        for found, size in zip(mine, sizes, strict=True)
    ]
    information = np.zeros((count, count))
    logs: dict[tuple[int, int], Floats] = {}
    for first in range(count):
        for second in range(first + 1, count):
            cells = np.bincount(mine[first] * sizes[second] + mine[second], minlength=sizes[first] * sizes[second])
            apart = np.outer(shares[first], shares[second]).ravel()
            ratio = np.log((cells + PRIOR_ROWS) / (fit.size * apart + PRIOR_ROWS))
            bias = (sizes[first] - 1) * (sizes[second] - 1) / (2 * fit.size)
            information[first, second] = information[second, first] = float(cells @ ratio) / fit.size - bias
            logs[first, second] = ratio
    return information, logs
