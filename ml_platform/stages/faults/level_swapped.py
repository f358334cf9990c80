"""Level swapped: two levels change places, as after a mistake in a mapping table."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ml_platform.stages.faults.fault import Aim, Fault, Scene, Site

if TYPE_CHECKING:
    import pandas as pd


def _two_levels(scene: Scene, rng: np.random.Generator) -> list[Aim]:
    found = []
    for trait in scene.traits.values():
        levels = [level for level, share in zip(trait.levels, trait.shares, strict=True) if share >= 0.02]
        if trait.is_coded and len(levels) > 1:
            first, second = rng.choice(len(levels), size=2, replace=False)
            found.append(Aim(columns=(trait.name,), levels=(levels[first], levels[second])))
    return found


def _plant(site: Site) -> pd.DataFrame:
    first, second = site.aim.levels
    rows = site.some(among=site.present)
    cells = site.values.astype(object).to_numpy()[rows]
    other = {first: second, second: first}
    return site.put(rows, np.array([other.get(one, one) for one in cells], dtype=object))


LEVEL_SWAPPED = Fault(
    name="level_swapped",
    meaning="two levels change places",
    unit="share of the rows",
    sizes=(0.1, 0.4, 1.0),
    aims=_two_levels,
    plant=_plant,
)
