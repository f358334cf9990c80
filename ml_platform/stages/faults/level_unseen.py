"""Level unseen: a level that never was: a new code, a new shop, a new product."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ml_platform.stages.faults.aims import columns_that
from ml_platform.stages.faults.fault import Fault, Site

if TYPE_CHECKING:
    import pandas as pd


def _plant(site: Site) -> pd.DataFrame:
    rows = site.some(among=site.present)
    if site.trait.kind == "number":
        return site.put(rows, max(float(str(level)) for level in site.trait.levels) + 1)
    if site.trait.kind == "flag":
        return site.put(rows, "maybe")
    longest = max(site.trait.levels, key=lambda level: len(str(level)))
    return site.put(rows, f"{str(longest)[::-1]}x")


LEVEL_UNSEEN = Fault(
    name="level_unseen",
    meaning="a level that was never seen",
    unit="share of the rows",
    sizes=(0.005, 0.05, 0.3),
    aims=columns_that(lambda trait: trait.is_coded),
    plant=_plant,
)
