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
PLACES = (0, 1, 2, 4, 8, 16, 32)  # of the value judged, counted from the outermost


def extremes(tables: Tables) -> Iterator[Evidence]:
    """Judge each number's and time's largest and smallest values, where they lie beyond all of the reference's."""
    for column in tables.of_kind("number", "time"):
        values = column.numbers()
        before = np.sort(values[: tables.reference_rows][np.isfinite(values[: tables.reference_rows])])
        now = np.sort(values[tables.reference_rows :][np.isfinite(values[tables.reference_rows :])])
        if not before.size or not now.size:
            continue
        outside = (now > before[-1]).mean() + (now < before[0]).mean()
        yield Evidence(
            kind="extremes", columns=(column.name,), effect=float(outside), p_value=_p_outside(before, now), n=now.size,
            facts={"largest": float(now[-1]), "smallest": float(now[0])} if column.kind == "number" else {},
        )  # fmt: skip


def _p_outside(before: Floats, now: Floats) -> float:
    """Return how improbable values beyond all of `before` are, at either end; both finite and sorted."""
    return min(1.0, 2 * min(_p_value(before, now), _p_value(-before[::-1], -now[::-1])))


def _p_value(before: Floats, now: Floats) -> float:
    from scipy.special import bdtrc

    found = 1.0
    for place in PLACES:
        if place >= now.size or now[now.size - 1 - place] <= before[-1]:
            break
        chance = tail_probability(before, float(now[now.size - 1 - place]))
        if chance is not None:
            found = min(found, len(PLACES) * float(bdtrc(place, now.size, chance)))
    return found if math.isfinite(found) else 1.0
