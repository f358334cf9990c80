"""Extremes: values further out than the reference's tail, carried on by a model of it, would ever give."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ml_platform.stages.inspection.evidence import Evidence
from ml_platform.stats.tail_probability import tail_probability

if TYPE_CHECKING:
    from ml_platform.stages.inspection.tables import Tables

Floats = NDArray[np.float64]
PLACES = (0, *(2**power for power in range(11)))  # of the value judged, counted from the outermost
LEAST_REFERENCE = 100
PROVEN = 1e-5  # of all values out to the last place with such a p-value is said that they are too far out


def extremes(tables: Tables) -> Iterator[Evidence]:
    """Judge each number's and time's largest and smallest values, where they lie beyond all of the reference's."""
    for column in tables.of_kind("number", "time"):
        values = column.numbers()
        before = np.sort(values[: tables.reference_rows][np.isfinite(values[: tables.reference_rows])])
        now = np.sort(values[tables.reference_rows :][np.isfinite(values[tables.reference_rows :])])
        infinite = int(np.isinf(values[tables.reference_rows :]).sum())
        if infinite and before.size >= LEAST_REFERENCE and not np.isinf(values[: tables.reference_rows]).any():
            p_value, rows = 0.0, infinite  # further out than any tail reaches
        elif before.size and now.size:
            p_value, rows = _outermost(before, now)
        else:
            continue
        ends = {"largest": float(now[-1]), "smallest": float(now[0])} if now.size and column.kind == "number" else {}
        yield Evidence(
            kind="extremes", columns=(column.name,), effect=rows / tables.batch_rows, p_value=p_value,
            n=tables.batch_rows, facts=ends,
        )  # fmt: skip


def _outermost(before: Floats, now: Floats) -> tuple[float, int]:
    """Return how improbable values beyond all of `before` are, at either end, and how many; both finite and sorted."""
    p_value, rows = min(
        _beyond(before, now), _beyond(-before[::-1], -now[::-1]), key=lambda found: (found[0], -found[1])
    )
    return min(1.0, 2 * p_value), rows


def _beyond(before: Floats, now: Floats) -> tuple[float, int]:
    """Return the smallest p-value over the places, and of how many outermost values it is proven."""
    from scipy.special import bdtrc

    smallest, rows = 1.0, 0
    for place in PLACES:
        if place >= now.size or now[now.size - 1 - place] <= before[-1]:
            break
        chance = tail_probability(before, float(now[now.size - 1 - place]))
        if chance is None or not math.isfinite(chance):
            continue
        p_value = len(PLACES) * float(bdtrc(place, now.size, chance))
        if p_value < max(smallest, PROVEN):
            smallest, rows = min(smallest, p_value), place + 1
    return smallest, rows
