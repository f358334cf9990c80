"""Promised rows: made rows that keep the contract's ranges and levels, with gaps; what a request may hold."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ml_platform.stages.encode import Columns, Levels

if TYPE_CHECKING:
    from ml_platform.policy.spec import Column, ModelSpec

ROWS = 256
MISSING = 0.1
CORNERS = 0.2
SECONDS_PER_YEAR = 31_557_600.0


def promised_columns(spec: ModelSpec, levels: Levels, seen: Columns, *, rng: np.random.Generator) -> Columns:
    """Return encoded rows as the contract allows them, every column drawn by itself.

    A number without a range lies among the `seen` ones, or is 0; a time may be a year later than any that was seen.
    """
    return {
        name: _gaps(_column(spec.contract[name], len(levels.get(name, ())), values, rng), rng)
        for name, values in seen.items()
    }


def _column(column: Column, levels: int, seen: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float64]:
    match column.type:
        case "category":
            return rng.integers(0, max(levels, 1), ROWS).astype(np.float64)
        case "boolean":
            return rng.integers(0, 2, ROWS).astype(np.float64)
        case "datetime":
            low, high = _span(seen)
            return rng.uniform(low, high + SECONDS_PER_YEAR, ROWS).round()
        case _:
            low, high = column.range or _span(np.append(seen, 0.0))
            drawn = rng.uniform(low, high, ROWS)
            drawn = np.rint(drawn) if column.type == "integer" else drawn
            corner = rng.random(ROWS)
            return np.where(corner < CORNERS / 2, low, np.where(corner < CORNERS, high, drawn))


def _span(values: NDArray[np.float64]) -> tuple[float, float]:
    there = values[np.isfinite(values)]
    return (float(there.min()), float(there.max())) if there.size else (0.0, 0.0)


def _gaps(values: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float64]:
    return np.where(rng.random(values.size) < MISSING, np.nan, values)
