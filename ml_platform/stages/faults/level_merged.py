"""Level merged: the rarest levels come as one, as after a simplification nobody was told of."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ml_platform.stages.faults.aims import columns_that
from ml_platform.stages.faults.fault import Fault, Site

if TYPE_CHECKING:
    import pandas as pd


OTHER = ("other", "Other", "Z", "misc")


def _plant(site: Site) -> pd.DataFrame:
    reached = 0.0
    rare: set[object] = set()
    for level, share in reversed(list(zip(site.trait.levels, site.trait.shares, strict=True))[1:]):
        if rare and reached + share > site.size:
            break
        reached += share
        rare.add(level)
    return site.put(site.values.isin(rare).to_numpy(), site.aim.levels[0])


LEVEL_MERGED = Fault(
    name="level_merged",
    meaning="rare levels come as one new level",
    unit="share of the rows",
    sizes=(0.02, 0.1, 0.4),
    aims=columns_that(lambda trait: trait.kind == "text" and trait.is_coded, choices=OTHER),
    plant=_plant,
)
