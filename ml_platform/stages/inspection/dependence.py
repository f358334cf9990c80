"""Dependence: whether values of different columns still go together as they do in the reference."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ml_platform.stages.inspection.bins import binned
from ml_platform.stages.inspection.evidence import Evidence
from ml_platform.stages.inspection.scored import held_against_batch

if TYPE_CHECKING:
    from ml_platform.stages.inspection.tables import Tables

Floats = NDArray[np.float64]
PRIOR_ROWS = 1.0
MOST_PARTNERS = 6
LEAST_INFORMATION = 0.005


def pairs(tables: Tables) -> Iterator[Evidence]:
    """How well each column's value goes with those of the columns that tell most about it.

    The score is the sum over partners of log(seen / expected) of the row's combination among the fitting rows, a
    row added to both: a value that was shuffled, swapped or converted goes with fewer of the others.
    """
    classes = [binned(column, tables.fit) for column in tables.chosen]
    sizes = [int(found.max(initial=0)) + 1 for found in classes]
    scored = tables.compared
    information, logs = _information(tables, classes, sizes)
    for place, column in enumerate(tables.chosen):
        nearest = np.argsort(-information[place], kind="stable")[:MOST_PARTNERS]
        partners = [int(other) for other in nearest if information[place, other] > LEAST_INFORMATION]
        if not partners:
            continue
        together = np.zeros(scored.size)
        worst = np.full(scored.size, np.inf)
        for other in partners:
            first, second = min(place, other), max(place, other)
            found = logs[first, second][classes[first][scored] * sizes[second] + classes[second][scored]]
            together += found
            worst = np.minimum(worst, found)
        names = (column.name, *(tables.chosen[other].name for other in partners))
        yield held_against_batch("dependence", names, [together, worst], tables)


def _information(
    tables: Tables, classes: list[NDArray[np.int64]], sizes: list[int]
) -> tuple[Floats, dict[tuple[int, int], Floats]]:
    """Return the information that columns hold of each other (nats, bias taken off), and the logs of their pairs."""
    fit, count = tables.fit, len(classes)
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
