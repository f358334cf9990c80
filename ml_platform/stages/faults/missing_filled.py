"""Missing filled: cells that should be missing hold a usual value instead."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ml_platform.stages.faults.aims import columns_that
from ml_platform.stages.faults.fault import Fault, Site

if TYPE_CHECKING:
    import pandas as pd


def _plant(site: Site) -> pd.DataFrame:
    among = ~site.present
    usual = site.trait.middle if site.trait.kind == "number" else site.trait.levels[0]
    return site.put(site.some(among=among), usual) if among.any() else site.frame.copy()


MISSING_FILLED = Fault(
    name="missing_filled",
    meaning="missing cells filled with a usual value",
    unit="share of the missing cells",
    sizes=(0.2, 0.6, 1.0),
    aims=columns_that(lambda trait: trait.missing >= 0.01 and trait.distinct > 0),
    plant=_plant,
)
