"""People with an outcome and two models' scores of it, drawn from a seed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class People:
    """Outcomes 0/1, the better and the worse score, two group columns and an entity, shape (n,) each."""

    y: Floats
    better: Floats
    worse: Floats
    sex: NDArray[np.str_]
    rare: NDArray[np.int_]
    entity: NDArray[np.int_]


def people(rows: int, seed: int, *, rare: float = 0.1) -> People:
    """Draw them; scores are calibrated probabilities, the worse one with less information."""
    rng = np.random.default_rng(seed)
    entity = np.arange(rows) // 3
    known, hidden = rng.normal(size=rows), rng.normal(size=rows)
    chance = 1 / (1 + np.exp(-known - hidden))
    y = (rng.random(rows) < chance).astype(np.float64)
    half = 1 / (1 + np.exp(-0.85 * known))
    return People(
        y=y, better=chance, worse=half, sex=rng.choice(["f", "m"], rows), rare=(rng.random(rows) < rare) * 1,
        entity=entity,
    )  # fmt: skip
