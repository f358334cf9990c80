"""Extremes: values further out than the reference's tail, carried on by a model of it, would ever give."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from ml_platform.stages.inspection.evidence import Evidence
from ml_platform.stats.tail_probability import tail_probability

if TYPE_CHECKING:
    from ml_platform.stages.inspection.tables import Tables

MOST_VALUES = 5


def extremes(tables: Tables) -> Iterator[Evidence]:
    """Judge each number's largest and smallest values, where they lie beyond all of the reference's."""
    for column in tables.of_kind("number"):
        values = column.numbers()
        before = np.sort(values[: tables.reference_rows][np.isfinite(values[: tables.reference_rows])])
        now = np.sort(values[tables.reference_rows :][np.isfinite(values[tables.reference_rows :])])
        if not before.size or not now.size:
            continue
        upper = _p_value(before, now)
        lower = _p_value(-before[::-1], -now[::-1])
        outside = (now > before[-1]).mean() + (now < before[0]).mean()
        yield Evidence(
            kind="extremes", columns=(column.name,), effect=float(outside), p_value=min(1.0, 2 * min(upper, lower)),
            n=now.size, facts={"largest": float(now[-1]), "smallest": float(now[0])},
        )  # fmt: skip


def _p_value(before: np.ndarray, now: np.ndarray) -> float:
    from scipy.special import bdtrc

    found = 1.0
    for place in range(min(MOST_VALUES, now.size)):
        value = now[now.size - 1 - place]
        if value <= before[-1]:
            break
        chance = tail_probability(before, float(value))
        if chance is not None:
            found = min(found, MOST_VALUES * float(bdtrc(place, now.size, chance)))
    return found if math.isfinite(found) else 1.0
